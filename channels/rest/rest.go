// Package rest is the REST channel: a POST brings a message, the answers are in the response
// (rasa/core/channels/rest.py of Rasa 3.6.21). Beside Rasa's keys a body may have message_id: a message that comes again
// with the same one is answered again, but not handled again.
package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

const name = "rest"

func init() {
	channels.Registry.Register(component.Spec{
		Name:    name,
		Summary: "Messages by POST to /webhooks/rest/webhook, answers in the response, or as they come with ?stream=true.",
	}, func(cfg component.Config) (channels.Channel, error) {
		return &Channel{log: cfg.Env.Logger}, nil
	})
}

// Channel is the REST channel.
type Channel struct {
	log    *slog.Logger
	handle channels.Handler
}

var _ channels.Channel = (*Channel)(nil)

// Name returns "rest".
func (ch *Channel) Name() string { return name }

// Output returns nil: answers need a request to answer to.
func (ch *Channel) Output() channels.Output { return nil }

// Mount registers the health check and the webhook.
func (ch *Channel) Mount(r channels.Router, handle channels.Handler) {
	ch.handle = handle
	r.Handle(http.MethodGet, "/", channels.Health)
	r.Handle(http.MethodPost, "/webhook", ch.receive)
	r.Direct("/webhook", ch.answer)
}

func (ch *Channel) receive(c echo.Context) error {
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	if channels.QueryBool(c, "stream", false) {
		return ch.stream(c, body)
	}
	messages, err := ch.collect(c.Request().Context(), body)
	if err != nil {
		return err
	}
	return channels.WriteJSON(c, http.StatusOK, messages)
}

// answer is receive for a request without a query, as long as nothing is wrong with its body.
func (ch *Channel) answer(ctx context.Context, data, dst []byte) ([]byte, bool) {
	v, err := value.DecodeBody(data)
	body, ok := v.(*value.Map)
	if err != nil || !ok {
		return dst, false
	}
	messages, err := ch.collect(ctx, body)
	if err != nil {
		return dst, false
	}
	return value.Append(dst, messages, value.Sanic), true
}

// collect returns the answers to a message. One that fails is answered with what was said before, unless it may be sent
// again: then the error wraps channels.ErrUnavailable.
func (ch *Channel) collect(ctx context.Context, body *value.Map) ([]any, error) {
	out := channels.NewCollector()
	err := ch.process(ctx, body, out)
	messages := out.End()
	if errors.Is(err, channels.ErrUnavailable) {
		return nil, err
	}
	if err != nil {
		ch.log.Error("message failed", "sender_id", channels.SenderID(body), "err", err)
	}
	return messages, nil
}

func (ch *Channel) process(ctx context.Context, body *value.Map, out channels.Output) error {
	text, err := channels.MessageText(body)
	if err != nil {
		return err
	}
	m := channels.UserMessage{
		Text: text, SenderID: channels.SenderID(body), InputChannel: name, MessageID: channels.PlatformID(body), Output: out,
	}
	switch v := body.Value("input_channel").(type) {
	case string:
		if v != "" {
			m.InputChannel = v
		}
	default:
		if value.Truthy(v) {
			m.InputChannel = value.Str(v)
		}
	}
	if v := body.Value("metadata"); value.Truthy(v) {
		metadata, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("metadata is a %s, not an object", value.TypeName(v))
		}
		m.Metadata = metadata
	}
	return ch.handle(ctx, &m)
}

// stream answers with one line of JSON a message, each sent as soon as the engine has it. Where Rasa leaves the line
// open for ever because the message failed, this one ends.
func (ch *Channel) stream(c echo.Context, body *value.Map) error {
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	var line []byte
	out := channels.NewForwarder("queue", func(_ context.Context, message *value.Map) error {
		line = append(value.Append(line[:0], message, value.JSON), '\n')
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("writing the answer: %w", err)
		}
		return control.Flush()
	})
	// A reminder keeps the output longer than the response may be written to.
	defer out.End()
	if err := ch.process(c.Request().Context(), body, out); err != nil {
		ch.log.Error("message failed", "sender_id", channels.SenderID(body), "err", err)
	}
	if !w.Committed {
		w.WriteHeader(http.StatusOK)
	}
	return nil
}

// Package callback is the callback channel: a POST brings a message, the answers are posted to a URL of the user's
// (rasa/core/channels/callback.py of Rasa 3.6.21).
//
// With an inbox the POST is answered as soon as the message is kept; without one, as in Rasa, when its answers have been
// posted. Beside Rasa's keys a body may have message_id: a message that comes again with the same one is dropped. Answers
// have the header Idempotency-Key, the same when an answer is posted again, for whoever wants to drop it then.
package callback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
)

const name = "callback"

func init() {
	channels.Registry.Register(component.Spec{
		Name:    name,
		Summary: "Messages by POST to /webhooks/callback/webhook, answers posted one by one to a URL.",
		Source:  "rasa/core/channels/callback.py",
		Fields: []component.Field{
			{Name: "url", Kind: component.String, Doc: "Where the answers are posted."},
			{Name: "params", Kind: component.Map, Doc: "Query parameters added to the URL."},
			{Name: "headers", Kind: component.Map, Doc: "Headers of each request."},
			{Name: "basic_auth", Kind: component.Map, Doc: "username and password for basic authentication."},
			{Name: "token", Kind: component.String, Doc: "A token sent as a query parameter."},
			{Name: "token_name", Kind: component.String, Default: "token", Doc: "The name of that parameter."},
			{Name: "cafile", Kind: component.String, Doc: "A file with the certificates to trust."},
		},
	}, build)
}

type options struct {
	URL       string     `option:"url"`
	Params    *value.Map `option:"params"`
	Headers   *value.Map `option:"headers"`
	BasicAuth *value.Map `option:"basic_auth"`
	Token     string     `option:"token"`
	TokenName string     `option:"token_name"`
	CAFile    string     `option:"cafile"`
}

func build(cfg component.Config) (channels.Channel, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	if o.URL == "" {
		return nil, cfg.OptionError("url", "must say where answers are posted")
	}
	to, err := endpoint.New(endpoint.Config{
		URL: o.URL, Params: o.Params, Headers: o.Headers, Token: o.Token, TokenName: o.TokenName, CAFile: o.CAFile,
		BasicAuth: o.BasicAuth.Len() > 0, Username: o.BasicAuth.String("username"), Password: o.BasicAuth.String("password"),
	})
	var unreadable *endpoint.CAFileError
	switch {
	case errors.As(err, &unreadable):
		return nil, cfg.OptionError("cafile", "cannot be used: %v", err)
	case err != nil:
		return nil, cfg.OptionError("url", "cannot be used: %v", err)
	}
	return &Channel{endpoint: to, log: cfg.Env.Logger}, nil
}

// Channel is the callback channel.
type Channel struct {
	endpoint *endpoint.Endpoint
	log      *slog.Logger
	handle   channels.Handler
	accept   channels.Accept // nil without an inbox
}

var _ channels.Async = (*Channel)(nil)

// Name returns "callback".
func (ch *Channel) Name() string { return name }

// Mount registers the health check and the webhook.
func (ch *Channel) Mount(r channels.Router, handle channels.Handler) {
	ch.handle = handle
	r.Handle(http.MethodGet, "/", channels.Health)
	r.Handle(http.MethodPost, "/webhook", ch.receive)
}

// Accepting implements channels.Async.
func (ch *Channel) Accepting(accept channels.Accept) { ch.accept = accept }

// ReplyOutput implements channels.Async: all answers go to the same URL.
func (ch *Channel) ReplyOutput(*value.Map) channels.Output { return ch.Output() }

// Output returns an output that posts each message to the configured URL.
func (ch *Channel) Output() channels.Output { return channels.NewForwarder(name, ch.post) }

// post delivers one message. An answer of 400 or more is only logged, as in Rasa; no answer is an error.
func (ch *Channel) post(ctx context.Context, message *value.Map) error {
	to := ch.endpoint
	if id := channels.MessageID(ctx); id != "" {
		to = to.With("Idempotency-Key", id)
	}
	_, err := to.Post(ctx, value.Encode(message, value.JSON))
	var refused *endpoint.StatusError
	if errors.As(err, &refused) {
		ch.log.Error("callback refused a message", "url", ch.endpoint.URL(), "status", refused.Status)
		return nil
	}
	if err != nil {
		return fmt.Errorf("sending a message to the callback: %w", err)
	}
	return nil
}

func (ch *Channel) receive(c echo.Context) error {
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	text, err := channels.MessageText(body)
	if err != nil {
		return err
	}
	m := channels.UserMessage{
		Text: text, SenderID: channels.SenderID(body), InputChannel: name, MessageID: channels.PlatformID(body), Output: ch.Output(),
	}
	if err := ch.take(c.Request().Context(), &m); err != nil {
		return err
	}
	return channels.WriteText(c, http.StatusOK, channels.TypeText, "success")
}

// take keeps a message, or has it answered when there is nothing to keep it in.
func (ch *Channel) take(ctx context.Context, m *channels.UserMessage) error {
	if ch.accept == nil {
		return ch.handle(ctx, m)
	}
	return ch.accept(ctx, m, nil)
}

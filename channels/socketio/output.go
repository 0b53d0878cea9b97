package socketio

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// output sends bot messages as events to the room of the recipient. It may be shared.
type output struct{ ch *Channel }

// Name returns "socketio".
func (o *output) Name() string { return name }

// Send emits the parts of a message.
func (o *output) Send(ctx context.Context, recipientID string, message *value.Map) error {
	return channels.Dispatch(ctx, o, recipientID, message)
}

func (o *output) emit(recipientID string, message *value.Map) {
	o.ch.emit(recipientID, o.ch.opts.BotEvent, message)
}

// Text emits one event a paragraph.
func (o *output) Text(_ context.Context, recipientID, text string) error {
	for _, part := range strings.Split(value.Strip(text), "\n\n") {
		o.emit(recipientID, value.NewMap("text", part))
	}
	return nil
}

// Buttons emits one event a paragraph, the last with the buttons as quick replies.
func (o *output) Buttons(_ context.Context, recipientID string, text any, buttons []any) error {
	full, ok := text.(string)
	if !ok {
		return fmt.Errorf("buttons below a text that is a %s", value.TypeName(text))
	}
	replies := make([]any, len(buttons))
	for i, b := range buttons {
		m, _ := b.(*value.Map)
		title, hasTitle := m.Get("title")
		payload, hasPayload := m.Get("payload")
		if !hasTitle || !hasPayload {
			return fmt.Errorf("button %d has no title or no payload", i+1)
		}
		replies[i] = value.NewMap("content_type", "text", "title", title, "payload", payload)
	}
	parts := strings.Split(value.Strip(full), "\n\n")
	for i, part := range parts {
		with := []any{}
		if i == len(parts)-1 {
			with = replies
		}
		o.emit(recipientID, value.NewMap("text", part, "quick_replies", with))
	}
	return nil
}

// Image emits an image as an attachment.
func (o *output) Image(_ context.Context, recipientID string, image any) error {
	o.emit(recipientID, attachment("image", value.NewMap("src", image)))
	return nil
}

// Attachment emits an attachment.
func (o *output) Attachment(_ context.Context, recipientID string, a any) error {
	o.emit(recipientID, value.NewMap("attachment", a))
	return nil
}

// Elements emits each element as a card of its own.
func (o *output) Elements(_ context.Context, recipientID string, elements []any) error {
	for _, e := range elements {
		o.emit(recipientID, attachment("template", value.NewMap("template_type", "generic", "elements", e)))
	}
	return nil
}

// Custom emits the "data" of a custom payload, to the "room" or "to" in it if there is one. Rasa hands the payload's
// keys to emit() as arguments, so any other key is an error, and what follows in the same answer is lost; clients and
// bots have come to write {"data": ...}.
func (o *output) Custom(_ context.Context, recipientID string, custom any) error {
	m, ok := custom.(*value.Map)
	if !ok {
		return fmt.Errorf("sending a custom payload: it is a %s, not an object", value.TypeName(custom))
	}
	room := recipientID
	for k, v := range m.All() {
		switch k {
		case "data", "skip_sid", "callback", "ignore_queue", "namespace":
		case "room", "to":
			if value.Truthy(v) && (k == "to" || !value.Truthy(m.Value("to"))) {
				room = value.Str(v)
			}
		default:
			return fmt.Errorf("sending a custom payload: socketio shows only what is under \"data\", not %q", k)
		}
	}
	o.ch.emit(room, o.ch.opts.BotEvent, m.Value("data"))
	return nil
}

func attachment(kind string, payload *value.Map) *value.Map {
	return value.NewMap("attachment", value.NewMap("type", kind, "payload", payload))
}

// newHexID returns the id of a session: 32 hexadecimal digits.
func newHexID() string {
	var raw [16]byte
	// rand.Read of crypto/rand never fails.
	_, _ = rand.Read(raw[:])
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return hex.EncodeToString(raw[:])
}

package nats

import (
	"fmt"
	"time"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// encode returns the form of a message in the stream. made tells that its id was not the platform's, so that nobody will
// put it again.
func encode(m stores.Envelope, made bool) []byte {
	out := value.NewMap("id", m.ID, "channel", m.Channel, "sender_id", m.SenderID, "input_channel", m.InputChannel,
		"text", m.Text, "received", m.Received.UTC().Format(time.RFC3339Nano))
	for key, v := range map[string]*value.Map{"metadata": m.Metadata, "parse_data": m.ParseData, "reply_to": m.ReplyTo} {
		if v != nil {
			out.Set(key, v)
		}
	}
	if made {
		out.Set("made", true)
	}
	return value.Encode(out, value.JSON)
}

func decode(data []byte) (m stores.Envelope, made bool, err error) {
	in, err := value.DecodeObject(data)
	if err != nil {
		return m, false, fmt.Errorf("reading a message of the inbox: %w", err)
	}
	m = stores.Envelope{
		ID: in.String("id"), Channel: in.String("channel"), SenderID: in.String("sender_id"), InputChannel: in.String("input_channel"),
		Text: in.String("text"), Metadata: in.Map("metadata"), ParseData: in.Map("parse_data"), ReplyTo: in.Map("reply_to"),
	}
	if m.Received, err = time.Parse(time.RFC3339Nano, in.String("received")); err != nil {
		return m, false, fmt.Errorf("reading a message of the inbox: %w", err)
	}
	return m, value.Truthy(in.Value("made")), nil
}

// key is what duplicates of a message share.
func key(m stores.Envelope) string { return token(m.Channel) + "." + token(m.ID) }

package channels

import "github.com/parleybot/parley/internal/value"

// Pack returns a message as a JSON object from which Unpack makes it again, but for its Output.
func Pack(m *UserMessage) *value.Map {
	return value.NewMap("text", m.Text, "sender_id", m.SenderID, "input_channel", m.InputChannel, "message_id", m.MessageID,
		"metadata", mapOrNil(m.Metadata), "parse_data", mapOrNil(m.ParseData))
}

func mapOrNil(m *value.Map) any {
	if m == nil {
		return nil
	}
	return m
}

// Unpack returns the message that Pack was given. What is missing is empty.
func Unpack(m *value.Map) *UserMessage {
	return &UserMessage{Text: m.String("text"), SenderID: m.String("sender_id"), InputChannel: m.String("input_channel"),
		MessageID: m.String("message_id"), Metadata: m.Map("metadata"), ParseData: m.Map("parse_data")}
}

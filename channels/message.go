package channels

import (
	"fmt"

	"github.com/parleybot/parley/internal/value"
)

// DefaultSenderID is the conversation of messages that name none.
const DefaultSenderID = "default"

// SenderID returns the conversation a REST body names under "sender": any JSON value, as Python prints it.
func SenderID(body *value.Map) string {
	switch v := body.Value("sender").(type) {
	case nil:
		return DefaultSenderID
	case string:
		if v == "" {
			return DefaultSenderID
		}
		return v
	default:
		return value.Str(v)
	}
}

// MessageText returns the text under "message", stripped. A message without text, or with one that is no string, is an
// error: it leaves no trace in the conversation.
func MessageText(body *value.Map) (string, error) {
	v := body.Value("message")
	text, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("the message's text is a %s", value.TypeName(v))
	}
	return value.Strip(text), nil
}

// PlatformID returns the id a REST body gives its message under "message_id", "" when it gives none. Rasa knows no such
// key; what is no string is passed over like any key it does not know.
func PlatformID(body *value.Map) string { return body.String("message_id") }

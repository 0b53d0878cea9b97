// Package channels holds what chat channels and the dialogue engine tell each other: user messages one way, bot
// messages the other. Each channel has a package of its own below this one; this one also has what they share: the
// registry, the parts of a message, and JSON over HTTP as Sanic does it.
package channels

import (
	"context"

	"github.com/parleybot/parley/internal/value"
)

// UserMessage is one message of a user (rasa/core/channels/channel.py, UserMessage).
type UserMessage struct {
	// Text is the message, trimmed by the channel as Rasa does.
	Text string
	// SenderID names the conversation. Rasa's default is "default".
	SenderID string
	// InputChannel is the channel's name, "" where Rasa has None.
	InputChannel string
	// MessageID is an id given by the channel; the processor makes one when it is "".
	MessageID string
	Metadata  *value.Map
	// ParseData is set when the message was parsed already (NLU is skipped then).
	ParseData *value.Map
	// Output receives the answers.
	Output Output
}

// Output delivers bot messages to the user of one channel. Implementations say themselves whether they may be shared.
type Output interface {
	// Name is the channel's name as responses' `channel:` refers to it.
	Name() string
	// Send delivers one message as NLG or an action server made it: text, buttons, quick_replies, elements, image,
	// attachment, custom, and any further fields. What the channel cannot show it sends as text.
	Send(ctx context.Context, recipientID string, message *value.Map) error
}

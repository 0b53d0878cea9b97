package channels

import (
	"context"

	"github.com/parleybot/parley/internal/value"
)

// Accept keeps a message for good until its turn is stored, and returns before that is run. A message whose MessageID the
// channel handed over lately is dropped without an error. m.Output is not kept: replyTo, which may be nil, is given to the
// channel's ReplyOutput instead, maybe in another process. After an error the message may be handed over again.
type Accept func(ctx context.Context, m *UserMessage, replyTo *value.Map) error

// Async is a Channel that can answer a request as soon as its message is kept.
type Async interface {
	Channel
	// Accepting has the channel hand its messages to accept instead of the Handler of Mount. It is called before Mount, if
	// there is an inbox.
	Accepting(accept Accept)
	// ReplyOutput returns an output that answers a message handed over with replyTo.
	ReplyOutput(replyTo *value.Map) Output
}

package channels

import (
	"context"
	"strconv"
)

type messageIDKey struct{}

// WithMessageID returns a context in which Output.Send knows the id of the bot message: the same whenever and by whichever
// node the message is sent.
func WithMessageID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, messageIDKey{}, id)
}

// MessageID returns the id of the bot message that is being sent, "" when it has none. Channels whose platform drops
// messages that it has already hand it on.
func MessageID(ctx context.Context) string {
	id, _ := ctx.Value(messageIDKey{}).(string)
	return id
}

// IsMessageIDKey reports whether a context is asked for the id of a bot message, for contexts that make it when somebody
// wants to know.
func IsMessageIDKey(key any) bool { return key == messageIDKey{} }

// parts is the context of a message that is sent in parts: the first has the id of the message, the n-th ".n" behind it.
type parts struct {
	context.Context
	n int
}

// Value implements context.Context.
func (p *parts) Value(key any) any {
	v := p.Context.Value(key)
	if id, ok := v.(string); ok && id != "" && p.n > 1 && IsMessageIDKey(key) {
		return id + "." + strconv.Itoa(p.n)
	}
	return v
}

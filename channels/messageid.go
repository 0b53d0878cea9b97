package channels

import "context"

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

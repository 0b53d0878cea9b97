package dialogue

import (
	"context"
	"log/slog"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
)

// Replay answers a user message on t, which the caller owns, taking everything from outside out of env: nothing is
// locked, stored, published or scheduled. With the same model, tracker, message and answers of env the events that t
// gains are the same. env.NLG may be nil for the model's own; a message without id needs env.NewID.
func Replay(ctx context.Context, m *Model, env Env, t *tracker.Tracker, msg *channels.UserMessage) error {
	if env.NLG == nil {
		env.NLG = m.NLG
	}
	tn := &turn{
		env: env, model: m, tracker: t, out: msg.Output, commit: &commit{},
		log: slog.New(slog.DiscardHandler), maxActions: Config{}.withDefaults().MaxActions,
	}
	if tn.out == nil {
		tn.out = silent{}
	}
	t.Stamp(m.stamp)
	if msg.MessageID == "" {
		named := *msg
		named.MessageID = env.NewID()
		msg = &named
	}
	tn.id = msg.MessageID
	err := tn.handle(ctx, msg)
	tn.flush(ctx)
	return err
}

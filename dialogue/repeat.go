package dialogue

import (
	"context"

	"github.com/parleybot/parley/dialogue/tracker"
)

// repeat deals with a message that came before, which is told by is: done is true when its turn was stored. What the bot said then is sent
// again, under the same ids, since nobody knows what arrived; a turn that ended with its node before its last action is
// brought to its end.
func (p *Processor) repeat(ctx context.Context, tn *turn, is func(u *tracker.UserUttered) bool) (done bool, err error) {
	events := tn.tracker.Events()
	at := len(events) - 1
	for ; at >= 0; at-- {
		if u, ok := events[at].(*tracker.UserUttered); ok && is(u) {
			break
		}
	}
	if at < 0 {
		return false, nil
	}
	tn.log.InfoContext(ctx, "a message came again", "sender_id", tn.tracker.SenderID)
	last := true
	for _, e := range events[at+1:] {
		switch e := e.(type) {
		case *tracker.UserUttered:
			last = false
		case *tracker.BotUttered:
			if last {
				tn.unsaid = append(tn.unsaid, e)
			}
		}
	}
	tn.flush(ctx)
	if last && tn.model.Policies != nil && !waits(tn.tracker.State().LatestAction) {
		if err := tn.predictionLoop(ctx); err != nil {
			return true, p.giveUp(ctx, tn, err)
		}
		return true, p.save(ctx, tn)
	}
	return true, nil
}

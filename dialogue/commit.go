package dialogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// commit is what a turn needs to become visible: where its conversation was, and what it has to say. Nothing of a turn
// leaves the process before it is stored, so that a turn which has to be run again has done nothing yet.
type commit struct {
	p *Processor
	// known is the number of events that were loaded or stored by this turn.
	known int
	at    stores.Position
	after []string
	// id names the turn; a repeated run has the same. parts counts the commits before this one.
	id    string
	parts int
	// input is the message that the turn answers, nil when it answers none.
	input *channels.UserMessage
	// unsaid are bot messages that wait for the commit; said counts those that were sent.
	unsaid []*tracker.BotUttered
	said   int
	// replace makes the tracker's events the whole conversation.
	replace bool
	// rerun tells that the turn was run before, and may have been stored by then.
	rerun bool
	// quiet is true for events that were added by the API for the record only: they set no timers.
	quiet bool
	// spooled is closed when the turn that waits on disk is stored; nil when none waits.
	spooled <-chan struct{}
}

// quietCommit begins the ids of commits that set no timers, whoever delivers them.
const quietCommit = "record-"

// messageCommit returns the id of the turn that answers a message with an id given by its channel: one that no other
// conversation has.
func messageCommit(sender, messageID string) string {
	sum := sha256.Sum256([]byte(sender + "\x00" + messageID))
	return hex.EncodeToString(sum[:16])
}

// say keeps the bot messages among events for the commit.
func (tn *turn) say(events []tracker.Event) {
	if tn.commit == nil {
		return
	}
	for _, e := range events {
		if bot, ok := e.(*tracker.BotUttered); ok {
			tn.unsaid = append(tn.unsaid, bot)
		}
	}
}

// flush sends what waits. A message that cannot be delivered does not stop the turn.
func (tn *turn) flush(ctx context.Context) {
	for _, bot := range tn.unsaid {
		ctx := messageContext{ctx, tn.id, tn.said}
		tn.said++
		if err := tn.out.Send(ctx, tn.tracker.SenderID, botMessage(bot)); err != nil {
			tn.log.ErrorContext(ctx, "sending a bot message", "sender_id", tn.tracker.SenderID, "channel", tn.out.Name(),
				"err", err)
		}
	}
	tn.unsaid = tn.unsaid[:0]
}

// messageContext carries the id of a bot message: that of its turn, and which of its messages it is.
type messageContext struct {
	context.Context
	turn string
	n    int
}

// Value implements context.Context.
func (c messageContext) Value(key any) any {
	if channels.IsMessageIDKey(key) {
		return c.turn + "-" + strconv.Itoa(c.n)
	}
	return c.Context.Value(key)
}

// save stores what the turn added since it was loaded, or saved before, and lets it have its effects.
func (p *Processor) save(ctx context.Context, tn *turn) error {
	return p.store(ctx, tn, false)
}

func (p *Processor) store(ctx context.Context, tn *turn, partial bool) error {
	t := tn.tracker
	s := stores.Turn{Tracker: t, Known: tn.known, At: tn.at, Replace: tn.replace, ID: tn.id, Partial: partial}
	if tn.parts > 0 {
		s.ID = tn.id + "." + strconv.Itoa(tn.parts)
	}
	if tn.quiet {
		s.ID = quietCommit + s.ID
	}
	if tn.input != nil {
		s.Input = tn
	}
	fresh := s.New()
	s.Deliver = p.cfg.Outbox != nil && len(fresh) > 0 && (p.cfg.PublishAll || !tn.quiet && setsTimers(fresh))
	at, err := p.cfg.Store.Save(ctx, s)
	var spooled *stores.SpooledError
	if errors.As(err, &spooled) {
		tn.spooled = spooled.Done // the conversation stays locked until then; its effects come when it is stored
	} else if err != nil {
		return fmt.Errorf("storing the tracker of %q: %w", t.SenderID, err)
	}
	p.timers.remember(fresh, &s, tn.out)
	if tn.spooled == nil {
		p.deliver(ctx, tn, s)
	}
	tn.at, tn.known, tn.replace = at, len(t.Events()), false
	tn.parts++
	tn.flush(ctx)
	return nil
}

// deliver has the effects of a stored turn take place.
func (p *Processor) deliver(ctx context.Context, tn *turn, s stores.Turn) {
	inline := p.cfg.Outbox == nil && !tn.quiet && setsTimers(s.New())
	if !s.Deliver && !inline {
		return
	}
	c := stores.Commit{SenderID: s.Tracker.SenderID, ID: s.ID, Events: s.New(), Time: p.cfg.Now(), Fresh: true}
	if !inline {
		p.cfg.Outbox.Deliver(c, tn.after)
		tn.after = append(tn.after, s.ID)
		return
	}
	if err := p.SetTimers(ctx, c); err != nil {
		tn.log.ErrorContext(ctx, "setting reminders", "sender_id", c.SenderID, "err", err)
	}
}

// Pack implements stores.Input.
func (tn *turn) Pack() *value.Map {
	return channels.Pack(tn.input)
}

// slowAction is how long an action may run before what the bot said until then is stored and sent.
const slowAction = 300 * time.Millisecond

// run runs an action. While a slow one of an action server runs, what was said before is stored and sent: who chats sees
// "one moment" when it is said. Where answers are collected until the end anyway that is left out.
func (tn *turn) run(ctx context.Context, a action, before *tracker.Tracker) ([]tracker.Event, error) {
	if tn.commit == nil || tn.p == nil || len(tn.unsaid) == 0 || !isRemote(a) || channels.Collects(tn.out) {
		return a.run(ctx, tn, before)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var events []tracker.Event
	var err error
	var running sync.WaitGroup
	running.Add(1)
	ended := make(chan struct{})
	before = before.Fork() // stored, the space behind its events may be used by others
	go func() {
		defer running.Done()
		defer close(ended)
		events, err = a.run(ctx, tn, before)
	}()
	slow := make(chan struct{})
	stop := tn.p.cfg.AfterFunc(slowAction, func() { close(slow) })
	select {
	case <-ended:
		stop()
		return events, err
	case <-slow:
	}
	problem := tn.p.store(ctx, tn, true)
	if errors.Is(problem, stores.ErrConflict) {
		cancel(problem)
		running.Wait()
		return nil, problem
	}
	if problem != nil {
		tn.log.WarnContext(ctx, "what was said before a slow action is sent after it", "sender_id", tn.tracker.SenderID,
			"action", a.name(), "err", problem)
	}
	running.Wait()
	return events, err
}

// isRemote reports whether an action asks an action server, or may.
func isRemote(a action) bool {
	switch a.(type) {
	case remoteAction, formAction:
		return true
	}
	return false
}

// giveUp ends a turn that failed: nothing of it is stored, but for the conversation being there now, and what it said
// before is sent, as in Rasa.
func (p *Processor) giveUp(ctx context.Context, tn *turn, err error) error {
	if errors.Is(err, stores.ErrConflict) {
		return err
	}
	tn.flush(ctx)
	p.keepNew(ctx, tn)
	return err
}

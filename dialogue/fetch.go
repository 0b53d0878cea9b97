package dialogue

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// load returns a turn on the last session of a conversation, which may be empty. Rasa stores a new conversation at
// once; here that is left to the end of the turn (keepNew), where it is usually stored anyway.
func (p *Processor) load(ctx context.Context, m *Model, sender string, out channels.Output) (*turn, error) {
	t, err := p.cfg.Store.Load(ctx, m.Trackers, sender)
	if err != nil {
		return nil, fmt.Errorf("loading the tracker of %q: %w", sender, err)
	}
	return p.turnOn(m, t, sender, out), nil
}

func (p *Processor) turnOn(m *Model, t *tracker.Tracker, sender string, out channels.Output) *turn {
	tn := &turn{
		env:   Env{Now: p.now, Random: p.cfg.Random, NewID: p.cfg.NewID, Actions: p.cfg.Actions, NLG: p.cfg.NLG},
		model: m, tracker: t, out: out, log: p.cfg.Logger, maxActions: p.cfg.MaxActions,
		reminders: p.reminders, observer: p.cfg.OnPrediction,
	}
	if tn.env.NLG == nil {
		tn.env.NLG = m.NLG
	}
	if t == nil {
		tn.tracker, tn.isNew = m.Trackers.New(sender), true
	}
	if out == nil {
		tn.out = silent{}
	}
	tn.known = len(tn.tracker.Events())
	tn.tracker.Stamp(m.stamp)
	return tn
}

// save stores the turn's tracker and publishes its new events.
func (p *Processor) save(ctx context.Context, tn *turn) error {
	t := tn.tracker
	if err := p.cfg.Store.Save(ctx, t, tn.known); err != nil {
		return fmt.Errorf("storing the tracker of %q: %w", t.SenderID, err)
	}
	fresh := t.Events()[min(tn.known, len(t.Events())):]
	if len(fresh) == 0 {
		return nil
	}
	for _, b := range p.cfg.Brokers {
		if err := b.Publish(ctx, t.SenderID, fresh); err != nil {
			p.cfg.Logger.ErrorContext(ctx, "publishing events", "sender_id", t.SenderID, "err", err)
		}
	}
	return nil
}

// keepNew stores an empty conversation when a failed turn was its first: in Rasa it exists from then on.
func (p *Processor) keepNew(ctx context.Context, tn *turn) {
	if !tn.isNew {
		return
	}
	empty := tn.model.Trackers.New(tn.tracker.SenderID)
	if err := p.cfg.Store.Save(ctx, empty, 0); err != nil {
		p.cfg.Logger.ErrorContext(ctx, "storing a new tracker", "sender_id", empty.SenderID, "err", err)
	}
}

// create stores an empty conversation unless it exists by now.
func (p *Processor) create(ctx context.Context, m *Model, sender string) error {
	unlock, err := p.cfg.Locks.Lock(ctx, sender)
	if err != nil {
		return fmt.Errorf("creating the tracker of %q: %w", sender, err)
	}
	defer unlock()
	t, err := p.cfg.Store.LoadAll(ctx, m.Trackers, sender)
	if err != nil {
		return fmt.Errorf("loading the tracker of %q: %w", sender, err)
	}
	if t != nil {
		return nil
	}
	if err := p.cfg.Store.Save(ctx, m.Trackers.New(sender), 0); err != nil {
		return fmt.Errorf("storing the tracker of %q: %w", sender, err)
	}
	return nil
}

// Exists reports whether the store knows the conversation.
func (p *Processor) Exists(ctx context.Context, senderID string) (bool, error) {
	m := p.model.Load()
	if m == nil {
		return false, ErrNoModel
	}
	t, err := p.cfg.Store.LoadAll(ctx, m.Trackers, senderOf(senderID))
	if err != nil {
		return false, fmt.Errorf("loading the tracker of %q: %w", senderID, err)
	}
	return t != nil, nil
}

// Tracker returns the last session of a conversation, creating the conversation when it is new
// (MessageProcessor.get_tracker). The tracker is the caller's own.
func (p *Processor) Tracker(ctx context.Context, senderID string) (*tracker.Tracker, error) {
	m := p.model.Load()
	if m == nil {
		return nil, ErrNoModel
	}
	sender := senderOf(senderID)
	t, err := p.loadAll(ctx, m, sender)
	if err != nil {
		return nil, err
	}
	t = t.LastSession()
	t.Stamp(m.stamp)
	return t, nil
}

func (p *Processor) loadAll(ctx context.Context, m *Model, sender string) (*tracker.Tracker, error) {
	t, err := p.cfg.Store.LoadAll(ctx, m.Trackers, sender)
	if err != nil {
		return nil, fmt.Errorf("loading the tracker of %q: %w", sender, err)
	}
	if t != nil {
		return t, nil
	}
	return m.Trackers.New(sender), p.create(ctx, m, sender)
}

// FullTracker returns all that is stored of a conversation, creating it when it is new. An empty conversation is shown
// with the session start that its first message would cause, which is not stored
// (MessageProcessor.fetch_full_tracker_with_initial_session).
func (p *Processor) FullTracker(ctx context.Context, senderID string) (*tracker.Tracker, error) {
	m := p.model.Load()
	if m == nil {
		return nil, ErrNoModel
	}
	sender := senderOf(senderID)
	t, err := p.loadAll(ctx, m, sender)
	if err != nil {
		return nil, err
	}
	tn := p.turnOn(m, t, sender, nil)
	tn.reminders = nil
	if len(t.Events()) == 0 {
		if err := tn.updateSession(ctx, nil); err != nil {
			return nil, err
		}
	}
	return tn.tracker, nil
}

// Sessions returns the sessions of a conversation as far as they are stored, oldest first
// (MessageProcessor.get_trackers_for_all_conversation_sessions).
func (p *Processor) Sessions(ctx context.Context, senderID string) ([]*tracker.Tracker, error) {
	m := p.model.Load()
	if m == nil {
		return nil, ErrNoModel
	}
	sender := senderOf(senderID)
	t, err := p.cfg.Store.LoadAll(ctx, m.Trackers, sender)
	if err != nil || t == nil {
		return nil, err
	}
	var sessions []*tracker.Tracker
	events, start := t.Events(), 0
	for i, e := range events {
		a, ok := e.(*tracker.ActionExecuted)
		if ok && a.Name == tracker.ActionSessionStart && i > start {
			sessions = append(sessions, m.Trackers.FromEvents(sender, events[start:i]))
			start = i
		}
	}
	if start < len(events) {
		sessions = append(sessions, m.Trackers.FromEvents(sender, events[start:]))
	}
	return sessions, nil
}

// silent is where answers go when nobody listens.
type silent struct{}

// Name is that of Rasa's CollectingOutputChannel, which stands in for a missing channel there.
func (silent) Name() string { return "collector" }

// Send drops the message.
func (silent) Send(context.Context, string, *value.Map) error { return nil }

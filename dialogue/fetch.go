package dialogue

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// load returns a turn on the last session of a conversation, which may be empty. Rasa stores a new conversation at
// once; here that is left to the end of the turn (keepNew), where it is usually stored anyway.
func (p *Processor) load(ctx context.Context, m *Model, sender string, out channels.Output) (*turn, error) {
	conv, err := p.cfg.Store.Load(ctx, m.Trackers, sender)
	if err != nil {
		return nil, fmt.Errorf("loading the tracker of %q: %w", sender, err)
	}
	tn := p.turnOn(m, conv.Tracker, sender, out)
	tn.commit = &commit{p: p, known: len(tn.tracker.Events()), at: conv.At, after: conv.Unsettled}
	return tn, nil
}

// turnOn returns a turn that cannot be stored.
func (p *Processor) turnOn(m *Model, t *tracker.Tracker, sender string, out channels.Output) *turn {
	tn := &turn{
		env:   Env{Now: p.now, Random: p.cfg.Random, NewID: p.cfg.NewID, Actions: p.cfg.Actions, NLG: p.cfg.NLG},
		model: m, tracker: t, out: out, log: p.cfg.Logger, maxActions: p.cfg.MaxActions, observer: p.cfg.OnPrediction,
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
	tn.tracker.Stamp(m.stamp)
	return tn
}

// keepNew stores an empty conversation when a failed turn was its first: in Rasa it exists from then on.
func (p *Processor) keepNew(ctx context.Context, tn *turn) {
	if !tn.isNew || tn.parts > 0 {
		return
	}
	empty := tn.model.Trackers.New(tn.tracker.SenderID)
	_, err := p.cfg.Store.Save(ctx, stores.Turn{Tracker: empty, At: tn.at, Partial: true})
	if err != nil && !errors.Is(err, stores.ErrConflict) {
		p.cfg.Logger.ErrorContext(ctx, "storing a new tracker", "sender_id", empty.SenderID, "err", err)
	}
}

// create stores an empty conversation unless it exists by now.
func (p *Processor) create(ctx context.Context, m *Model, sender string, at stores.Position) error {
	_, err := p.cfg.Store.Save(ctx, stores.Turn{Tracker: m.Trackers.New(sender), At: at, Partial: true})
	if err != nil && !errors.Is(err, stores.ErrConflict) {
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
	conv, err := p.cfg.Store.LoadAll(ctx, m.Trackers, senderOf(senderID))
	if err != nil {
		return false, fmt.Errorf("loading the tracker of %q: %w", senderID, err)
	}
	return conv.Tracker != nil, nil
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
	conv, err := p.cfg.Store.LoadAll(ctx, m.Trackers, sender)
	if err != nil {
		return nil, fmt.Errorf("loading the tracker of %q: %w", sender, err)
	}
	if conv.Tracker != nil {
		return conv.Tracker, nil
	}
	return m.Trackers.New(sender), p.create(ctx, m, sender, conv.At)
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
	conv, err := p.cfg.Store.LoadAll(ctx, m.Trackers, sender)
	if err != nil || conv.Tracker == nil {
		return nil, err
	}
	var sessions []*tracker.Tracker
	events, start := conv.Tracker.Events(), 0
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

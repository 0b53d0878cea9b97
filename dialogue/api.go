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

// maxRuns is how often a turn is run before it is given up because others were always faster.
const maxRuns = 20

// locked runs f on the last session of a conversation, holding its lock. When f cannot store its turn because the
// conversation went on meanwhile, it is run again on what the conversation is now.
func (p *Processor) locked(ctx context.Context, senderID string, f func(tn *turn) error) error {
	m := p.model.Load()
	if m == nil {
		return ErrNoModel
	}
	return p.lockedOn(ctx, m, senderID, f)
}

func (p *Processor) lockedOn(ctx context.Context, m *Model, senderID string, f func(tn *turn) error) error {
	sender := senderOf(senderID)
	unlock, err := p.cfg.Locks.Lock(ctx, sender)
	switch {
	case errors.Is(err, stores.ErrUnavailable):
		// That no turn is lost is up to the tracker store.
		p.cfg.Logger.WarnContext(ctx, "going on without a lock", "sender_id", sender, "err", err)
		unlock = func() {}
	case err != nil:
		return fmt.Errorf("locking %q: %w", sender, err)
	}
	held := &heldLock{p: p, unlock: unlock}
	defer held.release()
	return p.runOn(ctx, m, sender, func(tn *turn) error {
		held.turn = tn
		return f(tn)
	})
}

// runOn runs f on a conversation whose lock is held, again if the conversation went on nevertheless.
func (p *Processor) runOn(ctx context.Context, m *Model, sender string, f func(tn *turn) error) error {
	for run := 1; ; run++ {
		tn, err := p.load(ctx, m, sender, nil)
		if err != nil {
			return err
		}
		tn.rerun = run > 1
		if err = f(tn); !errors.Is(err, stores.ErrConflict) || run == maxRuns || ctx.Err() != nil {
			return err
		}
		p.cfg.Logger.InfoContext(ctx, "the conversation went on elsewhere, running the turn again", "sender_id", sender)
	}
}

// heldLock is a conversation's lock and the turn that was run last under it.
type heldLock struct {
	p      *Processor
	unlock func()
	turn   *turn
}

// release hands the lock on, once the turn is stored.
func (h *heldLock) release() {
	if h.turn == nil || h.turn.spooled == nil {
		h.unlock()
		return
	}
	h.p.timers.running.Go(func() {
		select {
		case <-h.turn.spooled:
		case <-h.p.timers.ctx.Done():
		}
		h.unlock()
	})
}

// AppendMessage adds a user message to a conversation and extracts slots, without predicting anything; the message's
// Output is not used (POST /conversations/ID/messages). It returns the stored conversation.
func (p *Processor) AppendMessage(ctx context.Context, msg *channels.UserMessage) (*tracker.Tracker, error) {
	var t *tracker.Tracker
	if msg.MessageID == "" {
		named := *msg
		named.MessageID = p.cfg.NewID()
		msg = &named
	}
	err := p.locked(ctx, msg.SenderID, func(tn *turn) error {
		t, tn.id = tn.tracker, msg.MessageID
		if err := tn.logMessage(ctx, msg); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		if err := tn.extractSlots(ctx); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		return p.save(ctx, tn)
	})
	return t, err
}

// AppendEvents adds events to a conversation. Unless they begin with a session start of their own, an empty
// conversation gets one first. With an outputFor their side effects are executed: bot messages sent, reminders scheduled
// and cancelled (POST /conversations/ID/tracker/events). It returns the stored conversation.
func (p *Processor) AppendEvents(ctx context.Context, senderID string, events []tracker.Event, outputFor OutputFor,
) (*tracker.Tracker, error) {
	var t *tracker.Tracker
	err := p.locked(ctx, senderID, func(tn *turn) error {
		t, tn.id = tn.tracker, p.cfg.NewID()
		if len(t.Events()) == 0 && !beginWithSession(events) {
			if err := tn.updateSession(ctx, nil); err != nil {
				return err
			}
		}
		for _, e := range events {
			tn.datedIfMissing(e)
			t.Update(e)
		}
		tn.quiet = outputFor == nil
		if outputFor != nil {
			tn.out = outputFor(t)
			tn.say(events)
		}
		return p.save(ctx, tn)
	})
	return t, err
}

func beginWithSession(events []tracker.Event) bool {
	if len(events) < 2 {
		return false
	}
	a, ok := events[0].(*tracker.ActionExecuted)
	_, started := events[1].(*tracker.SessionStarted)
	return ok && started && a.Name == tracker.ActionSessionStart
}

// ReplaceEvents makes events the whole conversation (PUT /conversations/ID/tracker/events) and returns it.
func (p *Processor) ReplaceEvents(ctx context.Context, senderID string, events []tracker.Event) (*tracker.Tracker, error) {
	var t *tracker.Tracker
	err := p.locked(ctx, senderID, func(tn *turn) error {
		for _, e := range events {
			tn.datedIfMissing(e)
		}
		t = tn.model.Trackers.FromEvents(tn.tracker.SenderID, events)
		tn.tracker, tn.replace, tn.quiet, tn.id = t, true, true, p.cfg.NewID()
		return p.save(ctx, tn)
	})
	return t, err
}

// Execute runs an action as if policy had predicted it with the given confidence (POST /conversations/ID/execute). It
// returns the conversation as it was before, which is what Rasa shows, and where the answers went. The error wraps
// ErrUnknownAction when the domain has no such action; a failing action is none.
func (p *Processor) Execute(ctx context.Context, senderID, actionName, policyName string, confidence float64,
	outputFor OutputFor) (before *tracker.Tracker, out channels.Output, err error) {
	err = p.locked(ctx, senderID, func(shown *turn) error {
		if err := shown.updateSession(ctx, nil); err != nil {
			return err
		}
		before = shown.tracker
		out = outputFor(before)
		i, ok := shown.model.Domain.ActionIndex(actionName)
		if !ok {
			return p.giveUp(ctx, shown, fmt.Errorf("%w %q", ErrUnknownAction, actionName))
		}
		tn, err := p.load(ctx, shown.model, before.SenderID, out)
		if err != nil {
			return err
		}
		tn.id = p.cfg.NewID()
		if err := tn.updateSession(ctx, nil); err != nil {
			return err
		}
		pred := tn.model.forAction(i, policyName, confidence)
		if _, err := tn.runAction(ctx, tn.model.actions[i], &pred, tn.copy()); err != nil {
			return err
		}
		err = p.save(ctx, tn)
		shown.spooled = tn.spooled
		return err
	})
	return before, out, err
}

// TriggerIntent answers an intent as if the user had expressed it; entities is a list of entities, or a map from entity
// to value (POST /conversations/ID/trigger_intent). The error wraps ErrUnknownIntent when the domain has no such intent.
func (p *Processor) TriggerIntent(ctx context.Context, senderID, intent string, entities any, outputFor OutputFor,
) (t *tracker.Tracker, out channels.Output, err error) {
	err = p.locked(ctx, senderID, func(tn *turn) error {
		if err := tn.updateSession(ctx, nil); err != nil {
			return err
		}
		t = tn.tracker
		out = outputFor(t)
		tn.out, tn.id = out, p.cfg.NewID()
		if _, ok := tn.model.Domain.Intent(intent); !ok {
			return p.giveUp(ctx, tn, fmt.Errorf("%w %q", ErrUnknownIntent, intent))
		}
		if err := tn.trigger(ctx, intent, entities); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		return p.save(ctx, tn)
	})
	return t, out, err
}

// ActionScore is the score of one action.
type ActionScore struct {
	Action string
	Score  float64
}

// NextAction is a prediction as the HTTP API shows it.
type NextAction struct {
	// Scores has all actions in the order of the domain.
	Scores []ActionScore
	// Policy is "" where Rasa has None.
	Policy     string
	Confidence float64
	// Tracker is the current state of the conversation.
	Tracker *value.Map
	// Events are what the policies found out about the latest message, entities for example. Nothing is logged of them.
	Events []tracker.Event
	// Metadata is what the policy says about its prediction, nil for nothing.
	Metadata *value.Map
}

// PredictNext predicts the next action of a conversation without running it, after starting a session where one is due
// (POST /conversations/ID/predict). It returns nil for a model without policies.
func (p *Processor) PredictNext(ctx context.Context, senderID string) (*NextAction, error) {
	var next *NextAction
	err := p.locked(ctx, senderID, func(tn *turn) error {
		if err := tn.updateSession(ctx, nil); err != nil {
			return err
		}
		var err error
		if next, err = tn.nextAction(ctx, tracker.EventsAfterRestart); err != nil {
			return err
		}
		return p.save(ctx, tn)
	})
	return next, err
}

// PredictWithTracker predicts the action that follows events, without any conversation of the store being involved
// (POST /model/predict). It returns nil for a model without policies.
func (p *Processor) PredictWithTracker(ctx context.Context, senderID string, events []tracker.Event, v tracker.Verbosity,
) (*NextAction, error) {
	m := p.model.Load()
	if m == nil {
		return nil, ErrNoModel
	}
	tn := p.turnOn(m, nil, senderOf(senderID), nil)
	for _, e := range events {
		tn.datedIfMissing(e)
	}
	tn.tracker = m.Trackers.FromEvents(senderOf(senderID), events)
	return tn.nextAction(ctx, v)
}

func (tn *turn) nextAction(ctx context.Context, v tracker.Verbosity) (*NextAction, error) {
	if tn.model.Policies == nil {
		return nil, nil
	}
	pred, err := tn.predict(ctx)
	if err != nil {
		return nil, err
	}
	next := &NextAction{Policy: pred.Policy, Confidence: pred.MaxConfidence(), Tracker: tn.tracker.CurrentState(v), Events: pred.Events,
		Metadata: pred.Metadata}
	for i, name := range tn.model.Domain.ActionNames() {
		if i < len(pred.Probabilities) {
			next.Scores = append(next.Scores, ActionScore{name, pred.Probabilities[i]})
		}
	}
	return next, nil
}

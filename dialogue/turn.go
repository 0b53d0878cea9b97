package dialogue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

const (
	followupPolicy = "followup_action"
	intentRestart  = "restart"
)

// turn is the work on one conversation while its lock is held. It keeps the model it began with.
type turn struct {
	env        Env
	model      *Model
	tracker    *tracker.Tracker
	out        channels.Output
	log        *slog.Logger
	maxActions int
	observer   func(ctx context.Context, made Made)
	// commit is nil when the turn is only for show.
	*commit
	// isNew tells that the store has nothing of the conversation.
	isNew bool
}

// handle does everything for a user message except loading and storing (MessageProcessor.handle_message).
func (tn *turn) handle(ctx context.Context, msg *channels.UserMessage) error {
	if err := tn.logMessage(ctx, msg); err != nil {
		return err
	}
	if tn.model.Policies == nil {
		if _, said := tn.model.warned.LoadOrStore("no core model", true); !said {
			tn.log.WarnContext(ctx, "no core model: skipping action prediction and execution", "model", tn.model.File)
		}
		return nil
	}
	if err := tn.extractSlots(ctx); err != nil {
		return err
	}
	return tn.predictionLoop(ctx)
}

// update appends events, each dated now (DialogueStateTracker.update_with_events).
func (tn *turn) update(t *tracker.Tracker, events []tracker.Event) {
	for _, e := range events {
		e.Meta().Timestamp = tn.env.Now()
		tn.nameReminder(e)
		t.Update(e)
	}
}

func (tn *turn) datedIfMissing(e tracker.Event) {
	if b := e.Meta(); b.Timestamp == 0 {
		b.Timestamp = tn.env.Now()
	}
	tn.nameReminder(e)
}

// nameReminder gives a reminder without name one of its own, so that it replaces no other.
func (tn *turn) nameReminder(e tracker.Event) {
	if r, ok := e.(*tracker.ReminderScheduled); ok && r.Name == "" {
		id := tn.env.NewID()
		r.Name = id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	}
}

// copy returns a tracker to try events on. It shares the space behind the last event with the turn's tracker, so it must
// not be used any more once that goes on.
func (tn *turn) copy() *tracker.Tracker { return tn.tracker.Copy() }

func (tn *turn) paused() bool {
	s := tn.tracker.State()
	return s.Paused && s.LatestMessage.IntentName() != intentRestart
}

// waits reports whether the bot listens after the action called name.
func waits(name string) bool {
	return name == tracker.ActionListen || name == tracker.ActionSessionStart
}

// limitReached reports whether as many actions as allowed ran since the bot last listened.
func (tn *turn) limitReached() bool {
	n := 0
	events := tn.tracker.Events()
	for i := len(events) - 1; i >= 0 && n < tn.maxActions; i-- {
		if a, ok := events[i].(*tracker.ActionExecuted); ok {
			if waits(a.Name) {
				break
			}
			n++
		}
	}
	return n >= tn.maxActions
}

// predictionLoop predicts actions and runs them until the bot listens.
//
// Rasa does not apply the limit while the latest action is action_listen, so an action that undoes itself is predicted
// for ever. Here such predictions are counted as well.
func (tn *turn) predictionLoop(ctx context.Context) error {
	unlimited := 0
	for more := true; more && !tn.paused(); {
		if waits(tn.tracker.State().LatestAction) {
			unlimited++
		}
		if unlimited > tn.maxActions || !waits(tn.tracker.State().LatestAction) && tn.limitReached() {
			tn.log.WarnContext(ctx, "circuit breaker tripped: predicting no more actions", "sender_id", tn.tracker.SenderID)
			return nil
		}
		before := tn.copy() // still has the followup action that predicting takes away
		pred, err := tn.predict(ctx)
		if err != nil {
			return err
		}
		i, _ := pred.Max()
		if i < 0 || i >= len(tn.model.actions) {
			return fmt.Errorf("predicting an action: policy %q has %d scores for %d actions", pred.Policy,
				len(pred.Probabilities), len(tn.model.actions))
		}
		if pred.EndToEnd {
			if err := tn.extractSlots(ctx); err != nil {
				return err
			}
			before = tn.copy()
		}
		if more, err = tn.runAction(ctx, tn.model.actions[i], &pred, before); err != nil {
			return err
		}
	}
	return nil
}

// predict returns the followup action if there is one, otherwise what the policies predict.
func (tn *turn) predict(ctx context.Context) (policy.Prediction, error) {
	if name := tn.tracker.State().Followup; name != "" {
		tn.tracker.ClearFollowup()
		if i, ok := tn.model.Domain.ActionIndex(name); ok {
			pred := tn.model.forAction(i, followupPolicy, 1)
			pred.Reason = policy.Reason{Kind: "followup", Source: name}
			tn.observe(ctx, &pred, nil)
			return pred, nil
		}
		tn.log.ErrorContext(ctx, "ignoring unknown followup action", "sender_id", tn.tracker.SenderID, "action", name)
	}
	if tn.model.Policies == nil {
		return policy.Prediction{}, ErrNoDialogue
	}
	pred, votes, err := tn.askPolicies(ctx)
	if err != nil {
		return pred, fmt.Errorf("predicting the next action: %w", err)
	}
	tn.observe(ctx, &pred, votes)
	return pred, nil
}

func (tn *turn) askPolicies(ctx context.Context) (policy.Prediction, []policy.Prediction, error) {
	if voter, ok := tn.model.Policies.(Voter); ok && tn.observer != nil {
		return voter.Votes(ctx, tn.tracker)
	}
	pred, err := tn.model.Policies.Predict(ctx, tn.tracker)
	return pred, nil, err
}

func (tn *turn) observe(ctx context.Context, pred *policy.Prediction, votes []policy.Prediction) {
	if tn.observer == nil {
		return
	}
	if i, _ := pred.Max(); i >= 0 && i < len(tn.model.actions) {
		p := *pred // a copy, so that predictions nobody listens to stay off the heap
		tn.observer(ctx, Made{tn.tracker.SenderID, tn.model.actions[i].name(), &p, votes})
	}
}

// runAction runs a predicted action, logs it and executes the side effects of its events. before is a copy of the
// tracker for the action to look at. It returns whether another action is to be predicted (MessageProcessor._run_action).
func (tn *turn) runAction(ctx context.Context, a action, pred *policy.Prediction, before *tracker.Tracker) (bool, error) {
	tn.update(before, pred.Events)
	events, err := tn.run(ctx, a, before)
	switch {
	case errors.Is(err, stores.ErrConflict):
		return false, err
	case err == nil:
	case ctx.Err() != nil:
		return false, fmt.Errorf("running action %q: %w", a.name(), context.Cause(ctx))
	case errors.Is(err, actions.ErrRejected):
		tn.log.DebugContext(ctx, "action rejected", "sender_id", tn.tracker.SenderID, "action", a.name(), "err", err)
		tn.tracker.Update(&tracker.ActionExecutionRejected{
			Base: tn.now(), Name: a.name(), Policy: pred.Policy, Confidence: pred.MaxConfidence(),
		})
		return !waits(a.name()), nil
	default:
		tn.log.ErrorContext(ctx, "running an action failed, its events are lost", "sender_id", tn.tracker.SenderID,
			"action", a.name(), "err", err)
		events = nil
	}
	if !has[*tracker.ActionExecutionRejected](events) {
		tn.update(tn.tracker, pred.Events)
		tn.tracker.Update(tn.executed(a, pred))
	}
	tn.update(tn.tracker, events)
	if has[*tracker.UserUttered](events) {
		if err := tn.extractSlots(ctx); err != nil {
			return false, err
		}
	}
	tn.say(events)
	return !waits(a.name()), nil
}

func (tn *turn) executed(a action, pred *policy.Prediction) *tracker.ActionExecuted {
	e := &tracker.ActionExecuted{
		Base: tn.now(), Name: a.name(), Policy: pred.Policy, Confidence: pred.MaxConfidence(), HideRuleTurn: pred.HideRuleTurn,
	}
	if text, ok := a.(textAction); ok {
		e.Name, e.ActionText = "", text.text
	}
	e.Metadata = pred.Metadata
	return e
}

func (tn *turn) now() tracker.Base { return tracker.Base{Timestamp: tn.env.Now()} }

func has[E tracker.Event](events []tracker.Event) bool {
	for _, e := range events {
		if _, ok := e.(E); ok {
			return true
		}
	}
	return false
}

// extractSlots runs action_extract_slots after a user message (MessageProcessor.run_action_extract_slots). What fails in
// it fails the turn.
func (tn *turn) extractSlots(ctx context.Context) error {
	events, err := tn.model.extract.run(ctx, tn, tn.tracker)
	if err != nil {
		return fmt.Errorf("extracting slots: %w", err)
	}
	tn.update(tn.tracker, events)
	tn.say(events)
	return nil
}

// botMessage returns a bot event as channels get it (BotUttered.message). Fields without a value are left out.
func botMessage(e *tracker.BotUttered) *value.Map {
	m := &value.Map{}
	for k, v := range e.Data.All() {
		if v != nil {
			m.Set(k, v)
		}
	}
	if !e.NoText {
		m.Set("text", e.Text)
	}
	m.Set("timestamp", e.Timestamp).Update(e.Metadata)
	if image := m.Value("image"); image != nil && value.Equal(image, m.Value("attachment")) {
		m.Delete("attachment") // an image is copied there for the sake of old events
	}
	return m
}

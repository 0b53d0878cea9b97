package dialogue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parleybot/parley/dialogue/form"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

const (
	utterPrefix           = "utter_"
	actionExtractSlots    = "action_extract_slots"
	actionAskAffirmation  = "action_default_ask_affirmation"
	actionAskRephrase     = "action_default_ask_rephrase"
	actionDefaultFallback = "action_default_fallback"
	actionTwoStage        = "action_two_stage_fallback"
	intentNLUFallback     = "nlu_fallback"
	intentOutOfScope      = "out_of_scope"
)

// action is something the bot can do (rasa/core/actions/action.py, 3.6.21). Actions are immutable.
type action interface {
	name() string
	// run returns the events of the action for t, which it may change: it is a copy. Events need no timestamps.
	run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error)
}

// defaultActions are those every domain has, as far as they are not overridden by the project. "..." is none of them: as
// in Rasa it counts as a custom action.
var defaultActions map[string]action

func init() { // two of them look actions up by name, so a plain initialisation would be circular
	defaultActions = make(map[string]action)
	for _, a := range []action{
		quiet{tracker.ActionListen},
		response{"action_restart", "utter_restart", true, func(tn *turn) []tracker.Event {
			return []tracker.Event{&tracker.Restarted{Base: tn.now()}}
		}},
		sessionStart{},
		response{actionDefaultFallback, "utter_default", true, rewind},
		deactivateLoop{},
		revertFallbackEvents{},
		askAffirmation{},
		response{actionAskRephrase, "utter_ask_rephrase", true, nil},
		twoStageFallback{},
		quiet{"action_unlikely_intent"},
		response{"action_back", "utter_back", true, func(tn *turn) []tracker.Event {
			return append(rewind(tn), rewind(tn)...)
		}},
		extractSlots{},
	} {
		defaultActions[a.name()] = a
	}
}

func rewind(tn *turn) []tracker.Event {
	return []tracker.Event{&tracker.UserUtteranceReverted{Base: tn.now()}}
}

// runNamed runs the action called name.
func (tn *turn) runNamed(ctx context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error) {
	i, ok := tn.model.Domain.ActionIndex(name)
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknownAction, name)
	}
	return tn.model.actions[i].run(ctx, tn, t)
}

// quiet is an action without events.
type quiet struct{ actionName string }

func (a quiet) name() string { return a.actionName }

func (quiet) run(context.Context, *turn, *tracker.Tracker) ([]tracker.Event, error) { return nil, nil }

// sessionStart begins a session, with the slot values of the last one if the domain says so.
type sessionStart struct{}

func (sessionStart) name() string { return tracker.ActionSessionStart }

func (sessionStart) run(_ context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	events := []tracker.Event{&tracker.SessionStarted{Base: tn.now()}}
	if tn.model.Domain.Session.CarryOverSlots {
		for _, e := range t.AppliedEvents() {
			if s, ok := e.(*tracker.SlotSet); ok {
				base := tn.now()
				base.Metadata = s.Metadata
				events = append(events, &tracker.SlotSet{Base: base, Key: s.Key, Value: s.Value})
			}
		}
	}
	return append(events, &tracker.ActionExecuted{
		Base: tn.now(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence,
	}), nil
}

// deactivateLoop ends the active loop.
type deactivateLoop struct{}

func (deactivateLoop) name() string { return "action_deactivate_loop" }

func (deactivateLoop) run(_ context.Context, tn *turn, _ *tracker.Tracker) ([]tracker.Event, error) {
	return []tracker.Event{&tracker.ActiveLoop{Base: tn.now()}, &tracker.SlotSet{Base: tn.now(), Key: form.RequestedSlot}}, nil
}

// revertFallbackEvents always fails: what it did in Rasa relied on a module that 3.6.21 does not have.
type revertFallbackEvents struct{}

func (revertFallbackEvents) name() string { return "action_revert_fallback_events" }

func (revertFallbackEvents) run(context.Context, *turn, *tracker.Tracker) ([]tracker.Event, error) {
	return nil, errors.New("action_revert_fallback_events has no implementation since TwoStageFallbackPolicy is gone")
}

// askAffirmation asks whether the intent was meant.
type askAffirmation struct{}

func (askAffirmation) name() string { return actionAskAffirmation }

func (a askAffirmation) run(_ context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	latest := t.State().LatestMessage
	intent := latest.Intent.Value("name")
	if ranking := latest.ParseData.List("intent_ranking"); value.Equal(intent, intentNLUFallback) && len(ranking) > 1 {
		second, _ := ranking[1].(*value.Map)
		intent = second.Value("name")
	}
	name := value.Str(intent)
	message := value.NewMap(
		"text", "Did you mean '"+name+"'?",
		"buttons", []any{
			value.NewMap("title", "Yes", "payload", "/"+name),
			value.NewMap("title", "No", "payload", "/"+intentOutOfScope),
		},
		"utter_action", a.name(),
	)
	return []tracker.Event{tn.botUttered(message)}, nil
}

// formAction runs a form.
type formAction struct{ form *form.Form }

func (a formAction) name() string { return a.form.Name() }

func (a formAction) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	return a.form.Run(ctx, formHost{tn}, t)
}

// extractSlots fills slots from the latest user message by their mappings.
type extractSlots struct{}

func (extractSlots) name() string { return actionExtractSlots }

func (extractSlots) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	return tn.model.slots.Extract(ctx, formHost{tn}, t)
}

// formHost is what forms and slot extraction may ask of a turn.
type formHost struct{ *turn }

func (h formHost) Now() float64 { return h.env.Now() }

func (h formHost) Random() float64 { return h.env.Random() }

func (h formHost) ExtractSlots(ctx context.Context, t *tracker.Tracker) ([]tracker.Event, error) {
	return h.model.extract.run(ctx, h.turn, t)
}

func (h formHost) Run(ctx context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error) {
	return h.runNamed(ctx, name, t)
}

func (h formHost) RunCustom(ctx context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error) {
	return remoteAction{name}.run(ctx, h.turn, t)
}

func (h formHost) WarnNotFilled(ctx context.Context, action string, err error) {
	h.log.WarnContext(ctx, "filling slots by a custom action failed", "sender_id", h.tracker.SenderID, "action", action, "err", err)
}

// retrievalIntent returns the intent that a response action belongs to: what stands between the first two "utter_".
func retrievalIntent(actionName string) string {
	parts := strings.SplitN(actionName, utterPrefix, 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

package form

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Form asks for slots until all that it requires are set. It is immutable.
type Form struct {
	name     string
	domain   *project.Domain
	required []string
	// validate is the action that validates extracted values, "" when the project has none.
	validate string
}

// New prepares the form called name, which d must have.
func New(d *project.Domain, name string) *Form {
	f := &Form{name: name, domain: d}
	if def, ok := d.Form(name); ok {
		f.required = def.RequiredSlots
	}
	if validate := "validate_" + name; f.has(validate) {
		f.validate = validate
	}
	return f
}

// Name returns the name of the form.
func (f *Form) Name() string { return f.name }

func (f *Form) has(action string) bool {
	_, ok := f.domain.ActionIndex(action)
	return ok
}

// Run activates the form if it is not active, validates what was extracted, asks for the next slot, and deactivates the
// form when it is done (LoopAction.run). The error wraps actions.ErrRejected when the form asked for a slot and nothing
// was extracted, so that other policies can have a say.
func (f *Form) Run(ctx context.Context, h Host, t *tracker.Tracker) ([]tracker.Event, error) {
	var events []tracker.Event
	if t.State().LoopName() != f.name {
		activation, err := f.activate(ctx, h, t)
		if err != nil {
			return nil, err
		}
		events = activation
	}
	if !isDone(events) {
		more, err := f.step(ctx, h, t, events)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	if isDone(events) {
		events = append(events, &tracker.ActiveLoop{Base: dated(h)})
	}
	return events, nil
}

// activate starts the form: slots are extracted again, as mappings may depend on the form being active, and what is set
// already is validated (FormAction._activate_loop and activate).
func (f *Form) activate(ctx context.Context, h Host, t *tracker.Tracker) ([]tracker.Event, error) {
	events := []tracker.Event{&tracker.ActiveLoop{Base: dated(h), Name: f.name}}
	active := t.Copy()
	update(h, active, events)
	extracted, err := h.ExtractSlots(ctx, active)
	if err != nil {
		return nil, err
	}
	update(h, active, extracted)
	if f.validate == "" {
		return append(events, slotSets(extracted)...), nil
	}
	var prefilled []tracker.Event
	for _, slot := range f.required {
		if v := active.Slot(slot); v != nil {
			prefilled = append(prefilled, slotSet(h, slot, v))
		}
	}
	validated, err := f.validateSlots(ctx, h, active, prefilled)
	if err != nil {
		return nil, err
	}
	events = append(events, validated...)
	return append(events, withoutKeysOf(extracted, validated)...), nil
}

// step validates and asks (FormAction.do). events are those of the activation; values found there are validated already.
func (f *Form) step(ctx context.Context, h Host, t *tracker.Tracker, events []tracker.Event) ([]tracker.Event, error) {
	var validated []tracker.Event
	if onlyActivation(events) {
		var err error
		if validated, err = f.validateTurn(ctx, h, t); err != nil {
			return nil, err
		}
	}
	if rejects(validated) {
		return validated, nil
	}
	soFar := append(append([]tracker.Event(nil), events...), validated...)
	asked, err := f.requestNext(ctx, h, t, soFar)
	if err != nil {
		return nil, err
	}
	return append(validated, asked...), nil
}

func onlyActivation(events []tracker.Event) bool {
	for _, e := range events {
		if _, ok := e.(*tracker.ActiveLoop); !ok {
			return false
		}
	}
	return true
}

func rejects(events []tracker.Event) bool {
	for _, e := range events {
		if _, ok := e.(*tracker.ActionExecutionRejected); ok {
			return true
		}
	}
	return false
}

// isDone reports whether the form ends: the last event about requested_slot, or about loops, clears it.
func isDone(events []tracker.Event) bool {
	if rejects(events) {
		return false
	}
	var slotSeen, loopSeen bool
	for i := len(events) - 1; i >= 0; i-- {
		switch e := events[i].(type) {
		case *tracker.SlotSet:
			if e.Key == RequestedSlot && !slotSeen {
				slotSeen = true
				if e.Value == nil {
					return true
				}
			}
		case *tracker.ActiveLoop:
			if !loopSeen {
				loopSeen = true
				if e.Name == "" {
					return true
				}
			}
		}
	}
	return false
}

// slotToFill returns the slot the form asked for, nil while it is not active: then the slot belongs to another form.
func (f *Form) slotToFill(t *tracker.Tracker) any {
	if t.State().LoopName() != f.name {
		return nil
	}
	return t.Slot(RequestedSlot)
}

// temporary returns a tracker for validating and asking: that of this turn with the form executed and events added.
func (f *Form) temporary(h Host, t *tracker.Tracker, events []tracker.Event) *tracker.Tracker {
	b := branch(t, slotSet(h, RequestedSlot, f.slotToFill(t)),
		&tracker.ActionExecuted{Base: dated(h), Name: f.name, Confidence: tracker.NoConfidence})
	b.UpdateAll(events)
	return b
}

// validateSlots has the project's validation action look at candidates; without one nothing happens.
func (f *Form) validateSlots(ctx context.Context, h Host, t *tracker.Tracker, candidates []tracker.Event) ([]tracker.Event, error) {
	if f.validate == "" {
		return nil, nil
	}
	return h.RunCustom(ctx, f.validate, f.temporary(h, t, candidates))
}

// validateTurn validates what the latest message filled (FormAction._validate_if_required and validate). After an unhappy
// path there is nothing to validate, but the validation action may still choose the slots to ask for.
func (f *Form) validateTurn(ctx context.Context, h Host, t *tracker.Tracker) ([]tracker.Event, error) {
	s := t.State()
	if s.Loop != nil && (s.LatestAction != tracker.ActionListen || s.Loop.Interrupted) {
		return f.validateSlots(ctx, h, t, nil)
	}
	extracted := f.extracted(h, t)
	validated, err := f.validateSlots(ctx, h, t, extracted)
	if err != nil {
		return nil, err
	}
	asked := f.slotToFill(t)
	if value.Truthy(asked) && len(extracted) == 0 && !fillsSlot(validated) && !rejects(validated) {
		return nil, fmt.Errorf("form %q: nothing extracted for slot %q: %w", f.name, value.Str(asked), actions.ErrRejected)
	}
	return validated, nil
}

func fillsSlot(events []tracker.Event) bool {
	for _, e := range events {
		if s, ok := e.(*tracker.SlotSet); ok && s.Key != RequestedSlot {
			return true
		}
	}
	return false
}

// extracted returns the last value that each of the form's slots got since the latest user message.
func (f *Form) extracted(h Host, t *tracker.Tracker) []tracker.Event {
	asked, _ := f.slotToFill(t).(string)
	var out []tracker.Event
	for _, e := range sinceLatestMessage(t) {
		s, ok := e.(*tracker.SlotSet)
		if !ok || !f.requires(s.Key) && (asked == "" || s.Key != asked) {
			continue
		}
		out = setOrReplace(h, out, s)
	}
	return out
}

func setOrReplace(h Host, events []tracker.Event, s *tracker.SlotSet) []tracker.Event {
	for _, e := range events {
		if old := e.(*tracker.SlotSet); old.Key == s.Key {
			old.Value = s.Value
			return events
		}
	}
	return append(events, slotSet(h, s.Key, s.Value))
}

func (f *Form) requires(slot string) bool {
	for _, name := range f.required {
		if name == slot {
			return true
		}
	}
	return false
}

// sinceLatestMessage returns the events from the latest user message on. As in Rasa a message that reads the same ends
// the search, even if it was taken back.
func sinceLatestMessage(t *tracker.Tracker) []tracker.Event {
	latest := t.State().LatestMessage
	events := t.Events()
	for i := len(events) - 1; i >= 0; i-- {
		switch e := events[i].(type) {
		case *tracker.Restarted:
			return events[i:]
		case *tracker.UserUttered:
			if sameMessage(e, latest) {
				return events[i:]
			}
		}
	}
	return events
}

// sameMessage is UserUttered.__eq__: text, intent, and the names of the entities' fields.
func sameMessage(a, b *tracker.UserUttered) bool {
	if a.Text != b.Text || a.NoText != b.NoText || a.IntentName() != b.IntentName() || len(a.Entities) != len(b.Entities) {
		return false
	}
	for i := range a.Entities {
		x, _ := a.Entities[i].(*value.Map)
		y, _ := b.Entities[i].(*value.Map)
		if x.Len() != y.Len() {
			return false
		}
		for key := range x.All() {
			if !y.Has(key) {
				return false
			}
		}
	}
	return true
}

package form

import (
	"context"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// requestNext chooses the slot to ask for and asks (FormAction.request_next_slot). soFar are the events of this run.
func (f *Form) requestNext(ctx context.Context, h Host, t *tracker.Tracker, soFar []tracker.Event) ([]tracker.Event, error) {
	if isDone(soFar) {
		// The validation action ended the form.
		return []tracker.Event{slotSet(h, RequestedSlot, nil)}, nil
	}
	temporary := f.temporary(h, t, soFar)
	var events []tracker.Event
	slot := chosenSlot(soFar)
	if !value.Truthy(slot) {
		slot = f.firstUnset(temporary)
		events = append(events, slotSet(h, RequestedSlot, slot))
	}
	if slot == nil {
		return events, nil
	}
	ask := f.askAction(value.Str(slot))
	if ask == "" {
		return events, nil // a custom action may have asked
	}
	asked, err := h.Run(ctx, ask, temporary)
	if err != nil {
		return nil, err
	}
	return append(events, asked...), nil
}

// chosenSlot returns the slot that a validation action asks for, nil when it leaves that to the form.
func chosenSlot(events []tracker.Event) any {
	for _, e := range events {
		if s, ok := e.(*tracker.SlotSet); ok && s.Key == RequestedSlot {
			return s.Value
		}
	}
	return nil
}

// firstUnset returns the first required slot without a value, nil when all have one.
func (f *Form) firstUnset(t *tracker.Tracker) any {
	for _, slot := range f.required {
		if t.Slot(slot) == nil {
			return slot
		}
	}
	return nil
}

// askAction returns the action that asks for slot, "" when the project has none.
func (f *Form) askAction(slot string) string {
	for _, name := range []string{
		"action_ask_" + f.name + "_" + slot,
		"utter_ask_" + f.name + "_" + slot,
		"action_ask_" + slot,
		"utter_ask_" + slot,
	} {
		if f.has(name) {
			return name
		}
	}
	return ""
}

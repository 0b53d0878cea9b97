package form

import (
	"context"

	"github.com/parleybot/parley/dialogue/tracker"
)

// RequestedSlot is the slot that holds the name of the slot a form asked for last.
const RequestedSlot = "requested_slot"

// Host is what forms and slot extraction need of the dialogue engine. Trackers handed to it are copies: the action may
// change them.
type Host interface {
	// Now returns seconds since 1970.
	Now() float64
	// ExtractSlots runs action_extract_slots.
	ExtractSlots(ctx context.Context, t *tracker.Tracker) ([]tracker.Event, error)
	// Run runs the action called name, of whatever kind.
	Run(ctx context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error)
	// RunCustom runs a custom action on the action server. Bot messages come before the other events. The error wraps one
	// of package actions.
	RunCustom(ctx context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error)
	// WarnNotFilled logs that a custom action that should fill slots failed; the turn goes on.
	WarnNotFilled(ctx context.Context, action string, err error)
}

func dated(h Host) tracker.Base { return tracker.Base{Timestamp: h.Now()} }

func slotSet(h Host, key string, v any) *tracker.SlotSet {
	return &tracker.SlotSet{Base: dated(h), Key: key, Value: v}
}

func update(h Host, t *tracker.Tracker, events []tracker.Event) {
	for _, e := range events {
		e.Meta().Timestamp = h.Now()
		t.Update(e)
	}
}

// branch returns a tracker with the events of t after the last restart, then more. The branch shares the space behind
// the last event of t, so it must not be used any more once t goes on.
func branch(t *tracker.Tracker, more ...tracker.Event) *tracker.Tracker {
	b := t.Copy().SinceRestart()
	b.UpdateAll(more)
	return b
}

// slotSets returns the SlotSets among events.
func slotSets(events []tracker.Event) []tracker.Event {
	var out []tracker.Event
	for _, e := range events {
		if _, ok := e.(*tracker.SlotSet); ok {
			out = append(out, e)
		}
	}
	return out
}

// withoutKeysOf returns the SlotSets among events whose slot is set by none of the others.
func withoutKeysOf(events, others []tracker.Event) []tracker.Event {
	var out []tracker.Event
	for _, e := range events {
		if s, ok := e.(*tracker.SlotSet); ok && !sets(others, s.Key) {
			out = append(out, e)
		}
	}
	return out
}

func sets(events []tracker.Event, key string) bool {
	for _, e := range events {
		if s, ok := e.(*tracker.SlotSet); ok && s.Key == key {
			return true
		}
	}
	return false
}

package tracker

import (
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// Verbosity tells which events CurrentState includes (Rasa's EventVerbosity).
type Verbosity int

// The verbosities: no events, those that count for policies, those after the last restart, all.
const (
	EventsNone Verbosity = iota
	EventsApplied
	EventsAfterRestart
	EventsAll
)

// CurrentState returns the conversation as GET /conversations/ID/tracker and action servers show it
// (DialogueStateTracker.current_state).
func (t *Tracker) CurrentState(v Verbosity) *value.Map {
	s := t.state
	var latest any
	if n := len(t.events); n > 0 {
		latest = t.events[n-1].Meta().Timestamp
	}
	return value.NewMap(
		"sender_id", t.SenderID,
		"slots", t.SlotValues(),
		"latest_message", s.LatestMessage.withEntities(),
		"latest_event_time", latest,
		"followup_action", nullable(s.Followup),
		"paused", s.Paused,
		"events", t.eventMaps(v),
		"latest_input_channel", nullable(t.LatestInputChannel()),
		"active_loop", s.Loop.asMap(),
		"latest_action", s.latestAction(),
		"latest_action_name", nullable(s.LatestAction),
	)
}

// SlotValues returns the current values of all slots, in the order of the domain.
func (t *Tracker) SlotValues() *value.Map {
	m := &value.Map{}
	for i := range t.schema.domain.Slots {
		m.Set(t.schema.domain.Slots[i].Name, t.state.Slots[i].Value)
	}
	return m
}

func (t *Tracker) eventMaps(v Verbosity) any {
	var events []Event
	switch v {
	case EventsAll:
		events = t.events
	case EventsAfterRestart:
		events = t.AfterRestart()
	case EventsApplied:
		events = t.AppliedEvents()
	default:
		return nil
	}
	out := make([]any, len(events))
	var added map[*UserUttered][]any
	for i, e := range events {
		out[i] = AsMap(e)
		if _, ok := e.(*EntitiesAdded); ok && added == nil {
			added = t.entitiesAdded(events)
		}
	}
	for i, e := range events {
		if u, ok := e.(*UserUttered); ok && added[u] != nil {
			out[i].(*value.Map).Set("parse_data", u.ParseData.Clone().Set("entities", added[u]))
		}
	}
	return out
}

// entitiesAdded returns the entities of the messages to which some were added later. Rasa shows these in the messages,
// as far as they had entities before.
func (t *Tracker) entitiesAdded(events []Event) map[*UserUttered][]any {
	added := make(map[*UserUttered][]any)
	replayed := (&Factory{t.schema}).New(t.SenderID)
	for _, e := range events {
		if a, ok := e.(*EntitiesAdded); ok && replayed.state.LatestAction == ActionListen {
			u := replayed.state.LatestMessage.original()
			known := added[u]
			if known == nil {
				known = u.ParseData.List("entities")
			}
			if len(known) > 0 {
				added[u] = withNew(known, a.Entities)
			}
		}
		replayed.Update(e)
	}
	return added
}

// withNew returns known with those of more that it lacks.
func withNew(known, more []any) []any {
	all := slices.Clip(known)
	for _, e := range more {
		if !slices.ContainsFunc(all, func(k any) bool { return value.Equal(k, e) }) {
			all = append(all, e)
		}
	}
	return all
}

// shownData is the parse data of a message as it stands in the conversation: with entities that policies added to
// others.
func (u *UserUttered) shownData() *value.Map {
	if n := len(u.ParseData.List("entities")); n == 0 || n == len(u.Entities) {
		return u.ParseData
	}
	return u.withEntities()
}

// withEntities returns the parse data with the entities that policies added.
func (u *UserUttered) withEntities() *value.Map {
	return u.ParseData.Clone().Set("entities", orEmptyList(u.Entities))
}

func (l *Loop) asMap() *value.Map {
	if l == nil {
		return &value.Map{}
	}
	return value.NewMap("name", l.Name, "is_interrupted", l.Interrupted, "rejected", l.Rejected, "trigger_message", l.Trigger)
}

func (s *State) latestAction() *value.Map {
	switch {
	case s.LatestAction == "":
		return &value.Map{}
	case s.LatestActionIsText:
		return value.NewMap("action_text", s.LatestAction)
	}
	return value.NewMap("action_name", s.LatestAction)
}

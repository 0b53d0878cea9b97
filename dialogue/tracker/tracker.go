// Package tracker keeps the state of a conversation: its events and what follows from them.
//
// A Tracker is Rasa's DialogueStateTracker (rasa/shared/core/trackers.py, 3.6.21) with the same events, the same JSON
// and the same rules of undoing, but every state it went through is kept as an immutable value that the next event
// extends. So a turn costs the same at the beginning and at the end of a long conversation, a snapshot is a copy of
// one small struct, and policies read past states instead of replaying events.
package tracker

import (
	"iter"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Tracker is one conversation, as far as it was loaded (usually its last session). It is not safe for concurrent
// use; Snapshot makes copies that other goroutines may read.
type Tracker struct {
	SenderID string

	schema *schema
	events []Event
	state  *State
	// live is the state of applying all events one after another; state differs from it after Reload.
	live *State
	last *Applied
	// loops are the names of all loops that were ever active, in order of appearance.
	loops []string
	// session is the index of the last action_session_start, 0 when there is none.
	session int
	// restart is the index after the last restart, 0 when there was none.
	restart int
	// stamp is merged into the metadata of every event (model_id, assistant_id).
	stamp *value.Map
}

// Factory makes trackers for a domain. It is immutable.
type Factory struct{ schema *schema }

// NewFactory returns the factory of trackers for d.
func NewFactory(d *project.Domain) *Factory { return &Factory{newSchema(d)} }

// New returns a conversation without events.
func (f *Factory) New(senderID string) *Tracker {
	return &Tracker{SenderID: senderID, schema: f.schema, state: f.schema.initial, live: f.schema.initial}
}

// FromEvents returns the conversation that consists of events (DialogueStateTracker.from_events).
func (f *Factory) FromEvents(senderID string, events []Event) *Tracker {
	t := f.New(senderID)
	t.events = make([]Event, 0, len(events)+16)
	for _, e := range events {
		t.Update(e)
	}
	return t
}

// Domain returns the domain that the tracker was made for.
func (t *Tracker) Domain() *project.Domain { return t.schema.domain }

// Factory returns the factory that t was made by.
func (t *Tracker) Factory() Factory { return Factory{t.schema} }

// SameDomain reports whether t was made by f, so that its slots are those of f's domain.
func (f *Factory) SameDomain(t *Tracker) bool { return t.schema == f.schema }

// Events returns all events in order. The result must not be changed.
func (t *Tracker) Events() []Event { return t.events }

// State returns the current state.
func (t *Tracker) State() *State { return t.state }

// Initial returns the state of a conversation without events.
func (t *Tracker) Initial() *State { return t.schema.initial }

// Stamp makes every later event carry the entries of m in its metadata, unless it has them already.
func (t *Tracker) Stamp(m *value.Map) { t.stamp = m }

// Snapshot returns a copy that shares the events so far. Both may be read concurrently, and one of the two may go on
// with Update, but only one: they share the space behind the last event.
func (t *Tracker) Snapshot() *Tracker {
	c := *t
	return &c
}

// Fork returns a copy on which Update is independent of t. Its first Update copies the list of events.
func (t *Tracker) Fork() *Tracker {
	c := *t
	c.events = c.events[:len(c.events):len(c.events)]
	c.loops = c.loops[:len(c.loops):len(c.loops)]
	return &c
}

// Update appends an event and applies it.
func (t *Tracker) Update(e Event) {
	t.addStamp(e.Meta())
	together := t.live == t.state
	t.apply(e)
	if !together {
		t.live = t.after(t.live, e)
	}
	if together || sameState(t.live, t.state) {
		t.live = t.state
	}
}

func (t *Tracker) apply(e Event) {
	t.events = append(t.events, e)
	if a, ok := e.(*ActionExecuted); ok && a.Name == ActionSessionStart {
		t.session = len(t.events) - 1
	}
	if _, ok := e.(*Restarted); ok {
		t.restart = len(t.events)
	}
	if l, ok := e.(*ActiveLoop); ok && l.Name != "" && !t.wasActive(l.Name) {
		t.loops = append(t.loops, l.Name)
		if t.executions(l.Name) > 1 {
			t.reapply(e)
			return
		}
	}
	same := t.last.stateOr(t.schema.initial) == t.state
	t.applyToHistory(e)
	if same && t.last != nil && t.last.Event == e {
		t.state = t.last.State
		return
	}
	t.state = t.after(t.state, e)
}

// after returns the state that follows s with e, which the history has by now.
func (t *Tracker) after(s *State, e Event) *State {
	switch e.(type) {
	case *UserUtteranceReverted, *ActionReverted:
		return t.last.stateOr(t.schema.initial)
	case *SessionStarted:
		return t.schema.initial
	}
	return t.schema.next(s, e)
}

// UpdateAll appends events in order.
func (t *Tracker) UpdateAll(events []Event) {
	for _, e := range events {
		t.Update(e)
	}
}

func (t *Tracker) addStamp(b *Base) {
	if t.stamp.Len() == 0 {
		return
	}
	if b.Metadata.Len() == 0 {
		b.Metadata = t.stamp
		return
	}
	if b.Metadata == t.stamp {
		return
	}
	merged := b.Metadata
	for k, v := range t.stamp.All() {
		if merged.Has(k) {
			continue
		}
		if merged == b.Metadata {
			merged = merged.Clone()
		}
		merged.Set(k, v)
	}
	b.Metadata = merged
}

// next returns the state after e, without touching s.
func (d *schema) next(s *State, e Event) *State {
	n := *s
	e.apply(&n, d)
	return &n
}

// Slot returns the value of slot name, nil when it is unset or unknown.
func (t *Tracker) Slot(name string) any {
	if i, ok := t.schema.domain.SlotIndex(name); ok {
		return t.state.Slots[i].Value
	}
	return nil
}

// HasSlot reports whether the domain has a slot called name.
func (t *Tracker) HasSlot(name string) bool {
	_, ok := t.schema.domain.SlotIndex(name)
	return ok
}

// LatestInputChannel returns the channel of the last user message, "" before any.
func (t *Tracker) LatestInputChannel() string {
	for i := len(t.events) - 1; i >= 0; i-- {
		if u, ok := t.events[i].(*UserUttered); ok {
			return u.InputChannel
		}
	}
	return ""
}

// LatestEntityValues iterates over the values of the entities of the last message that have exactly this type, role
// and group; "" stands for none.
func (t *Tracker) LatestEntityValues(entity, role, group string) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, e := range t.state.LatestMessage.Entities {
			m := entityMap(e)
			if m.String("entity") != entity || !isText(m.Value("role"), role) || !isText(m.Value("group"), group) {
				continue
			}
			if !yield(m.Value("value")) {
				return
			}
		}
	}
}

func isText(v any, want string) bool {
	if v == nil {
		return want == ""
	}
	s, ok := v.(string)
	return ok && s == want && want != ""
}

// LastSession returns the conversation from its last action_session_start on, t itself when it holds one session
// (rasa.shared.core.trackers.get_trackers_for_conversation_sessions).
func (t *Tracker) LastSession() *Tracker {
	if t.session == 0 {
		return t
	}
	f := Factory{t.schema}
	s := f.FromEvents(t.SenderID, t.events[t.session:])
	s.stamp = t.stamp
	return s
}

// AfterRestart returns the events after the last restart, all when there was none.
func (t *Tracker) AfterRestart() []Event { return t.events[t.restart:] }

// SinceRestart returns the conversation without the events up to the last restart. It shares the events as Snapshot does.
func (t *Tracker) SinceRestart() *Tracker {
	c := *t
	c.events = t.AfterRestart()
	c.session = max(0, t.session-t.restart)
	c.restart = 0
	return &c
}

// Reload returns the conversation in the state that a store restores: that of replaying only the events that count
// (DialogueStateTracker.recreate_from_dialogue). It shares the events as Snapshot does.
func (t *Tracker) Reload() *Tracker {
	c := *t
	c.state = t.last.stateOr(t.schema.initial)
	return &c
}

// Copy returns the conversation in the state of applying all its events anew, without a stamp
// (DialogueStateTracker.copy). It shares the events as Snapshot does.
func (t *Tracker) Copy() *Tracker {
	c := *t
	c.state = t.live
	c.stamp = nil
	return &c
}

// ClearFollowup forgets the followup action, which no event does (DialogueStateTracker.clear_followup_action).
func (t *Tracker) ClearFollowup() {
	s := *t.state
	s.Followup = ""
	t.state = &s
}

// Before returns the conversation as it was at the time until, in seconds; events at that very time are included
// (DialogueStateTracker.travel_back_in_time).
func (t *Tracker) Before(until float64) *Tracker {
	end := len(t.events)
	for i, e := range t.events {
		if !(e.Meta().Timestamp <= until) { // also ends at NaN
			end = i
			break
		}
	}
	return (&Factory{t.schema}).FromEvents(t.SenderID, t.events[:end])
}

package training

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// Tracker is a conversation to learn from (TrackerWithCachedStates).
type Tracker struct {
	// Name joins the names of the stories that the conversation was made of with " > ".
	Name string
	// Origins are these stories, in order, each once.
	Origins   []Origin
	Rule      bool
	Augmented bool

	factory *tracker.Factory
	tracker *tracker.Tracker
	feats   *state.Featurizer
	// states has a state for the time before each action and one for now. As in Rasa it is kept beside the events and
	// does not follow when the turns of a happy loop are folded away, so it may be longer than Applied suggests.
	states []*state.State
}

// Origin is a story or rule and the place where it was written.
type Origin struct {
	Name string
	Pos  project.Pos
}

// String returns `'name' (file:line)`.
func (o Origin) String() string {
	if o.Pos.File == "" {
		return "'" + o.Name + "'"
	}
	return "'" + o.Name + "' (" + project.Pos{File: o.Pos.File, Line: o.Pos.Line}.String() + ")"
}

// Source returns the origins as text.
func (t *Tracker) Source() string {
	parts := make([]string, len(t.Origins))
	for i, o := range t.Origins {
		parts[i] = o.String()
	}
	return strings.Join(parts, " > ")
}

// newTracker returns a conversation without events.
func newTracker(f *tracker.Factory, feats *state.Featurizer, rule bool) *Tracker {
	return &Tracker{Rule: rule, factory: f, tracker: f.New(""), feats: feats}
}

// Copy returns an independent copy.
func (t *Tracker) Copy() *Tracker {
	c := *t
	c.tracker = t.tracker.Fork()
	c.states = slices.Clone(t.states)
	return &c
}

// Fresh returns a conversation without events of the same kind.
func (t *Tracker) Fresh() *Tracker {
	c := newTracker(t.factory, t.feats, t.Rule)
	c.Name, c.Origins, c.Augmented = t.Name, t.Origins, t.Augmented
	return c
}

// Now returns the current state of the conversation. It must not be changed.
func (t *Tracker) Now() *tracker.State { return t.tracker.State() }

// Events returns all events, Applied those that count.
func (t *Tracker) Events() []tracker.Event { return t.tracker.Events() }

// Applied returns the events that count.
func (t *Tracker) Applied() []tracker.Event { return t.tracker.AppliedEvents() }

// States returns the states: one before each action, and the current one.
func (t *Tracker) States() []*state.State { return t.states }

// SetStates returns the states before each action that counts, and the current one, without slots that still have
// their initial value (past_states with omit_unset_slots).
func (t *Tracker) SetStates() []*state.State {
	s := t.feats.Of(stateOf(t.tracker.Applied(), t.tracker.Initial()), true)
	out := []*state.State{&s}
	for a := t.tracker.Applied(); a != nil; a = a.Prev {
		if _, ok := a.Event.(*tracker.ActionExecuted); ok {
			s := t.feats.Of(stateOf(a.Prev, t.tracker.Initial()), true)
			out = append(out, &s)
		}
	}
	slices.Reverse(out)
	return out
}

func stateOf(a *tracker.Applied, initial *tracker.State) *tracker.State {
	if a == nil {
		return initial
	}
	return a.State
}

// Update appends an event. What an undone event leaves of the states is what Rasa leaves.
func (t *Tracker) Update(e tracker.Event) {
	if len(t.states) == 0 {
		t.states = t.pastStates()
	}
	t.tracker.Update(e)
	switch e.(type) {
	case *tracker.ActionExecuted:
	case *tracker.ActionReverted:
		t.states = t.states[:max(0, len(t.states)-2)]
	case *tracker.UserUtteranceReverted, *tracker.Restarted:
		t.states = nil
	default:
		t.states = t.states[:len(t.states)-1]
	}
	now := t.feats.Of(t.tracker.State(), false)
	t.states = append(t.states, &now)
}

// pastStates computes the states from the events that count.
func (t *Tracker) pastStates() []*state.State {
	now := t.feats.Of(stateOf(t.tracker.Applied(), t.tracker.Initial()), false)
	out := []*state.State{&now}
	for a := t.tracker.Applied(); a != nil; a = a.Prev {
		if _, ok := a.Event.(*tracker.ActionExecuted); ok {
			s := t.feats.Of(stateOf(a.Prev, t.tracker.Initial()), false)
			out = append(out, &s)
		}
	}
	slices.Reverse(out)
	return out
}

// key identifies the list of states.
func (t *Tracker) key() string { return keyOf(t.states) }

// named notes that a step of the story o is part of the conversation.
func (t *Tracker) named(o Origin) {
	switch {
	case t.Name == "":
		t.Name = o.Name
	case o.Name != "" && !slices.Contains(strings.Split(t.Name, " > "), o.Name):
		t.Name += " > " + o.Name
	}
	if !slices.Contains(t.Origins, o) {
		t.Origins = append(slices.Clip(t.Origins), o)
	}
}

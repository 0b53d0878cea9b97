package state

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// Featurizer makes states of conversations about one domain. It is immutable.
type Featurizer struct {
	slots []*slot
	used  map[string]map[string]bool
	// The hashes of what the domain knows, so that they need not be computed in a turn.
	intents map[string]uint64
	actions map[string]uint64
	loops   map[string]uint64
}

// NewFeaturizer returns the featurizer for d.
func NewFeaturizer(d *project.Domain) *Featurizer {
	f := &Featurizer{
		used:    make(map[string]map[string]bool, len(d.Intents)),
		intents: make(map[string]uint64, len(d.Intents)),
		actions: make(map[string]uint64, len(d.ActionNames())),
		loops:   make(map[string]uint64, len(d.Forms)),
	}
	for i := range d.Slots {
		if hasFeatures(&d.Slots[i]) {
			f.slots = append(f.slots, newSlot(&d.Slots[i], i))
		}
	}
	slices.SortFunc(f.slots, func(a, b *slot) int { return strings.Compare(a.name, b.name) })
	for i := range d.Intents {
		in := &d.Intents[i]
		set := make(map[string]bool, len(in.UsedEntities))
		for _, e := range in.UsedEntities {
			set[e] = true
		}
		f.used[in.Name] = set
		f.intents[in.Name] = hashUser(&User{Intent: in.Name})
	}
	for _, name := range d.ActionNames() {
		f.actions[name] = hashAction(Action{Name: name})
	}
	for _, form := range d.Forms {
		f.loops[form.Name] = hashLoop(form.Name)
	}
	return f
}

// Of returns the state of a moment (Domain.get_active_state). With omitUnset, slots that still have their initial value
// are left out.
func (f *Featurizer) Of(s *tracker.State, omitUnset bool) State {
	return State{User: f.user(s.LatestMessage), Slots: f.slotsOf(s.Slots, omitUnset), Prev: prevAction(s), Loop: rawLoop(s)}
}

// HasFeatures reports whether the slot called name is featurized.
func (f *Featurizer) HasFeatures(name string) bool {
	_, found := slices.BinarySearchFunc(f.slots, name, func(s *slot, name string) int { return strings.Compare(s.name, name) })
	return found
}

func prevAction(s *tracker.State) Action {
	return Action{Name: s.LatestAction, IsText: s.LatestActionIsText}
}

// rawLoop returns the loop's name even when it is ShouldNotBeSet.
func rawLoop(s *tracker.State) string {
	if s.Loop == nil {
		return ""
	}
	return s.Loop.Name
}

func (f *Featurizer) slotsOf(values []tracker.SlotValue, omitUnset bool) []Slot {
	var out []Slot
	for _, s := range f.slots {
		v := values[s.index]
		if omitUnset && !v.Set {
			continue
		}
		if feature := s.of(v); feature != nil {
			if out == nil {
				out = make([]Slot, 0, len(f.slots))
			}
			out = append(out, Slot{s.name, feature})
		}
	}
	return out
}

// user returns the featurized message, nil when nothing of it counts.
func (f *Featurizer) user(m *tracker.UserUttered) *User {
	if m.IsEmpty() {
		return nil
	}
	u := User{}
	if m.Text != "" && m.TextFeaturization != tracker.FeaturizeIntent {
		u.Text = m.Text
	}
	if m.TextFeaturization != tracker.FeaturizeText {
		u.Intent = m.IntentName()
		if len(m.Entities) > 0 {
			u.Entities = f.entities(m)
		}
	}
	if u.Intent == "" && u.Text == "" && len(u.Entities) == 0 {
		return nil
	}
	return &u
}

// entities returns the labels that count after the message's intent, sorted.
func (f *Featurizer) entities(m *tracker.UserUttered) []string {
	labels := m.EntityLabels()
	if wanted, known := f.used[m.IntentName()]; known {
		labels = slices.DeleteFunc(labels, func(l string) bool { return !wanted[l] })
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

func (f *Featurizer) hashOf(a Action) uint64 {
	if !a.IsText {
		if h, ok := f.actions[a.Name]; ok {
			return h
		}
	}
	return hashAction(a)
}

func (f *Featurizer) hashOfLoop(name string) uint64 {
	if h, ok := f.loops[name]; ok {
		return h
	}
	return hashLoop(name)
}

func (f *Featurizer) hashOfUser(u *User) uint64 {
	if u != nil && u.Text == "" && len(u.Entities) == 0 {
		if h, ok := f.intents[u.Intent]; ok {
			return h
		}
	}
	return hashUser(u)
}

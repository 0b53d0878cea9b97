package training

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// Conflict says that stories go on differently from the same states (rasa/core/training/story_conflict.py, 3.6.21).
type Conflict struct {
	// Kind is "action", "bot utterance", "intent" or "user utterance", and Name what happened right before.
	Kind, Name string
	// Branches are the actions that follow, in the order in which they were found.
	Branches []Branch
}

// Branch is one way to go on.
type Branch struct {
	Action string
	// Stories are the conversations that go on this way, one entry for each time.
	Stories []*Tracker
}

// String returns Rasa's description; each story is followed by its place.
func (c *Conflict) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "Story structure conflict after %s '%s':\n", c.Kind, c.Name)
	for _, b := range c.Branches {
		fmt.Fprintf(&out, "  %s predicted in %s\n", b.Action, b.stories())
	}
	return out.String()
}

func (b *Branch) stories() string {
	names := make([]string, len(b.Stories))
	for i, t := range b.Stories {
		names[i] = t.Source()
	}
	switch n := len(names); {
	case n > 3:
		return fmt.Sprintf("%s, %s, and %d other trackers", names[0], names[1], n-2)
	case n == 3:
		return fmt.Sprintf("%s, %s, and %s", names[0], names[1], names[2])
	}
	return strings.Join(names, " and ")
}

// Pos returns the place of the first story of the conflict.
func (c *Conflict) Pos() project.Pos {
	for _, b := range c.Branches {
		for _, t := range b.Stories {
			if n := len(t.Origins); n > 0 {
				return t.Origins[n-1].Pos
			}
		}
	}
	return project.Pos{}
}

// FindConflicts compares all stories, looking maxHistory states back, or to their beginning when it is 0. The warnings
// are those of Generate.
func FindConflicts(d *project.Domain, stories project.Stories, maxHistory int) ([]*Conflict, project.Problems) {
	g := newGenerator(d, stories, Options{})
	g.keepDuplicates = true
	trackers := g.run(false)
	found := map[string]*Conflict{}
	var order []string
	for _, t := range trackers {
		n := 0
		for _, e := range t.Events() {
			a, ok := e.(*tracker.ActionExecuted)
			if !ok {
				continue
			}
			n++
			states := t.states[:min(n, len(t.states))]
			if maxHistory > 0 && len(states) > maxHistory {
				states = states[len(states)-maxHistory:]
			}
			if len(states) == 0 {
				continue
			}
			key := keyOf(states)
			if found[key] == nil {
				found[key] = newConflict(states[len(states)-1])
				order = append(order, key)
			}
			found[key].add(a, t)
		}
	}
	var out []*Conflict
	for _, key := range order {
		if c := found[key]; c.isConflict() {
			out = append(out, c)
		}
	}
	return out, g.data.Warnings
}

func keyOf(states []*state.State) string {
	var out []byte
	for _, s := range states {
		out = s.Append(out)
	}
	return string(out)
}

// newConflict notes what happened before the state (_get_previous_event).
func newConflict(s *state.State) *Conflict {
	switch {
	case s.Prev.Name != "" && !s.Prev.IsText && !s.Prev.IsListen():
		return &Conflict{Kind: "action", Name: s.Prev.Name}
	case s.Prev.IsText:
		return &Conflict{Kind: "bot utterance", Name: s.Prev.Name}
	case s.User != nil && s.User.Intent != "":
		return &Conflict{Kind: "intent", Name: s.User.Intent}
	case s.User != nil && s.User.Text != "":
		return &Conflict{Kind: "user utterance", Name: s.User.Text}
	}
	return &Conflict{}
}

func (c *Conflict) add(a *tracker.ActionExecuted, t *Tracker) {
	name := a.Name
	if name == "" {
		name = a.ActionText
	}
	i := slices.IndexFunc(c.Branches, func(b Branch) bool { return b.Action == name })
	if i < 0 {
		i = len(c.Branches)
		c.Branches = append(c.Branches, Branch{Action: name})
	}
	c.Branches[i].Stories = append(c.Branches[i].Stories, t)
}

// isConflict reports whether there is more than one way to go on, or one that no story can teach. What begins a
// conversation is no conflict.
func (c *Conflict) isConflict() bool {
	if c.Kind == "" {
		return false
	}
	return len(c.Branches) > 1 || c.Branches[0].Action == "action_unlikely_intent"
}

package validate

import (
	"slices"

	"github.com/parleybot/parley/project"
)

// use is the first place where stories or rules use a name.
type use struct {
	name  string
	story string
	pos   project.Pos
}

// names are names in the order in which they are first used.
type names struct {
	order []use
	index map[string]bool
}

func (n *names) add(name, story string, pos project.Pos) {
	if n.index[name] {
		return
	}
	if n.index == nil {
		n.index = map[string]bool{}
	}
	n.index[name] = true
	n.order = append(n.order, use{name, story, pos})
}

// has reports whether name is used.
func (n *names) has(name string) bool { return n.index[name] }

// uses is what stories and rules name.
type uses struct {
	intents, actions, loops, entities, slots names
	// messages are the places of all messages.
	messages map[project.Pos]bool
	// values are all slots that are set, each time.
	values []project.StorySlot
	// spoken are the messages with text and intent, which are training examples, too.
	spoken []spoken
}

// spoken is a message of a story.
type spoken struct {
	message *project.StoryMessage
	pos     project.Pos
}

func usesOf(p *project.Project) *uses {
	u := &uses{messages: map[project.Pos]bool{}}
	for i := range p.Stories {
		s := &p.Stories[i]
		u.steps(s.Name, s.Conditions)
		u.steps(s.Name, s.Steps)
	}
	return u
}

func (u *uses) steps(story string, steps []project.Step) {
	for i := range steps {
		s := &steps[i]
		switch s.Kind {
		case project.UserStep:
			u.message(story, s)
		case project.ActionStep:
			u.actions.add(s.Action, story, s.Pos)
		case project.SlotStep:
			u.set(story, s.Slots)
		case project.LoopStep:
			if s.Loop != "" {
				u.loops.add(s.Loop, story, s.Pos)
			}
		case project.CheckpointStep:
			u.set(story, s.Checkpoint.Slots)
		case project.OrStep:
			u.steps(story, s.Or)
		}
	}
}

func (u *uses) set(story string, slots []project.StorySlot) {
	for _, s := range slots {
		u.slots.add(s.Name, story, s.Pos)
	}
	u.values = append(u.values, slots...)
}

func (u *uses) message(story string, s *project.Step) {
	u.messages[s.Pos] = true
	if s.User.HasIntent {
		u.intents.add(s.User.Intent, story, s.Pos)
	}
	for _, e := range s.User.EntityMaps() {
		u.entities.add(e.String("entity"), story, s.Pos)
	}
	if s.User.HasIntent && s.User.Text != "" {
		u.spoken = append(u.spoken, spoken{s.User, s.Pos})
	}
}

// namesOf returns the names of a list of things, those the project does not have by default only.
func namesOf[T any](list []T, name func(*T) (string, bool)) []string {
	var out []string
	for i := range list {
		if s, ok := name(&list[i]); ok {
			out = append(out, s)
		}
	}
	return slices.Clip(out)
}

func (c *checker) intentNames() []string {
	return namesOf(c.p.Domain.Intents, func(i *project.Intent) (string, bool) { return i.Name, !i.Default })
}

func (c *checker) entityNames() []string {
	return namesOf(c.p.Domain.Entities, func(e *project.Entity) (string, bool) { return e.Name, true })
}

func (c *checker) slotNames() []string {
	return namesOf(c.p.Domain.Slots, func(s *project.Slot) (string, bool) { return s.Name, !s.Default })
}

func (c *checker) formNames() []string {
	return namesOf(c.p.Domain.Forms, func(f *project.Form) (string, bool) { return f.Name, true })
}

package state

import (
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// ShouldNotBeSet stands in rules for a slot or loop that must not be set.
const ShouldNotBeSet = "should_not_be_set"

// State is what policies see of one moment of a conversation. It is not changed after it was made.
type State struct {
	// User is nil when no message was sent or nothing of it counts.
	User *User
	// Slots are sorted by name and hold only slots that are set and featurized.
	Slots []Slot
	// Prev is the last action; its zero value stands for none.
	Prev Action
	// Loop is the active loop, "" for none, ShouldNotBeSet in rules.
	Loop string
}

// User is the featurized user message. All fields may be empty: a message that lost its text when the last input was
// chosen.
type User struct {
	Intent string
	Text   string
	// Entities are labels ("city", "city#departure"), sorted and unique.
	Entities []string
}

// Slot is a featurized slot.
type Slot struct {
	Name    string
	Feature *Feature
}

// Action is an action by its name or, with IsText, by its end-to-end text.
type Action struct {
	Name   string
	IsText bool
}

// IsListen reports whether a is action_listen.
func (a Action) IsListen() bool { return a.Name == "action_listen" && !a.IsText }

// Feature is the featurization of a slot's value.
type Feature struct {
	// Text is the list of numbers, or should_not_be_set in quotes, as JSON.
	Text string
	// hash is that of the slot's entry in a state.
	hash uint64
}

// NotSet reports whether the slot must not be set.
func (f *Feature) NotSet() bool { return f.Text == notSetText }

const notSetText = `"` + ShouldNotBeSet + `"`

// ActiveLoop returns the name of the active loop, "" when there is none or none may be.
func (s *State) ActiveLoop() string {
	if s.Loop == ShouldNotBeSet {
		return ""
	}
	return s.Loop
}

// WithoutTextIfIntent returns s, without the user's text when the message has an intent: only one of the two counts.
func (s State) WithoutTextIfIntent() State {
	if s.User != nil && s.User.Intent != "" && s.User.Text != "" {
		s.User = &User{Intent: s.User.Intent, Entities: s.User.Entities}
	}
	return s
}

// Append appends s as json.dumps(state, sort_keys=True) writes it.
func (s *State) Append(dst []byte) []byte {
	start := len(dst)
	comma := func(key string) {
		if len(dst) > start+1 {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, '"'), key...), `": `...)
	}
	dst = append(dst, '{')
	if s.Loop != "" {
		comma("active_loop")
		dst = append(value.Append(append(dst, `{"name": `...), s.Loop, value.JSON), '}')
	}
	if s.Prev.Name != "" {
		comma("prev_action")
		dst = s.Prev.append(dst)
	}
	if len(s.Slots) > 0 {
		comma("slots")
		for i, slot := range s.Slots {
			dst = append(dst, [2]string{", ", "{"}[b2i(i == 0)]...)
			dst = append(value.Append(dst, slot.Name, value.JSON), ": "...)
			dst = append(dst, slot.Feature.Text...)
		}
		dst = append(dst, '}')
	}
	if s.User != nil {
		comma("user")
		dst = s.User.append(dst)
	}
	return append(dst, '}')
}

func (a Action) append(dst []byte) []byte {
	key := `{"action_name": `
	if a.IsText {
		key = `{"action_text": `
	}
	return append(value.Append(append(dst, key...), a.Name, value.JSON), '}')
}

func (u *User) append(dst []byte) []byte {
	dst = append(dst, '{')
	separator := ""
	if len(u.Entities) > 0 {
		dst = append(dst, `"entities": [`...)
		for i, e := range u.Entities {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = value.Append(dst, e, value.JSON)
		}
		dst = append(dst, ']')
		separator = ", "
	}
	if u.Intent != "" {
		dst = value.Append(append(append(dst, separator...), `"intent": `...), u.Intent, value.JSON)
		separator = ", "
	}
	if u.Text != "" {
		dst = value.Append(append(append(dst, separator...), `"text": `...), u.Text, value.JSON)
	}
	return append(dst, '}')
}

// AppendList appends the list of states as json.dumps(states, sort_keys=True) writes it.
func AppendList(dst []byte, states []State) []byte {
	dst = append(dst, '[')
	for i := range states {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = states[i].Append(dst)
	}
	return append(dst, ']')
}

// Equal reports whether both states are the same.
func (s *State) Equal(o *State) bool {
	if s.Prev != o.Prev || s.Loop != o.Loop || (s.User == nil) != (o.User == nil) {
		return false
	}
	if u, v := s.User, o.User; u != nil &&
		(u.Intent != v.Intent || u.Text != v.Text || !slices.Equal(u.Entities, v.Entities)) {
		return false
	}
	return slices.EqualFunc(s.Slots, o.Slots, func(a, b Slot) bool {
		return a.Name == b.Name && a.Feature.Text == b.Feature.Text
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

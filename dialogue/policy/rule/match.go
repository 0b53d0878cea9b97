package rule

import (
	"fmt"
	"slices"
	"sync"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/internal/value"
)

// compiled is a rule ready for comparison.
type compiled struct {
	// key is the JSON of the states, as in Rasa's lookup; the longest key wins.
	key    string
	action string
	// source says where the rule was written.
	source string
	// states are the states, the last first.
	states []pattern
}

// pattern is what a rule asks of a state.
type pattern struct {
	prev     state.Action
	intent   string
	text     string
	entities []string
	slots    []slotPattern
	loop     string
}

type slotPattern struct{ name, feature string }

func (p *pattern) activeLoop() string {
	if p.loop == state.ShouldNotBeSet {
		return ""
	}
	return p.loop
}

// matches reports whether s is what p asks for: what p does not mention does not matter.
func (p *pattern) matches(s *state.State) bool {
	if p.prev.Name == "" || s.Prev.Name == "" {
		return p.prev.Name == s.Prev.Name // both are the start of a conversation
	}
	if p.prev != s.Prev {
		return false
	}
	switch p.loop {
	case "", s.Loop:
	case state.ShouldNotBeSet:
		if s.Loop != "" {
			return false
		}
	default:
		return false
	}
	return p.matchesUser(s.User) && p.matchesSlots(s.Slots)
}

func (p *pattern) matchesUser(u *state.User) bool {
	if u == nil {
		return p.intent == "" && p.text == "" && len(p.entities) == 0
	}
	return (p.intent == "" || p.intent == u.Intent) && (p.text == "" || p.text == u.Text) &&
		(len(p.entities) == 0 || slices.Equal(p.entities, u.Entities))
}

// matchesSlots walks through both lists, which are sorted by name.
func (p *pattern) matchesSlots(slots []state.Slot) bool {
	for _, want := range p.slots {
		for len(slots) > 0 && slots[0].Name < want.name {
			slots = slots[1:]
		}
		var have *state.Feature
		if len(slots) > 0 && slots[0].Name == want.name {
			have = slots[0].Feature
		}
		if want.feature == "" {
			if have != nil && !have.NotSet() {
				return false
			}
		} else if have == nil || have.Text != want.feature {
			return false
		}
	}
	return true
}

// compile reads the key of a rule.
func compile(key, action, source string) (*compiled, error) {
	v, err := value.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("reading rule %s: %w", key, err)
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("reading rule %s: not a list of states", key)
	}
	c := &compiled{key: key, action: action, source: source}
	for i := len(list) - 1; i >= 0; i-- {
		s, ok := list[i].(*value.Map)
		if !ok {
			return nil, fmt.Errorf("reading rule %s: state %d is not an object", key, i)
		}
		c.states = append(c.states, patternOf(s))
	}
	return c, nil
}

func patternOf(s *value.Map) pattern {
	p := pattern{loop: s.Map("active_loop").String("name")}
	prev, user := s.Map("prev_action"), s.Map("user")
	p.prev.Name = prev.String("action_name")
	if text := prev.String("action_text"); p.prev.Name == "" && text != "" {
		p.prev = state.Action{Name: text, IsText: true}
	}
	p.intent, p.text = user.String("intent"), user.String("text")
	for _, e := range user.List("entities") {
		p.entities = append(p.entities, value.Str(e))
	}
	for name, v := range s.Map("slots").All() {
		feature := ""
		if v != any(state.ShouldNotBeSet) {
			feature = string(value.Encode(v, value.JSON))
		}
		p.slots = append(p.slots, slotPattern{name, feature})
	}
	slices.SortFunc(p.slots, func(a, b slotPattern) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return p
}

// index finds rules by what their last state asks for.
type index struct {
	rules map[place][]*compiled
	byKey map[string]*compiled
}

// place is the last action and what is asked of the message: its intent, its text or neither.
type place struct {
	prev state.Action
	kind uint8
	user string
}

const (
	anyUser uint8 = iota
	byIntent
	byText
)

func newIndex(rules []*compiled) *index {
	x := &index{rules: map[place][]*compiled{}, byKey: map[string]*compiled{}}
	for _, r := range rules {
		at := placeOf(r)
		x.rules[at] = append(x.rules[at], r)
		x.byKey[r.key] = r
	}
	return x
}

func placeOf(r *compiled) place {
	last := &r.states[0]
	switch {
	case last.prev.Name == "":
		return place{}
	case last.intent != "":
		return place{last.prev, byIntent, last.intent}
	case last.text != "":
		return place{last.prev, byText, last.text}
	}
	return place{prev: last.prev}
}

// remove forgets the rule with the given key.
func (x *index) remove(key string) {
	if r := x.byKey[key]; r != nil {
		delete(x.byKey, key)
		at := placeOf(r)
		x.rules[at] = slices.DeleteFunc(x.rules[at], func(o *compiled) bool { return o == r })
	}
}

// candidates returns the rules that may match, in three lists.
func (x *index) candidates(p *past) (lists [3][]*compiled) {
	if len(x.rules) == 0 {
		return lists
	}
	lists[0] = x.rules[place{prev: p.last.Prev}]
	if u := p.last.User; u != nil && p.last.Prev.Name != "" {
		if u.Intent != "" {
			lists[1] = x.rules[place{p.last.Prev, byIntent, u.Intent}]
		}
		if u.Text != "" {
			lists[2] = x.rules[place{p.last.Prev, byText, u.Text}]
		}
	}
	return lists
}

// best returns the rule with the longest key among those that match, nil when none does.
func (x *index) best(p *past) *compiled {
	var best *compiled
	for _, list := range x.candidates(p) {
		for _, r := range list {
			if (best == nil || len(r.key) > len(best.key)) && r.applies(p) {
				best = r
			}
		}
	}
	return best
}

// conditions tells what the states that match say of the active loop.
func (x *index) conditions(p *past) (interrupted, forbidden bool) {
	for _, list := range x.candidates(p) {
		for _, r := range list {
			if r.applies(p) {
				interrupted = interrupted || r.action == loopWasInterrupted
				forbidden = forbidden || r.action == doNotPredictLoopAction
			}
		}
	}
	return interrupted, forbidden
}

// applies reports whether the conversation ends with the states of the rule.
func (r *compiled) applies(p *past) bool {
	if !r.states[0].matches(&p.last) {
		return false
	}
	for i := 1; i < len(r.states); i++ {
		s := p.back(i)
		if s == nil {
			return true
		}
		if !r.states[i].matches(s) {
			return false
		}
	}
	return true
}

// past is a conversation as rules look at it: the last state, and those before it when they are needed.
type past struct {
	last state.State
	user state.User
	// list are the states during training, otherwise live is true and the cursor follows the conversation.
	list   []*state.State
	live   bool
	cursor state.Cursor
	// seen are the states before the last that were looked at, the latest first; ended tells that there are no more.
	seen   []state.State
	ended  bool
	buffer [4]state.State
	moving state.Cursor
}

// pasts are used again, because every prediction needs one and they are big.
var pasts = sync.Pool{New: func() any { return new(past) }}

func (p *past) release() {
	*p = past{}
	pasts.Put(p)
}

// choose sets the last state: directly after action_listen, either the text or the rest of the message counts.
func (p *past) choose(useText bool) {
	if p.live {
		p.last = p.cursor.State()
	} else {
		p.last = *p.list[len(p.list)-1]
	}
	u := p.last.User
	if u == nil {
		return
	}
	p.user = *u
	if p.last.Prev.IsListen() {
		if useText {
			p.user.Intent, p.user.Entities = "", nil
		} else {
			p.user.Text = ""
		}
	}
	if p.user.Intent != "" {
		p.user.Text = ""
	}
	p.last.User = &p.user
}

// back returns the state i states before the last, nil when the conversation is shorter.
func (p *past) back(i int) *state.State {
	if !p.live {
		if i >= len(p.list) {
			return nil
		}
		s := p.list[len(p.list)-1-i].WithoutTextIfIntent()
		return &s
	}
	for len(p.seen) < i {
		if p.seen == nil {
			p.seen, p.moving = p.buffer[:0], p.cursor
		}
		if p.ended || !p.moving.Back() {
			p.ended = true
			return nil
		}
		p.seen = append(p.seen, p.moving.State().WithoutTextIfIntent())
	}
	return &p.seen[i-1]
}

// all returns all states, in order, unless there are more than limit.
func (p *past) all(limit int) ([]state.State, bool) {
	out := []state.State{p.last}
	for i := 1; ; i++ {
		s := p.back(i)
		if s == nil {
			slices.Reverse(out)
			return out, true
		}
		if i >= limit {
			return nil, false
		}
		out = append(out, *s)
	}
}

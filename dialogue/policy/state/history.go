package state

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/parleybot/parley/dialogue/tracker"
)

// The memos on a conversation are kept for the last keepActions actions and a few more, and at one action in keepEvery further back.
// Rewinding to between those costs a walk to the one before.
const (
	keepActions = 3
	keepEvery   = 64
	// clearEvery is after how many actions memos are cleared, so that not every prediction looks at the turns before.
	clearEvery = 4
)

// Everything is the window of a policy that looks at whole conversations.
const Everything = math.MaxInt32

// RuleOnly holds the names of slots and loops that occur in rules but not in stories. Policies that learn from stories
// do not see them (RULE_ONLY_SLOTS, RULE_ONLY_LOOPS of rasa/core/policies/rule_policy.py).
type RuleOnly struct {
	Slots []string
	Loops []string
}

// History follows conversations for the policies of one ensemble. It is immutable and may be used concurrently; what it
// computes is left on the trackers' histories.
type History struct {
	f      *Featurizer
	window int
	slots  map[string]bool
	loops  map[string]bool
	// start is the memo of the state before the first event, once it was needed.
	start atomic.Pointer[memo]
}

// NewHistory returns a History whose sequences reach back at least window states.
func NewHistory(f *Featurizer, only RuleOnly, window int) *History {
	h := &History{f: f, window: max(window, 1), slots: map[string]bool{}, loops: map[string]bool{}}
	for _, s := range only.Slots {
		h.slots[s] = true
	}
	for _, l := range only.Loops {
		h.loops[l] = true
	}
	return h
}

// userPart is a featurized message with its hashes: history counts in past states, last in the state to predict from
// after action_listen, where the text is left out.
type userPart struct {
	message       *tracker.UserUttered
	user          *User
	history, last uint64
}

// slotPart is the featurization of one list of slot values.
type slotPart struct {
	values []tracker.SlotValue
	slots  []Slot
	// visible and hash leave slots out that occur in rules only.
	visible []Slot
	hash    uint64
}

// memo is what is left on an applied event. User and slots are those of the state after the event; fold covers the
// states before all actions up to and including the event.
type memo struct {
	user  *userPart
	slots *slotPart
	fold  fold
	// actions counts the actions up to and including the event.
	actions int
}

func (h *History) userPartOf(m *tracker.UserUttered) *userPart {
	p := &userPart{message: m, user: h.f.user(m)}
	if u := p.user; u != nil {
		if u.Text == "" {
			p.last = h.f.hashOfUser(u)
			p.history = p.last
			return p
		}
		bare := User{Intent: u.Intent, Entities: u.Entities}
		p.last = h.f.hashOfUser(&bare)
		p.history = p.last
		if u.Intent == "" {
			p.history = hashUser(u)
		}
	}
	return p
}

func (h *History) slotPartOf(values []tracker.SlotValue) *slotPart {
	p := &slotPart{values: values, slots: h.f.slotsOf(values, false)}
	p.visible = p.slots
	if len(h.slots) > 0 {
		p.visible = slices.DeleteFunc(slices.Clone(p.slots), func(s Slot) bool { return h.slots[s.Name] })
	}
	for _, s := range p.visible {
		p.hash += s.Feature.hash
	}
	return p
}

// follow brings the parts of m up to the state s.
func (h *History) follow(m *memo, s *tracker.State) {
	if m.user == nil || m.user.message != s.LatestMessage {
		m.user = h.userPartOf(s.LatestMessage)
	}
	if m.slots == nil || len(s.Slots) > 0 && &s.Slots[0] != &m.slots.values[0] {
		m.slots = h.slotPartOf(s.Slots)
	}
}

func (h *History) memoAt(a *tracker.Applied) *memo {
	m, _ := a.Memo(h).(*memo)
	return m
}

// at returns the memo of the state after a, which is nil for the empty history with the state initial.
func (h *History) at(a *tracker.Applied, initial *tracker.State) memo {
	if a == nil {
		return h.atStart(initial)
	}
	if m := h.memoAt(a); m != nil {
		return *m
	}
	var buffer [32]*tracker.Applied
	actions := buffer[:0]
	var m memo
	for x := a; x != nil; x = x.Prev {
		if x != a {
			if known := h.memoAt(x); known != nil {
				m = *known
				break
			}
		}
		if _, ok := x.Event.(*tracker.ActionExecuted); ok {
			actions = append(actions, x)
		}
	}
	for i := len(actions) - 1; i >= 0; i-- {
		x := actions[i]
		before := initial
		if x.Prev != nil {
			before = x.Prev.State
		}
		h.follow(&m, before)
		h.step(&m.fold, momentOf(before, &m), x.Event.(*tracker.ActionExecuted).HideRuleTurn)
		m.actions++
		if x != a {
			h.leave(x, m)
		}
	}
	h.follow(&m, a.State)
	h.leave(a, m)
	return m
}

func (h *History) atStart(initial *tracker.State) memo {
	var m memo
	if known := h.start.Load(); known != nil {
		m = *known
	}
	was := m
	h.follow(&m, initial)
	if m != was {
		stored := m
		h.start.Store(&stored)
	}
	return m
}

// leave stores m on a and clears what lies far enough behind.
func (h *History) leave(a *tracker.Applied, m memo) {
	a.SetMemo(h, &m)
	if m.actions%clearEvery != 0 {
		return
	}
	passed := 0
	for x := a.Prev; x != nil && passed <= keepActions+clearEvery; x = x.Prev {
		_, isAction := x.Event.(*tracker.ActionExecuted)
		if known := h.memoAt(x); passed >= keepActions && known != nil && (!isAction || known.actions%keepEvery != 0) {
			x.ClearMemos()
		}
		if isAction {
			passed++
		}
	}
}

// Cursor stands at one state of a conversation as rules see it: nothing is hidden.
type Cursor struct {
	h       *History
	initial *tracker.State
	node    *tracker.Applied
	user    *userPart
	slots   *slotPart
}

// Now returns the cursor at the current state of t.
func (h *History) Now(t *tracker.Tracker) Cursor {
	m := h.at(t.Applied(), t.Initial())
	return Cursor{h, t.Initial(), t.Applied(), m.user, m.slots}
}

// State returns the state.
func (c *Cursor) State() State {
	s := c.initial
	if c.node != nil {
		s = c.node.State
	}
	return State{User: c.user.user, Slots: c.slots.slots, Prev: prevAction(s), Loop: rawLoop(s)}
}

// Back moves to the state before the last action, or returns false when there was no action.
func (c *Cursor) Back() bool {
	for x := c.node; x != nil; x = x.Prev {
		if _, ok := x.Event.(*tracker.ActionExecuted); !ok {
			continue
		}
		m := memo{user: c.user, slots: c.slots}
		if known := c.h.memoAt(x); known != nil {
			m = *known
		}
		before := c.initial
		if x.Prev != nil {
			before = x.Prev.State
		}
		c.h.follow(&m, before)
		c.node, c.user, c.slots = x.Prev, m.user, m.slots
		return true
	}
	return false
}

package state

import "github.com/parleybot/parley/dialogue/tracker"

// replayed is an event in the part of a conversation that is told again without what came before.
type replayed struct {
	// action is nil for other events; before and user are the state before it and its message.
	action *tracker.ActionExecuted
	before *tracker.State
	user   *userPart
	// isUser, isLoop and isReset tell events that make the new telling the same as the conversation in one respect.
	isUser, isLoop, isReset bool
	// slot is the featurized slot that the event sets, and hash its feature, 0 for none.
	slot *slot
	hash uint64
}

// RecallTruncated looks the conversation up with its beginning left out: it is told again from each action on, the
// earliest first, as if nothing had happened before, until lookup knows the sequence of states. Without maxHistory the
// search ends where all sequences are longer than longest; otherwise it begins at the last action_listen that has more
// than maxHistory actions from it on (AugmentedMemoizationPolicy of rasa/core/policies/memoization.py).
func (h *History) RecallTruncated(t *tracker.Tracker, maxHistory, longest int, lookup func(key uint64) bool) bool {
	var buffer [64]replayed
	r := retelling{h: h, maxHistory: maxHistory, start: h.atStart(t.Initial()), initial: t.Initial()}
	r.events = r.collect(buffer[:0], t.Applied(), longest)
	r.now = r.initial
	if a := t.Applied(); a != nil {
		r.now = a.State
	}
	m := h.at(t.Applied(), t.Initial())
	r.user = m.user
	for i := range r.events {
		if r.events[i].action != nil && lookup(r.keyFrom(i)) {
			return true
		}
	}
	return false
}

// retelling is the search for one conversation.
type retelling struct {
	h          *History
	maxHistory int
	initial    *tracker.State
	start      memo
	now        *tracker.State
	user       *userPart
	events     []replayed
	past       []uint64
}

// collect returns the events from which on the conversation may be told again, in order.
func (r *retelling) collect(out []replayed, a *tracker.Applied, longest int) []replayed {
	actions, visible := 0, 0
	for x := a; x != nil; x = x.Prev {
		out = append(out, r.replay(x))
		action := out[len(out)-1].action
		if action == nil {
			continue
		}
		actions++
		if r.maxHistory > 0 {
			if actions > r.maxHistory && action.Name == tracker.ActionListen {
				break
			}
			continue
		}
		s := out[len(out)-1].before
		if !action.HideRuleTurn && s.Followup == "" && s.LatestAction != loopName(s) {
			visible++
		}
		if visible > longest {
			break
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

func (r *retelling) replay(x *tracker.Applied) replayed {
	h := r.h
	switch e := x.Event.(type) {
	case *tracker.ActionExecuted:
		p := replayed{action: e, before: r.initial}
		if x.Prev != nil {
			p.before = x.Prev.State
		}
		if m := h.memoAt(x); m != nil && m.user.message == p.before.LatestMessage {
			p.user = m.user
		} else {
			p.user = h.userPartOf(p.before.LatestMessage)
		}
		return p
	case *tracker.UserUttered:
		return replayed{isUser: true}
	case *tracker.ActiveLoop:
		return replayed{isLoop: true}
	case *tracker.AllSlotsReset:
		return replayed{isReset: true}
	case *tracker.SlotSet:
		for _, s := range h.f.slots {
			if s.name == e.Key && !h.slots[s.name] {
				p := replayed{slot: s}
				if f := s.of(x.State.Slots[s.index]); f != nil {
					p.hash = f.hash
				}
				return p
			}
		}
	}
	return replayed{}
}

// keyFrom returns the key of the conversation told from event i on.
func (r *retelling) keyFrom(i int) uint64 {
	var f fold
	var knowsUser, knowsLoop bool
	touched := touchedSlots{r: r}
	slots := slotPart{hash: r.start.slots.hash}
	m := memo{user: r.start.user, slots: &slots}
	r.past = r.past[:0]
	last := uint64(0)
	add := func(s *tracker.State, user *userPart, hide bool) {
		m.user = r.start.user
		if knowsUser {
			m.user = user
		}
		if !knowsLoop && s.Loop != nil {
			c := *s
			c.Loop = nil
			s = &c
		}
		var l link
		var added bool
		if f, l, added = r.h.next(f, s, &m, hide); added {
			r.past = append(r.past, l.history)
			last = l.last
		}
	}
	add(r.initial, r.start.user, r.events[i].action.HideRuleTurn)
	for j := i + 1; j < len(r.events); j++ {
		switch e := &r.events[j]; {
		case e.action != nil:
			add(e.before, e.user, e.action.HideRuleTurn)
		case e.isUser:
			knowsUser = true
		case e.isLoop:
			knowsLoop = true
		case e.isReset:
			slots.hash = r.start.slots.hash
			touched.list = touched.list[:0]
		case e.slot != nil:
			slots.hash += e.hash - touched.replace(e.slot, e.hash)
		}
	}
	add(r.now, r.user, false)
	if n := len(r.past); n > 0 {
		r.past[n-1] = last
	}
	return KeyOf(r.past, r.maxHistory)
}

// touchedSlots remembers the features of the slots that were set in a retelling.
type touchedSlots struct {
	r    *retelling
	list []touchedSlot
}

type touchedSlot struct {
	slot *slot
	hash uint64
}

// replace notes the feature of s and returns the one before.
func (t *touchedSlots) replace(s *slot, hash uint64) uint64 {
	for i := range t.list {
		if t.list[i].slot == s {
			old := t.list[i].hash
			t.list[i].hash = hash
			return old
		}
	}
	t.list = append(t.list, touchedSlot{s, hash})
	if f := s.of(t.r.initial.Slots[s.index]); f != nil {
		return f.hash
	}
	return 0
}

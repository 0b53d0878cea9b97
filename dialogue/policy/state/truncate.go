package state

import (
	"sync"

	"github.com/parleybot/parley/dialogue/tracker"
)

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
	r := retellings.Get().(*retelling)
	defer r.release()
	r.h, r.maxHistory, r.start, r.initial = h, maxHistory, h.atStart(t.Initial()), t.Initial()
	r.events = r.collect(r.events[:0], t.Applied(), longest)
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

// retellings are kept for the next conversation.
var retellings = sync.Pool{New: func() any { return &retelling{} }}

// release forgets the conversation and puts r back, unless it has grown large.
func (r *retelling) release() {
	if cap(r.events) > 1024 {
		return
	}
	clear(r.events)
	*r = retelling{events: r.events[:0], past: r.past[:0], touched: r.touched[:0]}
	retellings.Put(r)
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
	// touched are the features of the slots that were set since the first event.
	touched []touchedSlot
	told    narrator
}

type touchedSlot struct {
	slot *slot
	hash uint64
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
	n := &r.told
	*n = narrator{r: r, slots: r.start.slots.hash}
	r.past, r.touched = r.past[:0], r.touched[:0]
	n.state(r.initial, nil, r.events[i].action.HideRuleTurn)
	for j := i + 1; j < len(r.events); j++ {
		switch e := &r.events[j]; {
		case e.action != nil:
			n.state(e.before, e.user, e.action.HideRuleTurn)
		case e.isUser:
			n.knowsUser = true
		case e.isLoop:
			n.knowsLoop = true
		case e.isReset:
			n.slots = r.start.slots.hash
			r.touched = r.touched[:0]
		case e.slot != nil:
			n.slots += e.hash - r.replace(e.slot, e.hash)
		}
	}
	n.state(r.now, r.user, false)
	if count := len(r.past); count > 0 {
		r.past[count-1] = n.last
	}
	return KeyOf(r.past, r.maxHistory)
}

// replace notes the feature of s and returns the one before.
func (r *retelling) replace(s *slot, hash uint64) uint64 {
	for i := range r.touched {
		if r.touched[i].slot == s {
			old := r.touched[i].hash
			r.touched[i].hash = hash
			return old
		}
	}
	r.touched = append(r.touched, touchedSlot{s, hash})
	if f := s.of(r.initial.Slots[s.index]); f != nil {
		return f.hash
	}
	return 0
}

// narrator tells the states of a retelling.
type narrator struct {
	r    *retelling
	fold fold
	// knowsUser and knowsLoop tell whether a message and a change of the loop were among the events so far.
	knowsUser, knowsLoop bool
	// slots is the sum of the hashes of the slots that count.
	slots uint64
	// last is the hash of the latest state as the one to predict from.
	last uint64
}

// state adds the state s with the message user, before an action that is hidden or not.
func (n *narrator) state(s *tracker.State, user *userPart, hide bool) {
	m := moment{State: s, user: user, slots: n.slots}
	if !n.knowsUser {
		m.user = n.r.start.user
	}
	if n.knowsLoop {
		m.loop = rawLoop(s)
	}
	if l, added := n.r.h.next(&n.fold, &m, hide); added {
		n.r.past = append(n.r.past, l.history)
		n.last = l.last
	}
}

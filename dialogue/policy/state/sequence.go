package state

import "github.com/parleybot/parley/dialogue/tracker"

const actionUnlikelyIntent = "action_unlikely_intent"

// Sequence is the list of states that policies see which learn from stories, reduced to hashes: turns that rules alone
// brought about are hidden, as are slots and loops that occur in rules only and action_unlikely_intent.
type Sequence struct {
	last uint64
	past *link
	n    int
}

// link is a past state in a Sequence.
type link struct {
	// history is the hash of the state as a past one, last as the one to predict from, chain that of all states up to
	// this one.
	history, last, chain uint64
	n                    int
	prev                 *link
	content
}

// content is what the states of a link are made of.
type content struct {
	user  *userPart
	slots *slotPart
	// action is the one before.
	action Action
	loop   string
}

// fold is the running state of Domain.states_for_tracker_history.
type fold struct {
	// last is the previous action of the last turn that was not hidden; lastHash is 0 before any.
	lastHash   uint64
	lastAction Action
	hidden     bool
	// user is that of the last state, which following states without a new message keep.
	user      *userPart
	hasStates bool
	top       *link
}

// moment is what a sequence takes of one state of a conversation.
type moment struct {
	*tracker.State
	user *userPart
	// slots is the sum of the hashes of the slots that count, part their features. A retelling has no part.
	slots uint64
	part  *slotPart
	// loop is the name of the active loop, also when it is ShouldNotBeSet.
	loop string
}

func momentOf(s *tracker.State, m *memo) moment {
	return moment{State: s, user: m.user, slots: m.slots.hash, part: m.slots, loop: rawLoop(s)}
}

// step adds a state, before an action that is hidden or not.
func (h *History) step(f *fold, m moment, hide bool) {
	if l, added := h.next(f, &m, hide); added {
		f.top = h.push(l, f.top)
	}
}

// next is step without adding the link, which is not always one of the sequence, to the list.
func (h *History) next(f *fold, m *moment, hide bool) (link, bool) {
	prev := prevAction(m.State)
	listen := prev.IsListen()
	if !f.hidden {
		f.lastHash, f.lastAction = h.f.hashOf(prev), prev
	}
	if m.Followup == "" && (m.LatestAction != m.loop || m.loop == ShouldNotBeSet) {
		f.hidden = hide
	}
	if f.hidden {
		return link{}, false
	}
	user := m.user
	if f.hasStates && !listen {
		user = f.user
	}
	f.user, f.hasStates = user, true
	hash, action := f.lastHash, f.lastAction
	if hash == 0 {
		hash, action = h.f.hashOf(prev), prev
	}
	if action.Name == actionUnlikelyIntent && !action.IsText {
		return link{}, false
	}
	c := content{user: user, slots: m.part, action: action}
	var loop uint64
	if m.loop != "" && !h.loops[m.loop] {
		c.loop, loop = m.loop, h.f.hashOfLoop(m.loop)
	}
	l := link{history: combine(loop, hash, m.slots, user.history), content: c}
	l.last = l.history
	if action.IsListen() && user.last != user.history {
		l.last = combine(loop, hash, m.slots, user.last)
	}
	return l, true
}

// cutEvery is how many links there are between two cuts of the list.
const cutEvery = 64

// push links l behind top. The list is cut now and then, so that it does not keep a whole conversation.
func (h *History) push(fresh link, top *link) *link {
	l := &fresh
	l.prev = top
	if top != nil {
		l.n, l.chain = top.n, top.chain
	}
	l.n++
	l.chain = mix(l.chain, l.history)
	if l.n%cutEvery == 0 && h.window < Everything {
		l.prev = top.copyOf(h.window)
	}
	return l
}

// copyOf copies the last n links.
func (l *link) copyOf(n int) *link {
	if l == nil || n <= 0 {
		return nil
	}
	c := *l
	c.prev = l.prev.copyOf(n - 1)
	return &c
}

func loopName(s *tracker.State) string {
	if name := rawLoop(s); name != ShouldNotBeSet {
		return name
	}
	return ""
}

// Sequence returns the sequence of states to predict from.
func (h *History) Sequence(t *tracker.Tracker) Sequence {
	a := t.Applied()
	m := h.at(a, t.Initial())
	s := t.Initial()
	if a != nil {
		s = a.State
	}
	f, now := m.fold, momentOf(s, &m)
	if l, added := h.next(&f, &now, false); added { // no action hides the current state
		q := Sequence{last: l.last, past: f.top, n: 1}
		if f.top != nil {
			q.n += f.top.n
		}
		return q
	}
	if f.top == nil {
		return Sequence{}
	}
	return Sequence{last: f.top.last, past: f.top.prev, n: f.top.n}
}

// Key returns the hash of the last maxHistory states, of all when it is 0. maxHistory must not exceed the window of the
// History.
func (q Sequence) Key(maxHistory int) uint64 {
	if q.n == 0 {
		return KeyOf(nil, maxHistory)
	}
	if maxHistory <= 0 {
		var chain uint64
		if q.past != nil {
			chain = q.past.chain
		}
		return mix(chain, q.last)
	}
	key := mix(0, q.last)
	n := 1
	for l := q.past; l != nil && n < maxHistory; l = l.prev {
		key = mix(key, l.history)
		n++
	}
	return mix(key, uint64(n))
}

// KeyOf returns what Sequence.Key gives for a sequence of states with these hashes.
func KeyOf(hashes []uint64, maxHistory int) uint64 {
	if maxHistory <= 0 {
		var chain uint64
		for _, h := range hashes {
			chain = mix(chain, h)
		}
		return chain
	}
	if len(hashes) > maxHistory {
		hashes = hashes[len(hashes)-maxHistory:]
	}
	var key uint64
	for i := len(hashes) - 1; i >= 0; i-- {
		key = mix(key, hashes[i])
	}
	return mix(key, uint64(len(hashes)))
}

package state

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// States appends to dst the states of the Sequence of t, the oldest first: all of them when n
// is 0, at most the last n otherwise. n must not exceed the window of the History. They are as they were written: the
// last one, and past ones whose message counts by its text, have the user's text. A turn whose slots and loop are
// hidden from policies that learn from stories has neither.
func (h *History) States(t *tracker.Tracker, n int, dst []State) []State {
	a := t.Applied()
	m := h.at(a, t.Initial())
	s := t.Initial()
	if a != nil {
		s = a.State
	}
	f, now := m.fold, momentOf(s, &m)
	start := len(dst)
	if l, added := h.next(&f, &now, false); added {
		dst = append(dst, l.state())
	}
	for l := f.top; l != nil && (n <= 0 || len(dst)-start < n); l = l.prev {
		dst = append(dst, l.state())
	}
	slices.Reverse(dst[start:])
	return dst
}

func (c *content) state() State {
	return State{User: c.user.user, Slots: c.slots.visible, Prev: c.action, Loop: c.loop}
}

// Values returns the numbers of the feature, nil when the slot must not be set.
func (f *Feature) Values() []float64 {
	if f.NotSet() {
		return nil
	}
	text := strings.Trim(f.Text, "[]")
	out := make([]float64, 0, 1+strings.Count(text, ","))
	for number := range strings.SplitSeq(text, ", ") {
		v, err := value.ParseFloat(number)
		if err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// Before returns the sequence without its last state.
func (q Sequence) Before() Sequence {
	if q.past == nil {
		return Sequence{}
	}
	return Sequence{last: q.past.history, past: q.past.prev, n: q.n - 1}
}

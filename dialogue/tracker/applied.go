package tracker

import "sync/atomic"

// Applied is an event that counts for policies, linked to the one before it: undone events and the happy turns of a
// loop are not in the chain (DialogueStateTracker.applied_events). A nil *Applied is the empty history. The chain is
// immutable, except for the memos that policies leave on it.
type Applied struct {
	Event Event
	// State is the state after Event in a replay of the chain. It differs from the tracker's own state where events
	// were folded away.
	State *State
	Prev  *Applied

	memo atomic.Pointer[memo]
}

type memo struct {
	key, value any
	next       *memo
}

// Memo returns what SetMemo stored under key, nil when there is nothing. It may be called concurrently.
func (a *Applied) Memo(key any) any {
	for m := a.memo.Load(); m != nil; m = m.next {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// SetMemo leaves a value that was derived from the history up to a, so that it need not be derived again. Keys are
// pointers owned by whoever derives. Setting a key again replaces its value.
func (a *Applied) SetMemo(key, v any) {
	for {
		old := a.memo.Load()
		fresh := &memo{key: key, value: v}
		for m := old; m != nil; m = m.next {
			if m.key != key {
				fresh.next = &memo{m.key, m.value, fresh.next}
			}
		}
		if a.memo.CompareAndSwap(old, fresh) {
			return
		}
	}
}

// ClearMemos forgets all memos of a.
func (a *Applied) ClearMemos() { a.memo.Store(nil) }

// Applied returns the last event that counts, from which Prev leads to the earlier ones; nil when there is none.
func (t *Tracker) Applied() *Applied { return t.last }

// AppliedEvents returns the events that count, in order. It costs time in proportion to their number: for output, not
// for the turn loop.
func (t *Tracker) AppliedEvents() []Event {
	n := 0
	for a := t.last; a != nil; a = a.Prev {
		n++
	}
	out := make([]Event, n)
	for a := t.last; a != nil; a = a.Prev {
		n--
		out[n] = a.Event
	}
	return out
}

func (a *Applied) stateOr(initial *State) *State {
	if a == nil {
		return initial
	}
	return a.State
}

// push appends e to the history.
func (t *Tracker) push(e Event) {
	// One piece of memory for both: there are several for every message.
	n := &struct {
		Applied
		after State
	}{after: *t.last.stateOr(t.schema.initial)}
	n.Event, n.State, n.Prev = e, &n.after, t.last
	e.apply(&n.after, t.schema)
	t.last = &n.Applied
}

// reapply builds the history anew after a loop name became known that earlier actions already had, then applies e to
// the current state.
func (t *Tracker) reapply(e Event) {
	t.last = nil
	for _, past := range t.events {
		t.applyToHistory(past)
	}
	t.state = t.schema.next(t.state, e)
}

func (t *Tracker) applyToHistory(e Event) {
	switch e := e.(type) {
	case *Restarted, *SessionStarted:
		t.last = nil
	case *ActionReverted:
		t.last = undoAction(t.last)
	case *UserUtteranceReverted:
		// A user message always follows action_listen: both go.
		t.last = undoAction(undoUser(t.last))
	case *ActionExecuted:
		if t.wasActive(e.Name) && !firstExecutionOrUnhappy(t.last, e.Name) {
			t.foldLoop(e.Name)
			return
		}
		t.push(e)
	default:
		t.push(e)
	}
}

func undoAction(a *Applied) *Applied {
	for ; a != nil; a = a.Prev {
		if _, ok := a.Event.(*ActionExecuted); ok {
			return a.Prev
		}
	}
	return nil
}

func undoUser(a *Applied) *Applied {
	for ; a != nil; a = a.Prev {
		if _, ok := a.Event.(*UserUttered); ok {
			return a.Prev
		}
	}
	return nil
}

func (t *Tracker) wasActive(loop string) bool {
	for _, name := range t.loops {
		if name == loop {
			return true
		}
	}
	return false
}

// executions counts the executions of an action in the history, up to 2.
func (t *Tracker) executions(action string) int {
	n := 0
	for a := t.last; a != nil && n < 2; a = a.Prev {
		if x, ok := a.Event.(*ActionExecuted); ok && x.Name == action {
			n++
		}
	}
	return n
}

// firstExecutionOrUnhappy reports whether an execution of loop starts the loop or follows an unhappy path, in which
// case it counts as an action of its own.
func firstExecutionOrUnhappy(a *Applied, loop string) bool {
	next, named := "", false // the action executed after the event looked at
	for ; a != nil; a = a.Prev {
		switch e := a.Event.(type) {
		case *ActiveLoop:
			if e.Name == "" {
				return true
			}
		case *ActionExecutionRejected:
			if e.Name == loop {
				return true
			}
		case *UserUttered:
			// Training data has no rejections; there another action after the message shows the unhappy path.
			if named && next != loop {
				return true
			}
		case *ActionExecuted:
			if e.Name == loop {
				return false
			}
			next, named = e.Name, e.Name != "" || e.EmptyName
		}
	}
	return true
}

// foldLoop drops actions and user messages since the previous execution of loop, keeping everything else.
func (t *Tracker) foldLoop(loop string) {
	var kept []Event
	a := t.last
	for ; a != nil; a = a.Prev {
		x, isAction := a.Event.(*ActionExecuted)
		if isAction && x.Name == loop {
			break
		}
		switch a.Event.(type) {
		case *ActionExecuted, *UserUttered, *DefinePrevUserUtteredFeaturization:
		default:
			kept = append(kept, a.Event)
		}
	}
	t.last = a
	for i := len(kept) - 1; i >= 0; i-- {
		t.push(kept[i])
	}
}

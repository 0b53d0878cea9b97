package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// conflicts checks that a save is refused when the conversation went on, and that nothing of it is kept.
func conflicts(t *testing.T, open Place, f *tracker.Factory) {
	a, b := open(), open()
	var c clock
	none, err := a.Load(t.Context(), f, "u")
	require.NoError(t, err)
	begin(t, b, f.FromEvents("u", session(&c, "hello")))
	none.Tracker = f.New("u")
	_, err = a.Save(t.Context(), next(none, session(&c, "me too")...))
	require.ErrorIs(t, err, stores.ErrConflict)

	first, second := loadAt(t, a, f, "u"), loadAt(t, b, f, "u")
	same := loadAt(t, a, f, "u")
	won := executed(&c, "action_cook")
	_, err = b.Save(t.Context(), next(second, won))
	require.NoError(t, err)
	for _, stale := range []stores.Conversation{first, same} {
		_, err = a.Save(t.Context(), next(stale, executed(&c, "utter_hello"), executed(&c, tracker.ActionListen)))
		require.ErrorIs(t, err, stores.ErrConflict)
	}
	for _, node := range []stores.TrackerStore{a, b} {
		events := load(t, node, f, "u").Events()
		requireSameEvents(t, []tracker.Event{won}, events[len(events)-1:])
	}
	goOn(t, a, f, "u", executed(&c, tracker.ActionListen))
	goOn(t, b, f, "u", executed(&c, tracker.ActionListen))
}

// otherNodes lets two nodes take turns; each must see what the other did, new sessions included.
func otherNodes(t *testing.T, open Place, f *tracker.Factory) {
	nodes := []stores.TrackerStore{open(), open()}
	var c clock
	want := session(&c, "hello")
	begin(t, nodes[0], f.FromEvents("u", want))
	for i := range 30 {
		var added []tracker.Event
		if i%10 == 7 {
			added = session(&c, fmt.Sprint("session ", i))
		} else {
			added = []tracker.Event{said(&c, fmt.Sprint("turn ", i), "order"), executed(&c, tracker.ActionListen)}
		}
		goOn(t, nodes[i%2], f, "u", added...)
		want = append(want, added...)
		got := load(t, nodes[(i+1)%2], f, "u").Events()
		requireSameEvents(t, want[len(want)-2:], got[len(got)-2:])
	}
	for _, node := range append(nodes, open()) {
		all, err := node.LoadAll(t.Context(), f, "u")
		require.NoError(t, err)
		events := all.Tracker.Events()
		requireSameEvents(t, want[len(want)-len(events):], events) // a store may forget sessions before the last
	}
}

// lostUpdates lets writers race for one conversation without a lock: what is refused is tried again, and in the end each
// event is there once.
func lostUpdates(t *testing.T, open Place, f *tracker.Factory) {
	const writers, turns = 4, 10
	var c clock
	begin(t, open(), f.FromEvents("u", session(&c, "hello")))
	var done sync.WaitGroup
	for w := range writers {
		s := open()
		done.Go(func() {
			for n := range turns {
				if err := insist(t, s, f, fmt.Sprintf("%d/%d", w, n)); err != nil {
					t.Errorf("writer %d, turn %d: %v", w, n, err)
					return
				}
			}
		})
	}
	done.Wait()
	all, err := open().LoadAll(t.Context(), f, "u")
	require.NoError(t, err)
	seen, last := map[string]int{}, map[byte]int{}
	for _, e := range all.Tracker.Events() {
		if u, ok := e.(*tracker.UserUttered); ok && len(u.Text) == 3 {
			seen[u.Text]++
			n := int(u.Text[2] - '0')
			require.GreaterOrEqual(t, n, last[u.Text[0]], "the turns of a writer are in order")
			last[u.Text[0]] = n
		}
	}
	require.Len(t, seen, writers*turns)
	for text, n := range seen {
		require.Equal(t, 1, n, text)
	}
}

// insist adds a message to the conversation u until no other writer comes in between.
func insist(t *testing.T, s stores.TrackerStore, f *tracker.Factory, text string) error {
	var err error
	for range 1000 {
		var conv stores.Conversation
		if conv, err = s.Load(t.Context(), f, "u"); err != nil {
			return err
		}
		c := clock(1000)
		if _, err = s.Save(t.Context(), next(conv, said(&c, text, "order"), executed(&c, tracker.ActionListen))); !errors.Is(err, stores.ErrConflict) {
			return err
		}
	}
	return err
}

// concurrentTurns lets several conversations go on at once, each with a reader beside the writer.
func concurrentTurns(t *testing.T, open Place, f *tracker.Factory) {
	const conversations, turns = 4, 15
	s := open()
	var done sync.WaitGroup
	for i := range conversations {
		id := fmt.Sprint("user ", i)
		var c clock
		begin(t, s, f.FromEvents(id, session(&c, "hello")))
		done.Go(func() {
			for n := range turns {
				conv, err := s.Load(t.Context(), f, id)
				if err == nil {
					_, err = s.Save(t.Context(), next(conv, said(&c, "hello", "greet"), executed(&c, "action_cook")))
				}
				if err != nil {
					t.Errorf("turn %d of %q: %v", n, id, err)
					return
				}
			}
		})
		done.Go(func() {
			for range turns {
				got, err := s.LoadAll(t.Context(), f, id)
				if err != nil || len(got.Tracker.Events())%2 != 0 {
					t.Errorf("reading %q: %v", id, err)
					return
				}
				got.Tracker.CurrentState(tracker.EventsAll)
			}
		})
	}
	done.Wait()
}

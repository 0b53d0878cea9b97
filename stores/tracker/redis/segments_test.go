package redis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// inRasasKey returns the events that a Rasa node sees.
func (w *world) inRasasKey() []tracker.Event {
	w.t.Helper()
	m, err := value.DecodeObject([]byte(w.value()))
	require.NoError(w.t, err)
	require.Equal(w.t, "u", m.String("name"))
	var events []tracker.Event
	for _, v := range m.Value("events").([]any) {
		e, err := tracker.EventFromMap(v.(*value.Map))
		require.NoError(w.t, err)
		events = append(events, e)
	}
	return events
}

func TestClosedSessionsMove(t *testing.T) {
	w := newWorld(t, "segment_events", int64(30))
	s, other := w.node(), w.node()
	var want []tracker.Event
	longest := 0
	for n := range 20 {
		added := append(w.clock.session(), w.clock.turn(fmt.Sprint("session ", n))...)
		if n == 12 { // a session that is longer than a value should be stays in one piece
			for range 10 {
				added = append(added, w.clock.turn("more")...)
			}
		}
		w.save([]stores.TrackerStore{s, other}[n%2], added...)
		want = append(want, added...)
		seen := w.inRasasKey()
		longest = max(longest, len(seen))
		requireEvents(t, maps(added), seen[len(seen)-len(added):])
		require.Equal(t, len(want), w.load(s).At.Count)
	}
	require.Less(t, longest, 100)
	require.Less(t, len(w.inRasasKey()), 40)
	requireEvents(t, maps(want), w.all(w.node()))
	n, err := w.node().Delete(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, len(want), n)
}

// TestRunningSessionIsSplit checks that Rasa nodes see slots and the active loop of what was moved, and parley nodes all.
func TestRunningSessionIsSplit(t *testing.T) {
	w := newWorld(t, "segments", "always", "segment_events", int64(40))
	s, other := w.node(), w.node()
	want := append(w.clock.session(), w.clock.turn("first")...)
	want = append(want,
		&tracker.ActionExecuted{Base: w.clock.base(), Name: "table_form", Policy: "RulePolicy", Confidence: 1},
		&tracker.ActiveLoop{Base: w.clock.base(), Name: "table_form"},
		&tracker.SlotSet{Base: w.clock.base(), Key: "wishes", Value: []any{"a", int64(1)}},
		&tracker.ActionExecuted{Base: w.clock.base(), Name: tracker.ActionListen})
	w.save(s, want...)
	for n := range 40 {
		added := w.clock.turn(fmt.Sprint("turn ", n))
		w.save([]stores.TrackerStore{s, other}[n%2], added...)
		want = append(want, added...)
		require.Equal(t, len(want), w.load(other).At.Count)
		require.LessOrEqual(t, len(w.inRasasKey()), 60)
	}
	pieces, err := w.raw.HGet(t.Context(), w.prefix+":parley:segments:{"+w.key()+"}", "segments").Int()
	require.NoError(t, err)
	require.LessOrEqual(t, pieces, len(want)/20, "a cut takes half of what a value may have")
	seen := w.inRasasKey()
	state := w.f.FromEvents("u", seen).State()
	require.Equal(t, "table_form", state.LoopName())
	require.Equal(t, `["a", 1]`, string(value.Encode(w.f.FromEvents("u", seen).Slot("wishes"), value.JSON)))
	require.Equal(t, "turn 39", w.f.FromEvents("u", seen).Slot("city"))
	for _, node := range []stores.TrackerStore{s, other, w.node()} {
		requireEvents(t, maps(want), w.load(node).Tracker.Events())
		requireEvents(t, maps(want), w.all(node))
	}

	// The next session ends what is repeated.
	for n := range 6 {
		added := append(w.clock.session(), w.clock.turn(fmt.Sprint("session ", n))...)
		w.save(w.node(), added...)
		want = append(want, added...)
		requireEvents(t, maps(added), w.load(w.node()).Tracker.Events())
	}
	require.NotContains(t, w.value(), "parley_summary")
	require.False(t, w.raw.HExists(t.Context(), w.prefix+":parley:segments:{"+w.key()+"}", "open").Val())
	requireEvents(t, maps(want), w.all(w.node()))
}

// TestLateRasaNode lets a Rasa node write what it had read before a value was cut: all of the value, and a turn.
func TestLateRasaNode(t *testing.T) {
	w := newWorld(t, "segment_events", int64(30))
	s := w.node()
	var want []tracker.Event
	add := func(events []tracker.Event) {
		w.save(s, events...)
		want = append(want, events...)
	}
	for n := range 3 {
		add(append(w.clock.session(), w.clock.turn(fmt.Sprint("session ", n))...))
	}
	read := w.value()
	add(append(w.clock.session(), w.clock.turn("cuts")...))
	require.Less(t, len(w.value()), len(read))

	late := append(w.clock.session(), w.clock.turn("late")...)
	lost := len(want) - 9 // the turn that Rasa overwrote
	want = append(want[:lost:lost], late...)
	text := string(value.Encode(maps(late), value.JSON))
	rewritten := strings.TrimSuffix(read, `], "name": "u"}`) + ", " + text[1:len(text)-1] + `], "name": "u"}`
	require.NoError(t, w.raw.Set(t.Context(), w.key(), rewritten, 0).Err())
	requireEvents(t, maps(late), w.load(s).Tracker.Events())
	requireEvents(t, maps(want), w.all(s))
	for n := range 6 {
		add(append(w.clock.session(), w.clock.turn(fmt.Sprint("again ", n))...))
		requireEvents(t, maps(want), w.all(w.node()))
	}
}

package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func missingConversation(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	for _, id := range []string{"nobody", "a/b", "Zoë"} {
		got, err := s.Load(t.Context(), f, id)
		require.NoError(t, err)
		require.Nil(t, got.Tracker)
		got, err = s.LoadAll(t.Context(), f, id)
		require.NoError(t, err)
		require.Nil(t, got.Tracker)
		n, err := s.Delete(t.Context(), id)
		require.NoError(t, err)
		require.Zero(t, n)
	}
}

// oddIDs are ids that file names, keys, queries and patterns have to cope with.
var oddIDs = []string{"default", "a/b", "Zoë 🍑", "tracker:1", "o'Neill\"%_*", "12345", "{x}", "a.b$c", strings.Repeat("long", 60)}

func roundTrip(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	for _, id := range oddIDs {
		var c clock
		want := f.FromEvents(id, session(&c, "hello "+id))
		begin(t, s, want)
		for _, node := range []stores.TrackerStore{s, open()} {
			got := load(t, node, f, id)
			require.Equal(t, id, got.SenderID)
			requireSameSession(t, want.Events(), got.Events())
			all, err := node.LoadAll(t.Context(), f, id)
			require.NoError(t, err)
			requireSameEvents(t, want.Events(), all.Tracker.Events())
		}
	}
}

// requireSameSession compares events but for an action_session_start, which some back ends do not count to its session.
func requireSameSession(t *testing.T, want, got []tracker.Event) {
	t.Helper()
	if len(got) == len(want)-1 {
		want = want[1:]
	}
	requireSameEvents(t, want, got)
}

func oddValues(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	odd := value.NewMap("a.b", int64(1), "$set", "x", "", "empty key", "big", int64(math.MaxInt64), "small", int64(math.MinInt64),
		"int32", int64(math.MaxInt32)+1, "float", 1e300, "whole", 2.0, "tiny", 5e-324, "nested", []any{[]any{}, &value.Map{}, nil, false},
		"text", "quote \" backslash \\ newline \n zero-width \u200b peach 🍑", "z", nil)
	var c clock
	events := append(session(&c, "odd"), &tracker.SlotSet{Base: c.base(), Key: "extras", Value: []any{odd}},
		&tracker.BotUttered{Base: c.base(), NoText: true, Data: value.NewMap("custom", odd)},
		&tracker.ReminderScheduled{Base: c.base(), Intent: "greet", DateTime: "2030-01-01T00:00:00", Name: "r"},
		&tracker.ActiveLoop{Base: c.base(), Name: "order_form"})
	begin(t, s, f.FromEvents("u", events))
	got := load(t, open(), f, "u")
	requireSameSession(t, events, got.Events())
	require.Equal(t, "order_form", got.State().LoopName())
}

func emptyConversation(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	begin(t, s, f.New("new"))
	got, err := s.Load(t.Context(), f, "new")
	require.NoError(t, err)
	if got.Tracker != nil { // some back ends do not tell an empty conversation from none
		require.Empty(t, got.Tracker.Events())
		require.Equal(t, tracker.ActionListen, got.Tracker.State().Followup)
	} else {
		got.Tracker = f.New("new")
	}
	var c clock
	want := session(&c, "hello")
	_, err = s.Save(t.Context(), next(got, want...))
	require.NoError(t, err)
	requireSameSession(t, want, load(t, open(), f, "new").Events())
}

func appending(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	var c clock
	want := session(&c, "hello")
	begin(t, s, f.FromEvents("u", want))
	for i := range 20 {
		added := []tracker.Event{said(&c, fmt.Sprint("turn ", i), "order"), executed(&c, "action_cook"), executed(&c, tracker.ActionListen)}
		goOn(t, s, f, "u", added...)
		want = append(want, added...)
	}
	requireSameSession(t, want, load(t, s, f, "u").Events())
	requireSameSession(t, want, load(t, open(), f, "u").Events())
}

func ownCopy(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	var c clock
	want := f.FromEvents("u", session(&c, "hello"))
	begin(t, s, want)
	first, second := load(t, s, f, "u"), load(t, s, f, "u")
	first.Update(&tracker.SlotSet{Base: c.base(), Key: "dish", Value: "first"})
	second.Update(&tracker.SlotSet{Base: c.base(), Key: "dish", Value: "second"})
	require.Equal(t, "first", first.Slot("dish"))
	requireSameEvents(t, first.Events()[len(first.Events())-1:], []tracker.Event{&tracker.SlotSet{
		Base: *first.Events()[len(first.Events())-1].Meta(), Key: "dish", Value: "first"}})
	requireSameSession(t, want.Events(), load(t, s, f, "u").Events())
}

func lastSession(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	var c clock
	old, latest := session(&c, "old"), session(&c, "new")
	begin(t, s, f.FromEvents("u", old))
	goOn(t, s, f, "u", latest...)
	more := executed(&c, "action_cook")
	want := slices.Clone(latest)
	for range 2 {
		for _, node := range []stores.TrackerStore{s, open()} {
			got := load(t, node, f, "u").Events()
			requireSameEvents(t, want[1:], got[len(got)-len(want)+1:])
			all, err := node.LoadAll(t.Context(), f, "u")
			require.NoError(t, err)
			events := all.Tracker.Events()
			requireSameEvents(t, want, events[len(events)-len(want):])
		}
		goOn(t, s, f, "u", more)
		want = append(want, more)
	}
}

// reloadedState checks that every node loads a conversation in one state: that of all events, or that of replaying what
// counts, in which a happy turn of a form is folded away and its message is not the latest. Rasa's stores differ in that.
func reloadedState(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	var c clock
	events := append(session(&c, "hello"),
		said(&c, "I want to order", "order"),
		executed(&c, "order_form"),
		&tracker.ActiveLoop{Base: c.base(), Name: "order_form"},
		&tracker.SlotSet{Base: c.base(), Key: "requested_slot", Value: "dish"},
		executed(&c, tracker.ActionListen),
		said(&c, "soup", "greet"),
		executed(&c, "order_form"),
		executed(&c, tracker.ActionListen),
	)
	live := f.FromEvents("u", events)
	require.Equal(t, "soup", live.State().LatestMessage.Text)
	begin(t, s, live)
	want := load(t, s, f, "u").State().LatestMessage.Text
	require.Contains(t, []string{"I want to order", "soup"}, want)
	for _, node := range []stores.TrackerStore{s, open()} {
		got := load(t, node, f, "u").State()
		require.Equal(t, want, got.LatestMessage.Text)
		require.Equal(t, "order_form", got.LoopName())
		require.Equal(t, tracker.ActionListen, got.LatestAction)
	}
}

func anotherDomain(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	var c clock
	want := f.FromEvents("u", session(&c, "hello"))
	begin(t, s, want)
	other := tracker.NewFactory(domain(t))
	got := load(t, s, other, "u")
	require.True(t, other.SameDomain(got))
	requireSameSession(t, want.Events(), got.Events())
}

func deleting(t *testing.T, open Place, f *tracker.Factory) {
	s, other := open(), open()
	var c clock
	begin(t, s, f.FromEvents("u", session(&c, "hello")))
	begin(t, s, f.FromEvents("v", session(&c, "hello")))
	goOn(t, other, f, "u", executed(&c, "action_cook"))
	stale := loadAt(t, s, f, "u")
	n, err := other.Delete(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, 11, n)
	for _, node := range []stores.TrackerStore{s, other} {
		got, err := node.LoadAll(t.Context(), f, "u")
		require.NoError(t, err)
		require.Nil(t, got.Tracker)
		load(t, node, f, "v")
	}
	_, err = s.Save(t.Context(), next(stale, executed(&c, "action_cook")))
	require.ErrorIs(t, err, stores.ErrConflict)
	want := session(&c, "again")
	begin(t, s, f.FromEvents("u", want))
	requireSameSession(t, want, load(t, other, f, "u").Events())
}

func replacing(t *testing.T, open Place, f *tracker.Factory) {
	s, other := open(), open()
	var c clock
	begin(t, s, f.FromEvents("u", session(&c, "hello")))
	load(t, other, f, "u")
	stale := loadAt(t, other, f, "u")
	want := session(&c, "instead")
	_, err := s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", want), At: loadAt(t, s, f, "u").At, Replace: true})
	require.NoError(t, err)
	_, err = other.Save(t.Context(), next(stale, executed(&c, "action_cook")))
	require.ErrorIs(t, err, stores.ErrConflict)
	for _, node := range []stores.TrackerStore{s, other, open()} {
		all, err := node.LoadAll(t.Context(), f, "u")
		require.NoError(t, err)
		requireSameEvents(t, want, all.Tracker.Events())
	}
	goOn(t, other, f, "u", executed(&c, "action_cook"))
	require.Len(t, load(t, s, f, "u").Events(), len(load(t, other, f, "u").Events()))
}

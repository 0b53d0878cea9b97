package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// deliver stores a turn whose events are to be delivered.
func deliver(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id, commit string, events ...tracker.Event) stores.Conversation {
	t.Helper()
	conv, err := s.Load(t.Context(), f, id)
	require.NoError(t, err)
	if conv.Tracker == nil {
		conv.Tracker = f.New(id)
	}
	turn := next(conv, events...)
	turn.ID, turn.Deliver = commit, true
	_, err = s.Save(t.Context(), turn)
	require.NoError(t, err)
	return conv
}

func outbox(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	box, ok := s.(stores.Outbox)
	if !ok {
		return
	}
	var c clock
	first := session(&c, "hello")
	deliver(t, s, f, "u", "c1", first...)
	second := []tracker.Event{said(&c, "more", "order"), executed(&c, tracker.ActionListen)}
	seen := deliver(t, s, f, "u", "c2", second...)
	require.Equal(t, []string{"c1"}, seen.Unsettled)
	goOn(t, s, f, "u", executed(&c, "action_cook")) // nothing to deliver
	deliver(t, s, f, "v", "c1", session(&c, "v")...)

	got, err := box.UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	requireCommits(t, got, "c1", first, "c2", second)
	all, err := box.Unsettled(t.Context(), time.Now().Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, all, 3)
	none, err := box.Unsettled(t.Context(), time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, none)
	one, err := box.Unsettled(t.Context(), time.Now().Add(time.Minute), 1)
	require.NoError(t, err)
	require.NotEmpty(t, one)

	require.NoError(t, box.Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c1"}, {SenderID: "v", ID: "c1"}, {SenderID: "w", ID: "x"}}))
	require.NoError(t, box.Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c1"}}))
	got, err = box.UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	requireCommits(t, got, "c2", second)
	require.Equal(t, []string{"c2"}, loadAt(t, s, f, "u").Unsettled)
	require.Empty(t, loadAt(t, s, f, "v").Unsettled)

	_, err = s.Delete(t.Context(), "u")
	require.NoError(t, err)
	all, err = box.Unsettled(t.Context(), time.Now().Add(time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, all)
}

// requireCommits compares commits with pairs of an id and the events.
func requireCommits(t *testing.T, got []stores.Commit, want ...any) {
	t.Helper()
	require.Len(t, got, len(want)/2)
	for i, c := range got {
		require.Equal(t, want[2*i], c.ID)
		requireSameEvents(t, want[2*i+1].([]tracker.Event), c.Events)
		require.WithinDuration(t, time.Now(), c.Time, time.Minute)
	}
}

// outboxOfNodes checks that nodes see each other's commits, also when others write without noting theirs in between.
func outboxOfNodes(t *testing.T, open Place, f *tracker.Factory) {
	nodes := []stores.TrackerStore{open(), open()}
	if _, ok := nodes[0].(stores.Outbox); !ok {
		return
	}
	var c clock
	begin(t, nodes[0], f.FromEvents("u", session(&c, "hello")))
	var want []any
	for i := range 6 {
		events := []tracker.Event{said(&c, fmt.Sprint("turn ", i), "order"), executed(&c, tracker.ActionListen)}
		id := fmt.Sprint("c", i)
		deliver(t, nodes[i%2], f, "u", id, events...)
		goOn(t, nodes[(i+1)%2], f, "u", executed(&c, "action_cook"))
		want = append(want, id, events)
	}
	got, err := open().(stores.Outbox).UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	requireCommits(t, got, want...)
	require.Len(t, loadAt(t, nodes[0], f, "u").Unsettled, 6)
	require.NoError(t, nodes[1].(stores.Outbox).Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c3"}, {SenderID: "u", ID: "c0"}}))
	require.Equal(t, []string{"c1", "c2", "c4", "c5"}, loadAt(t, nodes[0], f, "u").Unsettled)
}

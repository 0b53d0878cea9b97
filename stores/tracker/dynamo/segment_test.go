package dynamo

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

func (c *conversation) all() []tracker.Event {
	c.t.Helper()
	tail, err := c.l.Read(c.t.Context(), c.id, stores.Position{}, true)
	require.NoError(c.t, err)
	return tail.Events
}

// A turn of several megabytes, as an import makes one, is cut into as many segments as it takes; replacing it removes them.
func TestLongConversation(t *testing.T) {
	l := openLog(t, 0)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	events := c.session()
	for len(events) < 4000 {
		events = append(events, c.says("soup, please")...)
	}
	c.turn(events...)
	require.Greater(t, len(segments(t, l, "u")), 1)
	require.Equal(t, sorted(maps(events)), sorted(maps(c.all())))
	tail, err := l.Read(t.Context(), "u", stores.Position{}, false)
	require.NoError(t, err)
	require.Len(t, tail.Events, len(events), "it is one session")

	few := c.says("instead")
	_, err = l.Append(t.Context(), stores.Turn{Tracker: c.f.FromEvents("u", few), At: tail.At, Replace: true})
	require.NoError(t, err)
	require.Empty(t, segments(t, l, "u"))
	require.Equal(t, sorted(maps(few)), sorted(maps(c.all())))
}

// Without a segment there is no conversation, rather than one with a hole.
func TestMissingSegment(t *testing.T) {
	l := openLog(t, 3000)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	for range 4 {
		c.turn(c.says("soup, please")...)
	}
	require.NoError(t, l.removeSegments(t.Context(), "u", nil))
	_, err := l.Read(t.Context(), "u", stores.Position{}, true)
	require.ErrorContains(t, err, "is not there")
}

// An item that a node of Rasa wrote from what it had read before another cut it is complete.
func TestStaleItemOfRasa(t *testing.T) {
	l := openLog(t, 5000)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	var before document
	var known int
	for len(segments(t, l, "u")) < 2 {
		before, known = rawItem(t, l, "u"), len(c.events)
		c.turn(c.says("soup, please")...)
	}
	delete(before, fieldGeneration)
	put(t, l.client, l.table, before)
	require.Equal(t, sorted(maps(c.events[:known])), sorted(maps(c.all())))
	c.events = c.events[:known]
	for range 5 {
		c.turn(c.says("cake, please")...)
	}
	require.Equal(t, sorted(maps(c.events)), sorted(maps(c.all())))
}

// Nodes that cut the same conversation at once do not get in each other's way.
func TestRacingCuts(t *testing.T) {
	l := openLog(t, 4000)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	c.turn(c.session()...)
	var done sync.WaitGroup
	const writers, turns = 3, 8
	for w := range writers {
		done.Go(func() {
			for n := 0; n < turns; {
				tail, err := l.Read(t.Context(), "u", stores.Position{}, false)
				if err != nil {
					t.Error(err)
					return
				}
				own := &conversation{clock: 1_796_000_000 + float64(w*1000+n*10)}
				tr := c.f.FromEvents("u", append(tail.Events, own.says(fmt.Sprintf("%d/%d!", w, n))...))
				_, err = l.Append(t.Context(), stores.Turn{Tracker: tr, Known: len(tail.Events), At: tail.At})
				if err == nil {
					n++
				} else if !isConflict(err) {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	seen := map[string]int{}
	for _, e := range c.all() {
		if u, ok := e.(*tracker.UserUttered); ok {
			seen[u.Text]++
		}
	}
	require.Len(t, seen, writers*turns)
	for message, n := range seen {
		require.Equal(t, 1, n, message)
	}
}

func isConflict(err error) bool { return strings.Contains(err.Error(), stores.ErrConflict.Error()) }

// An event that is larger than items may be is refused with an error that does not ask to try again.
func TestTooLargeEvent(t *testing.T) {
	l := openLog(t, 0)
	f := factory(t)
	_, err := l.Append(t.Context(), stores.Turn{Tracker: f.FromEvents("u", []tracker.Event{
		&tracker.SlotSet{Base: tracker.Base{Timestamp: 1}, Key: "dish", Value: strings.Repeat("x", 500_000)}})})
	require.Error(t, err)
	require.NotErrorIs(t, err, stores.ErrUnavailable)
	require.NotErrorIs(t, err, stores.ErrConflict)
}

// A position that was kept without its token is found again by its count.
func TestPositionWithoutToken(t *testing.T) {
	l := openLog(t, 3000)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	for range 4 {
		c.turn(c.says("soup, please")...)
	}
	tr := c.f.FromEvents("u", c.events)
	added := c.says("more")
	tr.UpdateAll(added)
	turn := stores.Turn{Tracker: tr, Known: len(c.events), At: stores.Position{Count: len(c.events)}}
	_, err := l.Append(t.Context(), turn)
	require.NoError(t, err)
	_, err = l.Append(t.Context(), turn)
	require.ErrorIs(t, err, stores.ErrConflict)
	require.Equal(t, sorted(maps(append(c.events, added...))), sorted(maps(c.all())))
}

// Of many commits that are not delivered the later ones are noted without their events, which are read from the
// conversation then.
func TestManyCommits(t *testing.T) {
	l := openLog(t, 4000)
	l.copyLimit = 3000
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	var want [][]tracker.Event
	for i := range 12 {
		tail, err := l.Read(t.Context(), "u", stores.Position{}, false)
		require.NoError(t, err)
		added := c.says(fmt.Sprint("turn ", i))
		_, err = l.Append(t.Context(), stores.Turn{Tracker: c.f.FromEvents("u", append(tail.Events, added...)), Known: len(tail.Events), At: tail.At,
			ID: fmt.Sprint(i), Deliver: true})
		require.NoError(t, err)
		want = append(want, added)
	}
	box, err := l.box(t.Context(), "u")
	require.NoError(t, err)
	require.Nil(t, mapOf(box.notes[11])[noteEvents])
	for range 2 {
		list, err := l.UnsettledOf(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, list, len(want))
		for i, commit := range list {
			require.Equal(t, sorted(maps(want[i])), sorted(maps(commit.Events)))
		}
		all, err := l.Unsettled(t.Context(), time.Now().Add(time.Hour), 5)
		require.NoError(t, err)
		require.Len(t, all, 5)
		require.NoError(t, l.Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: list[0].ID}, {SenderID: "u", ID: list[5].ID}}))
		want = append(want[1:5:5], want[6:]...)
	}
	tail, err := l.Read(t.Context(), "u", stores.Position{}, false)
	require.NoError(t, err)
	_, err = l.Append(t.Context(), stores.Turn{Tracker: c.f.FromEvents("u", c.says("instead")), At: tail.At, Replace: true})
	require.ErrorIs(t, err, stores.ErrUnavailable)
}

// A turn whose events do not fit into a note is noted, too.
func TestLongTurnIsNoted(t *testing.T) {
	l := openLog(t, 0)
	l.copyLimit = 1000
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	events := c.session()
	for len(events) < 2000 {
		events = append(events, c.says("soup, please")...)
	}
	_, err := l.Append(t.Context(), stores.Turn{Tracker: c.f.FromEvents("u", events), ID: "a", Deliver: true})
	require.NoError(t, err)
	list, err := l.UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, sorted(maps(events)), sorted(maps(list[0].Events)))
}

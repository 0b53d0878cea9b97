package sql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestStore(t *testing.T) {
	for name, make := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Trackers(t, func(t *testing.T) storetest.Place {
				p := make(t)
				return func() stores.TrackerStore {
					s, err := stores.Trackers.Build(p.config())
					require.NoError(t, err)
					return s
				}
			})
		})
	}
}

// executed returns an event at a time.
func executed(at float64, name string) tracker.Event {
	return &tracker.ActionExecuted{Base: tracker.Base{Timestamp: at}, Name: name, Policy: "RulePolicy", Confidence: 1}
}

// add adds events to a conversation.
func add(ctx context.Context, s stores.TrackerStore, f *tracker.Factory, id, commit string, events ...tracker.Event) error {
	conv, err := s.Load(ctx, f, id)
	if err != nil {
		return err
	}
	if conv.Tracker == nil {
		conv.Tracker = f.New(id)
	}
	turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At, ID: commit, Deliver: commit != ""}
	conv.Tracker.UpdateAll(events)
	_, err = s.Save(ctx, turn)
	return err
}

func names(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string) []string {
	t.Helper()
	conv, err := s.Load(t.Context(), f, id)
	require.NoError(t, err)
	list := []string{}
	if conv.Tracker == nil {
		return list
	}
	for _, e := range conv.Tracker.Events() {
		list = append(list, e.(*tracker.ActionExecuted).Name)
	}
	return list
}

// TestLostUpdates lets many writers on two nodes race for few conversations. No lock is there: each turn is refused until
// it is the next one.
func TestLostUpdates(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		const writers, conversations, turns = 24, 3, 8
		f, nodes := factory(t), []stores.TrackerStore{p.open(t), p.open(t)}
		var done sync.WaitGroup
		for w := range writers {
			done.Go(func() {
				id := fmt.Sprint("user ", w%conversations)
				for n := range turns {
					for {
						err := add(t.Context(), nodes[w%2], f, id, "", executed(1, fmt.Sprintf("%d/%d", w, n)), executed(1, fmt.Sprintf("%d/%d end", w, n)))
						if err == nil {
							break
						}
						if !errors.Is(err, stores.ErrConflict) {
							t.Errorf("writer %d: %v", w, err)
							return
						}
					}
				}
			})
		}
		done.Wait()
		for c := range conversations {
			list := names(t, p.open(t), f, fmt.Sprint("user ", c))
			require.Len(t, list, writers/conversations*turns*2)
			next := map[string]int{}
			for i := 0; i < len(list); i += 2 {
				var w, n int
				_, err := fmt.Sscanf(list[i], "%d/%d", &w, &n)
				require.NoError(t, err)
				require.Equal(t, list[i]+" end", list[i+1], "the rows of a turn are not torn apart")
				require.Equal(t, next[fmt.Sprint(w)], n)
				next[fmt.Sprint(w)]++
			}
		}
	})
}

// TestLateRows lets a transaction of a Rasa node end late: its rows have ids before rows that were written meanwhile. The
// next reader sees them although it knows later ones.
func TestLateRows(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		f, s, e := factory(t), p.open(t), p.raw(t)
		require.NoError(t, add(t.Context(), s, f, "u", "", executed(1, "one")))
		require.NoError(t, add(t.Context(), s, f, "v", "", executed(1, "other"))) // takes the id of the late row
		require.NoError(t, add(t.Context(), s, f, "u", "", executed(2, "two")))
		execute(t, e, "UPDATE events SET sender_id = 'u' WHERE sender_id = 'v'")
		require.Equal(t, []string{"one", "other", "two"}, names(t, s, f, "u"))
		require.NoError(t, add(t.Context(), s, f, "u", "", executed(3, "three")))
		require.Equal(t, []string{"one", "other", "two", "three"}, names(t, p.open(t), f, "u"))
	})
}

// TestNotesOfReplacedConversations checks that what is to be delivered outlives the rows.
func TestNotesOfReplacedConversations(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		f, s := factory(t), p.open(t)
		first := []tracker.Event{executed(1, "one"), executed(2, "tw,o\"\\"), executed(3, "three")}
		require.NoError(t, add(t.Context(), s, f, "u", "c1", first...))
		require.NoError(t, add(t.Context(), s, f, "other", "c1", executed(1, "x")))
		conv, err := s.Load(t.Context(), f, "u")
		require.NoError(t, err)
		instead := []tracker.Event{executed(4, "instead")}
		_, err = s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", instead), At: conv.At, Replace: true, ID: "c2", Deliver: true})
		require.NoError(t, err)
		list, err := s.(stores.Outbox).Unsettled(t.Context(), time.Now().Add(time.Minute), 10)
		require.NoError(t, err)
		require.Len(t, list, 3)
		of, err := s.(stores.Outbox).UnsettledOf(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, of, 2)
		for i, want := range [][]tracker.Event{first, instead} {
			require.Equal(t, fmt.Sprint("c", i+1), of[i].ID)
			require.Equal(t, maps(want), maps(of[i].Events))
		}
		// The conversation is emptied.
		conv, err = s.Load(t.Context(), f, "u")
		require.NoError(t, err)
		_, err = s.Save(t.Context(), stores.Turn{Tracker: f.New("u"), At: conv.At, Replace: true})
		require.NoError(t, err)
		require.Empty(t, names(t, s, f, "u"))
		of, err = s.(stores.Outbox).UnsettledOf(t.Context(), "u")
		require.NoError(t, err)
		require.Equal(t, maps(instead), maps(of[1].Events))
	})
}

func maps(events []tracker.Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, string(rowOf(e).data))
	}
	return list
}

// TestOwnTables checks that a database is Rasa's alone until notes and timers are needed.
func TestOwnTables(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		f, s, e := factory(t), p.open(t), p.raw(t)
		there := func() (list []bool) {
			for _, name := range []string{outboxTable, timersTable} {
				found, look := dialects[p.dialect].tableExists(name)
				require.NoError(t, e.read(t.Context(), []*statement{look}))
				list = append(list, *found)
			}
			return list
		}
		require.NoError(t, add(t.Context(), s, f, "u", "", executed(1, "one")))
		_, err := s.(stores.Outbox).UnsettledOf(t.Context(), "u")
		require.NoError(t, err)
		require.NoError(t, s.(stores.Outbox).Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c"}}))
		timers := s.(stores.TimerStore).Timers()
		_, err = timers.Claim(t.Context(), time.Now(), time.Second, 1)
		require.NoError(t, err)
		_, err = s.Delete(t.Context(), "v")
		require.NoError(t, err)
		require.Equal(t, []bool{false, false}, there())
		require.NoError(t, add(t.Context(), s, f, "u", "c1", executed(2, "two")))
		require.Equal(t, []bool{true, false}, there())
		require.NoError(t, timers.Set(t.Context(), stores.Timer{SenderID: "u", Name: "n", ID: "i", Due: time.Now()}))
		require.Equal(t, []bool{true, true}, there())
	})
}

var dialects = map[string]*dialect{"sqlite": sqliteDialect, "postgresql": postgresDialect, "mysql": mysqlDialect}

// TestPushedDown checks that queries leave out what they can, in the database.
func TestPushedDown(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		f, s := factory(t), p.open(t)
		said := func(at float64, text, channel, intent string) tracker.Event {
			u := tracker.NewExternal(intent, nil, channel)
			u.Timestamp, u.Text = at, text
			return u
		}
		require.NoError(t, add(t.Context(), s, f, "a", "", said(1_700_000_000, "50% Käse_x! K", "rest", "greet")))
		require.NoError(t, add(t.Context(), s, f, "b", "", said(1_700_010_000, "Brot", "slack", "order")))
		for name, c := range map[string]struct {
			q    stores.Query
			want []string
		}{
			"text":           {stores.Query{Text: "0% k"}, []string{"a"}},
			"text, case":     {stores.Query{Text: "bROT"}, []string{"b"}},
			"text, umlaut":   {stores.Query{Text: "KÄSE_X!"}, []string{"a"}},
			"kelvin":         {stores.Query{Text: "! k"}, []string{"a"}},
			"no such text":   {stores.Query{Text: "0%%"}, nil},
			"channel":        {stores.Query{Channel: "slack"}, []string{"b"}},
			"intent":         {stores.Query{Intent: "greet"}, []string{"a"}},
			"since":          {stores.Query{Since: time.Unix(1_700_005_000, 0)}, []string{"b"}},
			"until":          {stores.Query{Until: time.Unix(1_700_005_000, 0)}, []string{"a"}},
			"at that moment": {stores.Query{Since: time.Unix(1_700_010_000, 0), Until: time.Unix(1_700_010_000, 0)}, []string{"b"}},
			"two":            {stores.Query{Intent: "greet", Channel: "slack"}, nil},
		} {
			got, err := s.IDs(t.Context(), c.q, "", 0)
			require.NoError(t, err, name)
			require.ElementsMatch(t, c.want, got, name)
		}
	})
}

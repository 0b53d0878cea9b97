package mongo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/tracker/mongo"
)

// list is what a document holds.
func list(t *testing.T, document bson.Raw) []bson.Raw {
	t.Helper()
	values, err := document.Lookup("events").Array().Values()
	require.NoError(t, err)
	out := make([]bson.Raw, len(values))
	for i, v := range values {
		out[i] = v.Document()
	}
	return out
}

func name(event bson.Raw) string { return event.Lookup("event").StringValue() }

// conversation is one of 5 sessions, the last of which is long.
func conversation(t *testing.T, s stores.TrackerStore, f *tracker.Factory) (all, last []string) {
	t.Helper()
	at := 1000.0
	for i := range 5 {
		save(t, s, f, "u", nil, started(at)...)
		last = numbers(fmt.Sprint("session ", i), 4)
		if i == 4 {
			last = numbers("long", 40)
		}
		for _, text := range last {
			at += 100
			turn(t, s, f, "u", text, at)
		}
		all = append(all, last...)
	}
	return all, last
}

func TestSegments(t *testing.T) {
	const limit = 40
	f := factory(t, "testdata/domain.yml")
	for mode, most := range map[string]int{mongo.SegmentOff: 315, mongo.SegmentSessions: 205, mongo.SegmentAlways: limit + 5} {
		t.Run(mode, func(t *testing.T) {
			cfg := config(t)
			cfg.Segments, cfg.SegmentEvents = mode, limit
			warm := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
			all, last := conversation(t, warm, f)
			cold := closing(t, eventlog.New(open(t, cfg), eventlog.Config{CacheEvents: -1}))
			for _, s := range []stores.TrackerStore{warm, cold} {
				require.Equal(t, last, texts(load(t, s, f, "u")))
				whole, err := s.LoadAll(t.Context(), f, "u")
				require.NoError(t, err)
				require.Equal(t, all, texts(whole.Tracker))
				require.Equal(t, 5*3+len(all)*5, whole.At.Count)
				require.Len(t, whole.Tracker.Events(), whole.At.Count)
			}
			document := stored(t, database(t, cfg), "u")
			require.LessOrEqual(t, len(list(t, document)), most)
			if mode == mongo.SegmentOff {
				require.Equal(t, bson.Type(0), document.Lookup("_parley").Type)
			}
			n, err := cold.Delete(t.Context(), "u")
			require.NoError(t, err)
			require.Equal(t, 5*3+len(all)*5, n)
			left, err := database(t, cfg).Collection("conversations_segments").CountDocuments(t.Context(), bson.D{})
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}

// TestSummary checks what a document shows to Rasa of a session whose beginning was moved.
func TestSummary(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	cfg.Segments, cfg.SegmentEvents = mongo.SegmentAlways, 20
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	save(t, s, f, "u", nil, append(started(1000), &tracker.SlotSet{Base: tracker.Base{Timestamp: 1001}, Key: "wishes", Value: []any{"quiet"}},
		&tracker.ActiveLoop{Base: tracker.Base{Timestamp: 1002}, Name: "table_form"})...)
	for i, text := range numbers("turn", 10) {
		turn(t, s, f, "u", text, float64(1100+i*100))
	}
	document := stored(t, database(t, cfg), "u")
	events := list(t, document)
	skip := int(document.Lookup("_parley", "skip").AsInt64())
	require.Equal(t, 4, skip)
	names := make([]string, 0, len(events))
	for _, e := range events[:skip+2] {
		names = append(names, name(e))
	}
	require.Equal(t, []string{"session_started", "slot", "slot", "active_loop", "action", "user"}, names)
	var seen []tracker.Event // as Rasa reads it
	for _, e := range events {
		m, err := tracker.EventFromMap(decoded(t, e))
		require.NoError(t, err)
		seen = append(seen, m)
	}
	whole, shown := load(t, s, f, "u"), f.FromEvents("u", seen).Reload()
	require.Equal(t, asJSON(t, whole.CurrentState(tracker.EventsNone)), asJSON(t, shown.CurrentState(tracker.EventsNone)))

	save(t, s, f, "u", nil, started(9000)...)
	for i, text := range numbers("new session", 3) {
		turn(t, s, f, "u", text, float64(9100+i*100))
	}
	document = stored(t, database(t, cfg), "u")
	require.Equal(t, bson.Type(0), document.Lookup("_parley", "skip").Type)
	require.Len(t, list(t, document), 18)
}

// TestNearlyFull cuts inside a session though only ended ones are to be moved.
func TestNearlyFull(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	l := open(t, cfg)
	l.SetBytesLimit(20000)
	s := closing(t, eventlog.New(l, eventlog.Config{}))
	save(t, s, f, "u", nil, started(1000)...)
	want := numbers(strings.Repeat("long ", 100), 60)
	for i, text := range want {
		turn(t, s, f, "u", text, float64(1100+i*100))
		require.Less(t, len(stored(t, database(t, cfg), "u").Lookup("events").Value), 22000)
	}
	require.Equal(t, want, texts(load(t, s, f, "u")))
	cold := closing(t, eventlog.New(open(t, cfg), eventlog.Config{CacheEvents: -1}))
	require.Equal(t, want, texts(load(t, cold, f, "u")))
}

// TestLongImport stores a conversation at once that is longer than a document may be, in the place of another one.
func TestLongImport(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	cfg.SegmentEvents = 50
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	var events []tracker.Event
	want := numbers("said", 60)
	for i, text := range want {
		if i%20 == 0 {
			events = append(events, started(float64(1000+i*100))...)
		}
		events = append(events, said(text, float64(1010+i*100))...)
	}
	for range 2 {
		at := stores.Position{}
		if conv, err := s.Load(t.Context(), f, "u"); err == nil {
			at = conv.At
		}
		_, err := s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", events), At: at, Replace: true})
		require.NoError(t, err)
		cold := closing(t, eventlog.New(open(t, cfg), eventlog.Config{CacheEvents: -1}))
		require.Equal(t, want[40:], texts(load(t, cold, f, "u")))
		all, err := cold.LoadAll(t.Context(), f, "u")
		require.NoError(t, err)
		require.Equal(t, want, texts(all.Tracker))
		require.Equal(t, len(events), all.At.Count)
		segments, err := database(t, cfg).Collection("conversations_segments").CountDocuments(t.Context(), bson.D{})
		require.NoError(t, err)
		require.Equal(t, int64(5), segments)
	}
}

// TestUnsettledInSegments delivers what was moved out of the document meanwhile.
func TestUnsettledInSegments(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	cfg.Segments, cfg.SegmentEvents = mongo.SegmentAlways, 20
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	var ids []string
	for i, text := range numbers("turn", 30) {
		ids = append(ids, fmt.Sprint("c", i))
		save(t, s, f, "u", func(turn *stores.Turn) { turn.ID, turn.Deliver = ids[i], true }, said(text, float64(1000+i*100))...)
	}
	got, err := s.UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, got, len(ids))
	var done []stores.CommitRef
	for i, c := range got {
		require.Equal(t, ids[i], c.ID)
		require.Len(t, c.Events, 5)
		require.Equal(t, fmt.Sprint("turn ", i), c.Events[0].(*tracker.UserUttered).Text)
		done = append(done, stores.CommitRef{SenderID: "u", ID: c.ID})
	}
	// What a replaced conversation had to deliver is still delivered.
	conv, err := s.Load(t.Context(), f, "u")
	require.NoError(t, err)
	_, err = s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", said("new", 9000)), At: conv.At, Replace: true, ID: "r", Deliver: true})
	require.NoError(t, err)
	again, err := s.UnsettledOf(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, again, len(ids)+1)
	for i := range got {
		require.Equal(t, asJSON(t, got[i].Events), asJSON(t, again[i].Events))
	}
	require.Equal(t, asJSON(t, said("new", 9000)), asJSON(t, again[len(ids)].Events))
	require.NoError(t, s.Settle(t.Context(), append(done, stores.CommitRef{SenderID: "u", ID: "r"})))
	require.Equal(t, bson.Type(0), stored(t, database(t, cfg), "u").Lookup("_parley", "commits").Type)
}

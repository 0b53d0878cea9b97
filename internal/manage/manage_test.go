package manage_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	locks "github.com/parleybot/parley/stores/lock/memory"
	timers "github.com/parleybot/parley/stores/timer/memory"
	_ "github.com/parleybot/parley/stores/tracker/memory"
	_ "github.com/parleybot/parley/stores/tracker/sqlite"
)

const testDomain = `version: "3.1"
intents: [greet, order]
slots:
  dish: {type: text, mappings: [{type: custom}]}
`

func factory(t *testing.T) *tracker.Factory {
	t.Helper()
	d, problems := project.ParseDomain([]byte(testDomain), "domain.yml")
	require.NoError(t, problems.Err())
	return tracker.NewFactory(d)
}

// eachStore runs a test on the stores that need no server.
func eachStore(t *testing.T, test func(t *testing.T, open func() stores.TrackerStore)) {
	for name, options := range map[string]func(t *testing.T) *value.Map{
		"in_memory": func(*testing.T) *value.Map { return nil },
		"sqlite":    func(t *testing.T) *value.Map { return value.NewMap("path", filepath.Join(t.TempDir(), "c.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func() stores.TrackerStore {
				s, err := stores.Trackers.Build(component.Config{Name: name, Options: options(t)})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, s.Close()) })
				return s
			})
		})
	}
}

func at(seconds float64) tracker.Base { return tracker.Base{Timestamp: seconds} }

func user(seconds float64, text, intent, channel string) tracker.Event {
	return &tracker.UserUttered{Base: at(seconds), Text: text, InputChannel: channel,
		Intent: value.NewMap("name", intent, "confidence", 1.0), MessageID: "m",
		ParseData: value.NewMap("intent", value.NewMap("name", intent, "confidence", 1.0), "entities", []any{}, "text", text, "message_id", "m", "metadata", &value.Map{})}
}

func save(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string, events ...tracker.Event) {
	t.Helper()
	c, err := s.LoadAll(t.Context(), f, id)
	require.NoError(t, err)
	if c.Tracker == nil {
		c.Tracker = f.New(id)
	}
	known := len(c.Tracker.Events())
	c.Tracker.UpdateAll(events)
	_, err = s.Save(t.Context(), stores.Turn{Tracker: c.Tracker, Known: known, At: c.At, ID: id + "-turn"})
	require.NoError(t, err)
}

// fill stores three conversations, one of them with an odd id.
func fill(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	t.Helper()
	save(t, s, f, "ann", &tracker.ActionExecuted{Base: at(1000), Name: "action_session_start"}, &tracker.SessionStarted{Base: at(1000)},
		user(1001, "Good morning", "greet", "rest"), &tracker.BotUttered{Base: at(1002), Text: "Hello"})
	save(t, s, f, "bob/2 ?", user(2001, "soup", "order", "rest"), user(2002, "now", "order", "slack"),
		&tracker.SlotSet{Base: at(2003), Key: "dish", Value: "soup"}, &tracker.ActiveLoop{Base: at(2004), Name: "order_form"})
	save(t, s, f, "Zoë\n", user(3001, "soup?", "order", "slack"), &tracker.SlotSet{Base: at(3002), Key: "dish", Value: nil})
}

func TestList(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s, f := open(), factory(t)
		fill(t, s, f)
		m := manage.New(manage.Config{Store: s, Factory: func() *tracker.Factory { return f }})
		soup := "soup"
		for name, c := range map[string]struct {
			q    stores.Query
			want string
		}{
			"all":     {stores.Query{}, "Zoë\n,ann,bob/2 ?"},
			"since":   {stores.Query{Since: time.Unix(2004, 0)}, "Zoë\n,bob/2 ?"},
			"until":   {stores.Query{Until: time.Unix(2004, 0)}, "ann,bob/2 ?"},
			"channel": {stores.Query{Channel: "rest"}, "ann,bob/2 ?"},
			"intent":  {stores.Query{Intent: "greet"}, "ann"},
			"slot":    {stores.Query{Slot: "dish"}, "bob/2 ?"},
			"value":   {stores.Query{Slot: "dish", SlotValue: &soup}, "bob/2 ?"},
			"text":    {stores.Query{Text: "SOUP"}, "Zoë\n,bob/2 ?"},
			"nothing": {stores.Query{Text: "salad"}, ""},
		} {
			for _, limit := range []int{1, 2, 50} {
				var ids []string
				for after, more := "", true; more; {
					page, err := m.List(t.Context(), c.q, after, limit)
					require.NoError(t, err)
					require.LessOrEqual(t, len(page.Conversations), limit)
					for _, s := range page.Conversations {
						ids = append(ids, s.SenderID)
					}
					after, more = page.Next, page.Next != ""
				}
				require.Equal(t, c.want, strings.Join(ids, ","), name)
			}
		}
		page, err := m.List(t.Context(), stores.Query{}, "ann", 1)
		require.NoError(t, err)
		require.Equal(t, `{"sender_id":"bob/2 ?","events":4,"user_messages":2,"bot_messages":0,"first_event_time":2001.0,`+
			`"last_event_time":2004.0,"channels":["rest","slack"],"last_intent":"order","active_loop":"order_form"}`,
			string(value.Encode(page.Conversations[0].JSON(), value.Compact)))
		bare := manage.New(manage.Config{Store: s})
		page, err = bare.List(t.Context(), stores.Query{Slot: "dish", SlotValue: &soup}, "", 10)
		require.NoError(t, err)
		require.Len(t, page.Conversations, 1, "slots are found without a model")
	})
}

// inbox has a message of everybody.
type inbox struct {
	stores.Inbox
	deleted map[string]bool
}

func (i *inbox) Delete(_ context.Context, senderID string) (int, error) {
	if i.deleted[senderID] {
		return 0, nil
	}
	i.deleted[senderID] = true
	return 1, nil
}

func TestDelete(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s, f, kept := open(), factory(t), timers.New()
		fill(t, s, f)
		set := func(id, name string) {
			require.NoError(t, kept.Set(t.Context(), stores.Timer{SenderID: id, Name: name, ID: id + name, Due: time.Now().Add(time.Hour)}))
		}
		set("bob/2 ?", "a")
		set("bob/2 ?", "b")
		set("ann", "a")
		before, err := s.LoadAll(t.Context(), f, "bob/2 ?")
		require.NoError(t, err)
		var told []string
		held := locks.New()
		m := manage.New(manage.Config{
			Store: s, Timers: kept, Locks: held, Inbox: &inbox{deleted: map[string]bool{}}, LockTimeout: 50 * time.Millisecond,
			Forget: func(_ context.Context, id string) error { told = append(told, id); return nil },
		})

		unlock, err := held.Lock(t.Context(), "bob/2 ?")
		require.NoError(t, err)
		p := m.Delete(t.Context(), "bob/2 ?")
		require.ErrorIs(t, p.Err(), stores.ErrLockNotAcquired, "a turn runs")
		require.False(t, p.Verified)
		require.Zero(t, p.Removed.Len())
		unlock()

		p = m.Delete(t.Context(), "bob/2 ?")
		require.NoError(t, p.Err())
		require.True(t, p.Verified)
		require.Equal(t, []string{"bob/2 ?"}, told)
		require.Equal(t, manage.Hash(before.Tracker.Events()), p.SHA256)
		require.Equal(t, `{"tracker_store":4,"event_broker":{"told":true},"timers":2,"inbox":1,"lock_store":1}`,
			string(value.Encode(p.Removed, value.Compact)))
		require.Zero(t, p.Left.Len())
		ids, err := s.IDs(t.Context(), stores.Query{}, "", 0)
		require.NoError(t, err)
		require.Equal(t, []string{"Zoë\n", "ann"}, ids)
		list, err := kept.List(t.Context(), "ann")
		require.NoError(t, err)
		require.Len(t, list, 1, "others keep theirs")

		p = m.Delete(t.Context(), "bob/2 ?")
		require.NoError(t, p.Err())
		require.True(t, p.Verified, "deleting again")
		require.Zero(t, p.Events)
		unlock, err = held.Lock(t.Context(), "bob/2 ?")
		require.NoError(t, err, "the lock is free")
		unlock()
	})
}

// broken is a store of which some parts fail.
type broken struct {
	stores.TrackerStore
	load, remove error
	keeps        bool
}

func (b *broken) LoadAll(ctx context.Context, f *tracker.Factory, id string) (stores.Conversation, error) {
	if b.load != nil {
		return stores.Conversation{}, b.load
	}
	return b.TrackerStore.LoadAll(ctx, f, id)
}

func (b *broken) Delete(ctx context.Context, id string) (int, error) {
	if b.remove != nil || b.keeps {
		return 0, b.remove
	}
	return b.TrackerStore.Delete(ctx, id)
}

func TestDeleteThatFails(t *testing.T) {
	oops := errors.New("broken on purpose")
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		for name, c := range map[string]struct {
			store        broken
			forget, want error
			json         string
		}{
			"unreachable":  {store: broken{load: stores.ErrUnavailable}, want: stores.ErrUnavailable, json: `"removed":{},"left":{},"verified":false,"errors":{"tracker_store":"reading`},
			"not deleted":  {store: broken{remove: oops}, want: oops, json: `"verified":false,"errors":{"tracker_store":"broken on purpose"}`},
			"not gone":     {store: broken{keeps: true}, json: `"left":{"tracker_store":4},"verified":false}`},
			"broker away":  {forget: stores.ErrUnavailable, want: stores.ErrUnavailable, json: `"removed":{"tracker_store":4,"event_broker":{"told":false}},"left":{},"verified":false,"errors":{"event_broker"`},
			"not readable": {store: broken{load: oops}, want: oops, json: `"events":0,"sha256":null,"removed":{"tracker_store":4`},
		} {
			t.Run(name, func(t *testing.T) {
				c.store.TrackerStore = open()
				fill(t, c.store.TrackerStore, factory(t))
				m := manage.New(manage.Config{Store: &c.store, Forget: func(context.Context, string) error { return c.forget }})
				p := m.Delete(t.Context(), "ann")
				require.Contains(t, string(value.Encode(p.JSON(), value.Compact)), c.json)
				require.False(t, p.Verified)
				if c.want == nil {
					require.NoError(t, p.Err())
				} else {
					require.ErrorIs(t, p.Err(), c.want)
				}
			})
		}
	})
}

func TestPrune(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s := open()
		fill(t, s, factory(t))
		m := manage.New(manage.Config{Store: s, Locks: locks.New()})
		var proofs []*manage.Proof
		n, err := m.Prune(t.Context(), time.Unix(2500, 0), func(p *manage.Proof) { proofs = append(proofs, p) })
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Len(t, proofs, 2)
		require.True(t, proofs[0].Verified && proofs[1].Verified)
		ids, err := s.IDs(t.Context(), stores.Query{}, "", 0)
		require.NoError(t, err)
		require.Equal(t, []string{"Zoë\n"}, ids)

		failing := manage.New(manage.Config{Store: &broken{TrackerStore: s, remove: stores.ErrUnavailable}})
		_, err = failing.Prune(t.Context(), time.Unix(5000, 0), func(*manage.Proof) {})
		require.ErrorIs(t, err, stores.ErrUnavailable)
	})
}

func TestRetain(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s, held := open(), locks.New()
		fill(t, s, factory(t))
		var log strings.Builder
		m := manage.New(manage.Config{Store: s, Locks: held, Now: func() time.Time { return time.Unix(2502, 0) },
			Logger: slog.New(slog.NewTextHandler(&log, nil))})
		run := func() []string {
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			m.Retain(ctx, 1000*time.Second, time.Hour)
			ids, err := s.IDs(t.Context(), stores.Query{}, "", 0)
			require.NoError(t, err)
			return ids
		}
		unlock, err := held.Lock(t.Context(), "parley:retention")
		require.NoError(t, err)
		require.Len(t, run(), 3, "another node is at it")
		unlock()
		require.Equal(t, []string{"Zoë\n", "bob/2 ?"}, run())
		require.Contains(t, log.String(), `\"verified\":true`)
	})
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"1700000000.5":              "2023-11-14T22:13:20.5Z",
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31 12:30:00":       "2026-01-31T12:30:00Z",
		"2026-01-31T12:30:00+01:00": "2026-01-31T11:30:00Z",
	} {
		got, err := manage.ParseTime(text)
		require.NoError(t, err)
		require.Equal(t, want, got.UTC().Format(time.RFC3339Nano))
	}
	for _, text := range []string{"", "yesterday", "nan", "1e300"} {
		_, err := manage.ParseTime(text)
		require.Error(t, err, text)
	}
}

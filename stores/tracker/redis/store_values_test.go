package redis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// world is a server with a prefix for one test.
type world struct {
	t      *testing.T
	addr   string
	prefix string
	raw    *redis.Client
	f      *tracker.Factory
	more   []any
	clock  clock
}

func newWorld(t *testing.T, more ...any) *world {
	t.Helper()
	w := &world{t: t, addr: testservers.Redis(t), prefix: newPrefix(), f: factory(t), more: more, clock: 1.7e9}
	w.raw = raw(t, w.addr)
	return w
}

func (w *world) node() stores.TrackerStore {
	w.t.Helper()
	return closing(w.t, open(w.t, at(w.t, w.addr, append(w.more, "key_prefix", w.prefix)...)))
}

func (w *world) key() string { return w.prefix + ":tracker:u" }

func (w *world) value() string {
	w.t.Helper()
	text, err := w.raw.Get(w.t.Context(), w.key()).Result()
	require.NoError(w.t, err)
	return text
}

func (w *world) load(s stores.TrackerStore) stores.Conversation {
	w.t.Helper()
	c, err := s.Load(w.t.Context(), w.f, "u")
	require.NoError(w.t, err)
	if c.Tracker == nil {
		c.Tracker = w.f.New("u")
	}
	return c
}

func (w *world) all(s stores.TrackerStore) []tracker.Event {
	w.t.Helper()
	c, err := s.LoadAll(w.t.Context(), w.f, "u")
	require.NoError(w.t, err)
	return c.Tracker.Events()
}

// turn is the next turn after what a node loads, with events.
func (w *world) turn(s stores.TrackerStore, events ...tracker.Event) stores.Turn {
	w.t.Helper()
	c := w.load(s)
	turn := stores.Turn{Tracker: c.Tracker, Known: len(c.Tracker.Events()), At: c.At}
	turn.Tracker.UpdateAll(events)
	return turn
}

func (w *world) save(s stores.TrackerStore, events ...tracker.Event) {
	w.t.Helper()
	_, err := s.Save(w.t.Context(), w.turn(s, events...))
	require.NoError(w.t, err)
}

func (w *world) keys() []string {
	w.t.Helper()
	list, err := w.raw.Keys(w.t.Context(), w.prefix+":*").Result()
	require.NoError(w.t, err)
	slices.Sort(list)
	return list
}

// TestTheSameWriteTwice sends writes again, as happens when a connection breaks before the answer.
func TestTheSameWriteTwice(t *testing.T) {
	for name, more := range map[string][]any{"plain": nil, "cut": {"segments", "always", "segment_events", int64(20)}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, more...)
			s, other := w.node(), w.node()
			var want []tracker.Event
			for n := range 30 {
				added := w.clock.turn(fmt.Sprint("turn ", n))
				if n%8 == 0 {
					added = append(w.clock.session(), added...)
				}
				turn := w.turn(s, added...)
				turn.ID, turn.Deliver = fmt.Sprint("c", n), true
				want = append(want, added...)
				first, err := s.Save(t.Context(), turn)
				require.NoError(t, err)
				if n%3 == 1 {
					w.save(other, &tracker.ActionExecuted{Base: w.clock.base(), Name: "action_book"})
					want = append(want, w.load(other).Tracker.Events()[len(w.load(other).Tracker.Events())-1])
				}
				second, err := s.Save(t.Context(), turn)
				require.NoError(t, err, n)
				require.Equal(t, first.Count, second.Count)
			}
			requireEvents(t, maps(want), w.all(w.node()))
			list, err := s.(stores.Outbox).UnsettledOf(t.Context(), "u")
			require.NoError(t, err)
			require.Len(t, list, 30)
		})
	}
}

// TestOtherForms reads values that programs wrote in other forms; the next turn makes them Rasa's.
func TestOtherForms(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"compact":     func(s string) string { return strings.NewReplacer(`": `, `":`, `, "`, `,"`).Replace(s) },
		"line":        func(s string) string { return s + "\n" },
		"other order": func(s string) string { return `{"name": "u", ` + strings.TrimSuffix(s[1:], `, "name": "u"}`) + "}" },
		"more fields": func(s string) string { return strings.TrimSuffix(s, "}") + `, "x": 1}` },
		"field inside": func(s string) string {
			return strings.TrimSuffix(s, `"name": "u"}`) + `"x": [{}], "name": "u"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, other := w.node(), w.node()
			w.save(s, append(w.clock.session(), w.clock.turn("hello")...)...)
			stored := w.value()
			require.NotEqual(t, stored, change(stored))
			require.NoError(t, w.raw.Set(t.Context(), w.key(), change(stored), 0).Err())
			before := w.load(s).Tracker.Events()
			stale := w.turn(other, w.clock.turn("stale")...)
			added := w.clock.turn("again")
			turn := w.turn(s, added...)
			turn.ID, turn.Deliver = "c", true
			for range 2 {
				_, err := s.Save(t.Context(), turn)
				require.NoError(t, err)
			}
			require.Equal(t, stored[:len(stored)-len(`], "name": "u"}`)], w.value()[:len(stored)-len(`], "name": "u"}`)])
			requireEvents(t, maps(append(slices.Clone(before), added...)), w.all(w.node()))
			_, err := other.Save(t.Context(), stale)
			require.ErrorIs(t, err, stores.ErrConflict)
			commits, err := s.(stores.Outbox).UnsettledOf(t.Context(), "u")
			require.NoError(t, err)
			require.Len(t, commits, 1)
			requireEvents(t, maps(added), commits[0].Events)
		})
	}
}

// TestDamagedValues checks that what cannot be read is an error, never a conversation that is not there.
func TestDamagedValues(t *testing.T) {
	w := newWorld(t)
	s := w.node()
	for _, text := range []string{"", "{", `{"events": [{"event": "user"], "name": "u"}`, `{"events": [{"event": "nonsense"}], "name": "u"}`, `{"events": 1, "name": "u"}`,
		`{"events": [1], "name": "u"}`, "[]"} {
		require.NoError(t, w.raw.Set(t.Context(), w.key(), text, 0).Err())
		_, err := s.Load(t.Context(), w.f, "u")
		require.Error(t, err, "%q", text)
		_, err = s.LoadAll(t.Context(), w.f, "u")
		require.Error(t, err, "%q", text)
		require.NotErrorIs(t, err, stores.ErrUnavailable)
	}
	require.NoError(t, w.raw.Del(t.Context(), w.key()).Err())
	require.NoError(t, w.raw.LPush(t.Context(), w.key(), "x").Err())
	_, err := s.Load(t.Context(), w.f, "u")
	require.ErrorContains(t, err, "WRONGTYPE")
}

// TestRewritten lets others write the value between the turns of a node.
func TestRewritten(t *testing.T) {
	w := newWorld(t)
	s, other := w.node(), w.node()
	w.save(s, append(w.clock.session(), w.clock.turn("one")...)...)
	first := w.value()
	w.save(s, w.clock.turn("two")...)
	stale := w.turn(s, w.clock.turn("three")...)
	require.NoError(t, w.raw.Set(t.Context(), w.key(), first, 0).Err())
	_, err := s.Save(t.Context(), stale)
	require.ErrorIs(t, err, stores.ErrConflict, "a turn was lost meanwhile")
	require.Len(t, w.load(s).Tracker.Events(), 9)

	stale = w.turn(s, w.clock.turn("three")...)
	same := strings.TrimSuffix(first, `"hide_rule_turn": false}], "name": "u"}`) + `"hide_rule_turn": true }], "name": "u"}`
	require.Len(t, same, len(first))
	require.NoError(t, w.raw.Set(t.Context(), w.key(), same, 0).Err())
	_, err = s.Save(t.Context(), stale)
	require.ErrorIs(t, err, stores.ErrConflict, "the value is as long as before")
	w.load(other)
	require.NoError(t, w.raw.Set(t.Context(), w.key(), first, 0).Err())
	require.False(t, w.load(other).Tracker.Events()[8].(*tracker.ActionExecuted).HideRuleTurn)
	require.NoError(t, w.raw.Set(t.Context(), w.key(), same, 0).Err())
	require.True(t, w.load(other).Tracker.Events()[8].(*tracker.ActionExecuted).HideRuleTurn)

	w.load(other)
	edited := w.load(s).Tracker.Events()
	edited[5] = &tracker.SlotSet{Base: *edited[5].Meta(), Key: "city", Value: "two"} // as long as before, and far from the end
	edited = append(edited[:6:6], append(w.clock.turn("longer than what is compared "+strings.Repeat("x", 2000)), edited[6:]...)...)
	again := slices.Clone(edited)
	again[5] = &tracker.SlotSet{Base: *edited[5].Meta(), Key: "city", Value: "six"}
	for _, events := range [][]tracker.Event{edited, again} {
		_, err = s.Save(t.Context(), stores.Turn{Tracker: w.f.FromEvents("u", events), At: w.load(s).At, Replace: true})
		require.NoError(t, err)
		requireEvents(t, maps(events), w.load(other).Tracker.Events())
	}

	require.NoError(t, w.raw.Del(t.Context(), w.key()).Err())
	gone, err := s.Load(t.Context(), w.f, "u")
	require.NoError(t, err)
	require.Nil(t, gone.Tracker)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, "record_exp", "600", "segment_events", int64(20))
	s := w.node()
	for n := range 6 {
		w.save(s, append(w.clock.session(), w.clock.turn(fmt.Sprint(n))...)...)
	}
	require.Equal(t, []string{w.prefix + ":parley:segments:{" + w.key() + "}", w.key()}, w.keys())
	for _, key := range w.keys() {
		require.NoError(t, w.raw.Expire(t.Context(), key, 10*time.Second).Err())
	}
	w.save(s, w.clock.turn("renews")...)
	for _, key := range w.keys() {
		require.Greater(t, w.raw.TTL(t.Context(), key).Val(), 590*time.Second, key)
	}
	for _, key := range w.keys() {
		require.NoError(t, w.raw.PExpire(t.Context(), key, time.Millisecond).Err())
	}
	time.Sleep(5 * time.Millisecond)
	_, err := s.Save(t.Context(), w.turn(s, w.clock.turn("new")...))
	require.NoError(t, err)
	require.Len(t, w.all(s), 6)

	w.more = nil
	w.save(w.node(), w.clock.turn("for ever")...)
	require.Equal(t, time.Duration(-1), w.raw.TTL(t.Context(), w.key()).Val())
}

// TestKeyIsGone removes Rasa's key only: what is left in segments is of a conversation that is over.
func TestKeyIsGone(t *testing.T) {
	for _, replace := range []bool{false, true} {
		w := newWorld(t, "segment_events", int64(20))
		s := w.node()
		for n := range 6 {
			w.save(s, append(w.clock.session(), w.clock.turn(fmt.Sprint(n))...)...)
		}
		require.NoError(t, w.raw.Del(t.Context(), w.key()).Err())
		turn := w.turn(s, w.clock.turn("new")...)
		turn.Replace = replace
		at, err := s.Save(t.Context(), turn)
		require.NoError(t, err)
		require.Equal(t, 6, at.Count)
		require.Len(t, w.all(w.node()), 6)
	}
}

func TestDeleteLeavesNothing(t *testing.T) {
	w := newWorld(t, "segment_events", int64(20))
	s := w.node()
	for n := range 6 {
		turn := w.turn(s, append(w.clock.session(), w.clock.turn(fmt.Sprint(n))...)...)
		turn.ID, turn.Deliver = fmt.Sprint(n), true
		_, err := s.Save(t.Context(), turn)
		require.NoError(t, err)
	}
	require.Len(t, w.keys(), 4)
	n, err := s.Delete(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, 54, n)
	require.Empty(t, w.keys())
}

func TestSettledNotesLeaveNothing(t *testing.T) {
	w := newWorld(t)
	s := w.node()
	turn := w.turn(s, w.clock.turn("hello")...)
	turn.ID, turn.Deliver = "c", true
	_, err := s.Save(t.Context(), turn)
	require.NoError(t, err)
	require.Len(t, w.keys(), 3)
	require.NoError(t, s.(stores.Outbox).Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c"}}))
	require.Equal(t, []string{w.key()}, w.keys())

	// A conversation that is in the index without notes is put right when it is found.
	require.NoError(t, w.raw.ZAdd(t.Context(), w.prefix+":parley:outbox", redis.Z{Score: 1, Member: "u"}).Err())
	list, err := s.(stores.Outbox).Unsettled(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, []string{w.key()}, w.keys())
}

// TestLargeValue reads a value of 40 MB by a node that knows nothing of it.
func TestLargeValue(t *testing.T) {
	w := newWorld(t, "segments", "off")
	s := w.node()
	text := strings.Repeat("ü", 1200)
	var events []tracker.Event
	for range 2000 {
		events = append(events, w.clock.turn(text)...)
	}
	list := value.Encode(maps(append(w.clock.session(), events...)), value.JSON)
	require.NoError(t, w.raw.Set(t.Context(), w.key(), `{"events": `+string(list)+`, "name": "u"}`, 0).Err())
	require.Greater(t, len(list), 40_000_000)
	start := time.Now()
	require.Len(t, w.load(s).Tracker.Events(), 12003)
	t.Logf("%d MB read in %v", len(list)/1e6, time.Since(start))
	require.Less(t, time.Since(start), 20*time.Second)
	start = time.Now()
	w.save(s, w.clock.turn("small")...)
	t.Logf("a turn took %v", time.Since(start))
	require.NoError(t, w.raw.Del(t.Context(), w.key()).Err())
}

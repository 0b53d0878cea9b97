// Package storetest holds the suites that every back end of package stores passes: what the contracts promise, as tests.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// domain is a small domain with one slot of each kind that matters to a store.
func domain(t *testing.T) *project.Domain {
	t.Helper()
	d, problems := project.ParseDomain([]byte(`
version: "3.1"
intents: [greet, order]
entities: [dish]
slots:
  dish: {type: text, mappings: [{type: from_entity, entity: dish}]}
  extras: {type: list, mappings: [{type: custom}]}
responses:
  utter_hello: [{text: Hello}]
actions: [action_cook]
forms:
  order_form: {required_slots: [dish]}
`), "domain.yml")
	require.NoError(t, problems.Err())
	return d
}

// clock gives events increasing times.
type clock float64

func (c *clock) base() tracker.Base {
	*c += 0.25
	return tracker.Base{Timestamp: float64(*c)}
}

func executed(c *clock, name string) *tracker.ActionExecuted {
	return &tracker.ActionExecuted{Base: c.base(), Name: name, Policy: "RulePolicy", Confidence: 1}
}

func said(c *clock, text, intent string) *tracker.UserUttered {
	parse := value.NewMap("text", text, "intent", value.NewMap("name", intent, "confidence", 0.875), "entities", []any{},
		"text_tokens", []any{[]any{int64(0), int64(5)}})
	u := tracker.NewUserUttered(text, parse, "rest", "0123456789abcdef0123456789abcdef", value.NewMap("page", int64(3)))
	u.Base.Timestamp = c.base().Timestamp
	return u
}

// session returns the events of one session with a bit of everything.
func session(c *clock, text string) []tracker.Event {
	return []tracker.Event{
		executed(c, tracker.ActionSessionStart),
		&tracker.SessionStarted{Base: c.base()},
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
		said(c, text, "greet"),
		&tracker.DefinePrevUserUtteredFeaturization{Base: c.base()},
		&tracker.SlotSet{Base: c.base(), Key: "dish", Value: "péché 🍑"},
		&tracker.SlotSet{Base: c.base(), Key: "extras", Value: []any{int64(1), 2.5, nil, value.NewMap("b", true, "a", "x")}},
		executed(c, "utter_hello"),
		&tracker.BotUttered{Base: c.base(), Text: "Hello", Data: value.NewMap("buttons", nil, "custom", value.NewMap("z", int64(1)))},
		executed(c, tracker.ActionListen),
	}
}

func maps(events []tracker.Event) []any {
	out := make([]any, len(events))
	for i, e := range events {
		out[i] = tracker.AsMap(e)
	}
	return out
}

func requireSameEvents(t *testing.T, want, got []tracker.Event) {
	t.Helper()
	require.Equal(t, string(value.Encode(maps(want), value.SortKeys)), string(value.Encode(maps(got), value.SortKeys)))
}

// Trackers checks a tracker store. open returns an empty one; it is called for every case.
func Trackers(t *testing.T, open func(t *testing.T) stores.TrackerStore) {
	cases := map[string]func(t *testing.T, s stores.TrackerStore, f *tracker.Factory){
		"missing conversation": missingConversation,
		"round trip":           roundTrip,
		"empty conversation":   emptyConversation,
		"appending":            appending,
		"own copy":             ownCopy,
		"last session":         lastSession,
		"reloaded state":       reloadedState,
		"another domain":       anotherDomain,
		"keys":                 keys,
		"concurrent turns":     concurrentTurns,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			run(t, s, tracker.NewFactory(domain(t)))
		})
	}
}

func load(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string) *tracker.Tracker {
	t.Helper()
	got, err := s.Load(context.Background(), f, id)
	require.NoError(t, err)
	require.NotNil(t, got, "conversation %q", id)
	return got
}

func missingConversation(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	for _, id := range []string{"nobody", "", "a/b", "Zoë"} {
		got, err := s.Load(t.Context(), f, id)
		require.NoError(t, err)
		require.Nil(t, got)
		got, err = s.LoadAll(t.Context(), f, id)
		require.NoError(t, err)
		require.Nil(t, got)
	}
}

func roundTrip(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	for _, id := range []string{"default", "a/b", "Zoë 🍑", "tracker:1", "o'Neill\"%_*"} {
		var c clock
		want := f.FromEvents(id, session(&c, "hello "+id))
		require.NoError(t, s.Save(t.Context(), want, 0))
		got := load(t, s, f, id)
		require.Equal(t, id, got.SenderID)
		requireSameEvents(t, want.Events(), got.Events())
		all, err := s.LoadAll(t.Context(), f, id)
		require.NoError(t, err)
		requireSameEvents(t, want.Events(), all.Events())
	}
}

func emptyConversation(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	require.NoError(t, s.Save(t.Context(), f.New("new"), 0))
	got := load(t, s, f, "new")
	require.Empty(t, got.Events())
	require.Equal(t, tracker.ActionListen, got.State().Followup)
}

func appending(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	var c clock
	want := session(&c, "hello")
	require.NoError(t, s.Save(t.Context(), f.FromEvents("u", want), 0))
	for i := range 20 {
		turn := load(t, s, f, "u")
		known := len(turn.Events())
		added := []tracker.Event{said(&c, fmt.Sprint("turn ", i), "order"), executed(&c, "action_cook"), executed(&c, tracker.ActionListen)}
		turn.UpdateAll(added)
		require.NoError(t, s.Save(t.Context(), turn, known))
		want = append(want, added...)
	}
	requireSameEvents(t, want, load(t, s, f, "u").Events())
}

func ownCopy(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	var c clock
	want := f.FromEvents("u", session(&c, "hello"))
	require.NoError(t, s.Save(t.Context(), want, 0))
	first, second := load(t, s, f, "u"), load(t, s, f, "u")
	first.Update(&tracker.SlotSet{Base: c.base(), Key: "dish", Value: "first"})
	second.Update(&tracker.SlotSet{Base: c.base(), Key: "dish", Value: "second"})
	require.Equal(t, "first", first.Slot("dish"))
	requireSameEvents(t, first.Events()[len(first.Events())-1:], []tracker.Event{&tracker.SlotSet{
		Base: *first.Events()[len(first.Events())-1].Meta(), Key: "dish", Value: "first"}})
	requireSameEvents(t, want.Events(), load(t, s, f, "u").Events())
}

func lastSession(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	var c clock
	old, latest := session(&c, "old"), session(&c, "new")
	require.NoError(t, s.Save(t.Context(), f.FromEvents("u", old), 0))
	turn := load(t, s, f, "u")
	turn.UpdateAll(latest)
	require.NoError(t, s.Save(t.Context(), turn, len(old)))
	got := load(t, s, f, "u")
	requireSameEvents(t, latest, got.Events())

	more := executed(&c, "action_cook")
	got.Update(more)
	require.NoError(t, s.Save(t.Context(), got, len(latest)))
	requireSameEvents(t, append(slices.Clone(latest), more), load(t, s, f, "u").Events())
	all, err := s.LoadAll(t.Context(), f, "u")
	require.NoError(t, err)
	tail := all.Events()[len(all.Events())-len(latest)-1:]
	requireSameEvents(t, append(slices.Clone(latest), more), tail)
}

// reloadedState checks that a loaded conversation is in the state of replaying what counts: a happy turn of a form is
// folded away, so its message is not the latest.
func reloadedState(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
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
	require.NoError(t, s.Save(t.Context(), live, 0))
	got := load(t, s, f, "u").State()
	require.Equal(t, "I want to order", got.LatestMessage.Text)
	require.Equal(t, "order_form", got.LoopName())
	require.Equal(t, tracker.ActionListen, got.LatestAction)
}

func anotherDomain(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	var c clock
	want := f.FromEvents("u", session(&c, "hello"))
	require.NoError(t, s.Save(t.Context(), want, 0))
	other := tracker.NewFactory(domain(t))
	got := load(t, s, other, "u")
	require.True(t, other.SameDomain(got))
	requireSameEvents(t, want.Events(), got.Events())
}

func keys(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	want := []string{"a", "b/c", "Zoë"}
	for _, id := range want {
		require.NoError(t, s.Save(t.Context(), f.New(id), 0))
		require.NoError(t, s.Save(t.Context(), f.New(id), 0))
	}
	got, err := s.Keys(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
}

// concurrentTurns lets several conversations go on at once, each with a reader beside the writer.
func concurrentTurns(t *testing.T, s stores.TrackerStore, f *tracker.Factory) {
	const conversations, turns = 4, 15
	var done sync.WaitGroup
	for i := range conversations {
		id := fmt.Sprint("user ", i)
		require.NoError(t, s.Save(t.Context(), f.New(id), 0))
		done.Go(func() {
			var c clock
			for n := range turns {
				turn, err := s.Load(t.Context(), f, id)
				if err != nil || len(turn.Events()) != 2*n {
					t.Errorf("turn %d of %q: %d events, %v", n, id, len(turn.Events()), err)
					return
				}
				turn.UpdateAll([]tracker.Event{said(&c, "hello", "greet"), executed(&c, "action_cook")})
				if err := s.Save(t.Context(), turn, 2*n); err != nil {
					t.Errorf("saving turn %d of %q: %v", n, id, err)
					return
				}
			}
		})
		done.Go(func() {
			for range turns {
				got, err := s.LoadAll(t.Context(), f, id)
				if err != nil || len(got.Events())%2 != 0 {
					t.Errorf("reading %q: %v", id, err)
					return
				}
				got.CurrentState(tracker.EventsAll)
			}
		})
	}
	done.Wait()
}

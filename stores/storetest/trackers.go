// Package storetest holds the suites that every back end of package stores passes: what the contracts promise, as tests.
package storetest

import (
	"context"
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

// Place opens a node's store on data that all its calls share; the data is empty at first. The suites close what they open.
type Place func() stores.TrackerStore

type trackerCase func(t *testing.T, open Place, f *tracker.Factory)

// Trackers checks a tracker store. place makes a Place; it is called for every case. Stores that are a stores.Outbox or a
// stores.TimerStore are checked as such, too.
func Trackers(t *testing.T, place func(t *testing.T) Place) {
	cases := map[string]trackerCase{
		"missing conversation": missingConversation,
		"round trip":           roundTrip,
		"odd values":           oddValues,
		"empty conversation":   emptyConversation,
		"appending":            appending,
		"own copy":             ownCopy,
		"last session":         lastSession,
		"reloaded state":       reloadedState,
		"another domain":       anotherDomain,
		"ids":                  ids,
		"delete":               deleting,
		"replace":              replacing,
		"conflicts":            conflicts,
		"other nodes":          otherNodes,
		"lost updates":         lostUpdates,
		"concurrent turns":     concurrentTurns,
		"queries":              queries,
		"outbox":               outbox,
		"outbox of two nodes":  outboxOfNodes,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, closing(t, place(t)), tracker.NewFactory(domain(t))) })
	}
	Timers(t, func(t *testing.T) func() stores.Timers {
		open := closing(t, place(t))
		return func() stores.Timers {
			s, ok := open().(stores.TimerStore)
			if !ok {
				return nil
			}
			return s.Timers()
		}
	})
}

// closing closes at the end of a test what open opened.
func closing(t *testing.T, open Place) Place {
	return func() stores.TrackerStore {
		s := open()
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
}

func loadAt(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string) stores.Conversation {
	t.Helper()
	got, err := s.Load(context.Background(), f, id)
	require.NoError(t, err)
	require.NotNil(t, got.Tracker, "conversation %q", id)
	return got
}

func load(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string) *tracker.Tracker {
	t.Helper()
	return loadAt(t, s, f, id).Tracker
}

// begin stores the first turn of a conversation.
func begin(t *testing.T, s stores.TrackerStore, tr *tracker.Tracker) stores.Position {
	t.Helper()
	at, err := s.Save(context.Background(), stores.Turn{Tracker: tr})
	require.NoError(t, err)
	return at
}

// goOn stores events as the next turn of a conversation.
func goOn(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string, events ...tracker.Event) {
	t.Helper()
	_, err := s.Save(context.Background(), next(loadAt(t, s, f, id), events...))
	require.NoError(t, err)
}

// next returns the turn that adds events to a loaded conversation.
func next(c stores.Conversation, events ...tracker.Event) stores.Turn {
	turn := stores.Turn{Tracker: c.Tracker, Known: len(c.Tracker.Events()), At: c.At}
	c.Tracker.UpdateAll(events)
	return turn
}

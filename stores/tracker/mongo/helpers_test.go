package mongo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// said returns the events of a turn in which the user says text, from a time on.
func said(text string, at float64) []tracker.Event {
	base := func() tracker.Base {
		at += 0.5
		return tracker.Base{Timestamp: at}
	}
	parse := value.NewMap("text", text, "intent", value.NewMap("name", "greet", "confidence", 1.0), "entities", []any{})
	u := tracker.NewUserUttered(text, parse, "rest", "m", nil)
	u.Base.Timestamp = base().Timestamp
	return []tracker.Event{u,
		&tracker.SlotSet{Base: base(), Key: "city", Value: text},
		&tracker.ActionExecuted{Base: base(), Name: "utter_greet", Policy: "RulePolicy", Confidence: 1},
		&tracker.BotUttered{Base: base(), Text: "Grüß Gott"},
		&tracker.ActionExecuted{Base: base(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
	}
}

// started returns the events that begin a session.
func started(at float64) []tracker.Event {
	return []tracker.Event{
		&tracker.ActionExecuted{Base: tracker.Base{Timestamp: at}, Name: tracker.ActionSessionStart, Confidence: 1},
		&tracker.SessionStarted{Base: tracker.Base{Timestamp: at + 0.1}},
		&tracker.ActionExecuted{Base: tracker.Base{Timestamp: at + 0.2}, Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
	}
}

// save stores events as the next turn, as Rasa's processor would with the tracker it loaded.
func save(t *testing.T, s stores.TrackerStore, f *tracker.Factory, senderID string, change func(*stores.Turn), events ...tracker.Event) {
	t.Helper()
	conv, err := s.Load(t.Context(), f, senderID)
	require.NoError(t, err)
	if conv.Tracker == nil {
		conv.Tracker = f.New(senderID)
	}
	turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
	if change != nil {
		change(&turn)
	}
	conv.Tracker.UpdateAll(events)
	_, err = s.Save(t.Context(), turn)
	require.NoError(t, err)
}

func turn(t *testing.T, s stores.TrackerStore, f *tracker.Factory, senderID, text string, at float64) {
	t.Helper()
	save(t, s, f, senderID, nil, said(text, at)...)
}

func load(t *testing.T, s stores.TrackerStore, f *tracker.Factory, senderID string) *tracker.Tracker {
	t.Helper()
	conv, err := s.Load(t.Context(), f, senderID)
	require.NoError(t, err)
	if conv.Tracker == nil {
		return f.New(senderID)
	}
	return conv.Tracker
}

// texts returns what the user said.
func texts(tr *tracker.Tracker) []string {
	var out []string
	for _, e := range tr.Events() {
		if u, ok := e.(*tracker.UserUttered); ok {
			out = append(out, u.Text)
		}
	}
	return out
}

func numbers(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, " ", i)
	}
	return out
}

// decoded is an event of a document as JSON has it.
func decoded(t *testing.T, event bson.Raw) *value.Map {
	t.Helper()
	data, err := bson.MarshalExtJSON(event, false, false)
	require.NoError(t, err)
	m, err := value.DecodeObject(data)
	require.NoError(t, err)
	return m
}

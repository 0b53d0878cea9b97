package dialogue

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// TestReplayGivesTheSameEvents runs stored turns again with the same clock, chance and outgoing calls.
func TestReplayGivesTheSameEvents(t *testing.T) {
	next := map[string]string{
		"greet": "action_cook", "greet action_cook": "utter_greet", "order": "order_form", "stop": "action_default_fallback",
	}
	b := newBench(t, testDomain, next)
	cook := func(t *tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{
			Events:    []tracker.Event{&tracker.SlotSet{Key: "mood", Value: t.Slot("dish")}},
			Responses: []*value.Map{value.NewMap("text", "Cooking")},
		}, nil
	}
	b.runner.do["action_cook"] = cook
	texts := []string{"greet dish=soup", "order", "large", "stop", "greet"}
	for _, text := range texts {
		b.say(text)
	}
	want := string(value.Encode(b.tracker().CurrentState(tracker.EventsAll), value.SortKeys))

	clock, ids := newClock(), []string{}
	for _, e := range b.tracker().Events() {
		if u, ok := e.(*tracker.UserUttered); ok {
			ids = append(ids, u.MessageID)
		}
	}
	env := Env{
		Now: func() float64 { return seconds(clock.Now()) }, Random: func() float64 { return 0 },
		NewID:   func() string { id := ids[0]; ids = ids[1:]; return id },
		Actions: &runner{do: b.runner.do},
	}
	again := b.Model().Trackers.New("u")
	for _, text := range texts {
		again = again.Reload() // as a store would give it
		require.NoError(t, Replay(t.Context(), b.Model(), env, again, &channels.UserMessage{
			Text: text, SenderID: "u", InputChannel: "rest", Output: &collector{},
		}))
	}
	require.Equal(t, want, string(value.Encode(again.Reload().CurrentState(tracker.EventsAll), value.SortKeys)))
}

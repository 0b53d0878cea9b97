package dialogue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

func TestFirstMessage(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	require.Equal(t, []string{"Hello"}, b.say("greet"))
	require.Equal(t, []string{
		"action_session_start", "<session_started>", "action_listen", "user greet", "utter_greet", "bot Hello", "action_listen",
	}, lines(b.tracker().Events()))
	for _, e := range b.tracker().Events() {
		require.NotZero(t, e.Meta().Timestamp, line(e))
		require.Equal(t, "m1", e.Meta().Metadata.String("model_id"), line(e))
		require.Equal(t, "a1", e.Meta().Metadata.String("assistant_id"), line(e))
	}
	user := b.tracker().Events()[3].(*tracker.UserUttered)
	require.Len(t, user.MessageID, 32)
	require.Equal(t, "rest", user.InputChannel)
}

func TestTurns(t *testing.T) {
	event := func(events ...tracker.Event) func(*tracker.Tracker) (*actions.Result, error) {
		return func(*tracker.Tracker) (*actions.Result, error) { return &actions.Result{Events: events}, nil }
	}
	fail := func(err error) func(*tracker.Tracker) (*actions.Result, error) {
		return func(*tracker.Tracker) (*actions.Result, error) { return nil, fmt.Errorf("calling: %w", err) }
	}
	tests := []struct {
		name string
		next map[string]string
		do   map[string]func(*tracker.Tracker) (*actions.Result, error)
		want []string
	}{
		{"entity fills slot", map[string]string{"greet": "utter_greet"}, nil,
			[]string{"dish='soup'", "utter_greet", "bot Hello", "action_listen"}},
		{"custom action", map[string]string{"greet": "action_cook"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_cook": func(t *tracker.Tracker) (*actions.Result, error) {
				return &actions.Result{
					Events:    []tracker.Event{&tracker.SlotSet{Key: "mood", Value: t.Slot("dish")}},
					Responses: []*value.Map{value.NewMap("text", "Cooking", "response", nil, "buttons", []any{})},
				}, nil
			}},
			[]string{"dish='soup'", "action_cook", "bot Cooking", "mood='soup'", "action_listen"}},
		{"failing action", map[string]string{"greet": "action_fail"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_fail": fail(actions.ErrUnavailable)},
			[]string{"dish='soup'", "action_fail", "action_listen"}},
		{"rejected action", map[string]string{"greet": "action_refuse"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_refuse": func(t *tracker.Tracker) (*actions.Result, error) {
				return &actions.Result{Events: []tracker.Event{
					&tracker.ActionExecutionRejected{Name: "action_refuse"}, &tracker.FollowupAction{Name: "utter_done"}}}, nil
			}},
			[]string{"dish='soup'", "rejected action_refuse", "<followup>", "utter_done", "bot Done", "action_listen"}},
		{"followup", map[string]string{"greet": "action_cook"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_cook": event(&tracker.FollowupAction{Name: "utter_done"})},
			[]string{"dish='soup'", "action_cook", "<followup>", "utter_done", "bot Done", "action_listen"}},
		{"unknown followup", map[string]string{"greet": "action_cook"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_cook": event(&tracker.FollowupAction{Name: "action_no"})},
			[]string{"dish='soup'", "action_cook", "<followup>", "action_listen"}},
		{"pause", map[string]string{"greet": "action_cook"},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_cook": event(&tracker.ConversationPaused{})},
			[]string{"dish='soup'", "action_cook", "<pause>"}},
		{"default fallback", map[string]string{"greet": "action_default_fallback"}, nil,
			[]string{"dish='soup'", "action_default_fallback", "bot Sorry?", "<rewind>", "action_listen"}},
		{"extraction action", map[string]string{},
			map[string]func(*tracker.Tracker) (*actions.Result, error){"action_mood": func(*tracker.Tracker) (*actions.Result, error) {
				return &actions.Result{
					Events:    []tracker.Event{&tracker.SlotSet{Key: "mood", Value: "good"}, &tracker.ConversationPaused{}},
					Responses: []*value.Map{value.NewMap("text", "dropped")},
				}, nil
			}},
			[]string{"dish='soup'", "mood='good'", "action_listen"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testDomain, tt.next)
			b.runner.do = tt.do
			b.say("greet dish=soup")
			require.Equal(t, tt.want, b.after("greet dish=soup"))
		})
	}
}

func TestCircuitBreaker(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "action_cook", "greet action_cook": "action_cook"})
	b.say("greet")
	got := b.after("greet")
	require.Len(t, got, 10)
	require.Equal(t, "action_cook", got[9])
	// Without action_listen the limit stays reached.
	b.say("order")
	require.Empty(t, b.after("order"))
}

func TestUndoingActionDoesNotLoopForEver(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "action_undo"})
	b.runner.do["action_undo"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.ActionReverted{}}}, nil
	}
	b.say("greet")
	require.Len(t, b.runner.calls, 1+10) // action_mood extracts first
}

func TestSessions(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	b.say("greet dish=soup")
	b.clock.advance(59 * time.Minute)
	b.say("inform")
	require.Len(t, lines(b.tracker().Events()), 10)
	b.clock.advance(61 * time.Minute)
	require.NoError(t, b.Handle(t.Context(), &channels.UserMessage{
		Text: "greet", SenderID: "u", Metadata: value.NewMap("page", int64(1)), Output: b.out}))
	all := lines(b.tracker().Events())
	require.Equal(t, []string{
		"session_started_metadata={'page': 1}", "action_session_start", "<session_started>", "dish='soup'",
		"session_started_metadata={'page': 1}", "action_listen", "user greet", "utter_greet", "bot Hello", "action_listen",
	}, all[10:])
	b.say("greet")
	require.Equal(t, "action_session_start", line(b.tracker().Events()[0]), "earlier sessions are forgotten")
}

func TestRestart(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"restart": "action_restart", "greet": "utter_greet"})
	b.say("greet dish=soup")
	b.say("restart")
	require.Equal(t, []string{
		"action_restart", "<restart>", "action_session_start", "<session_started>", "action_listen",
	}, b.after("restart"))
	require.Nil(t, b.tracker().Slot("dish"))
	start := b.tracker().Events()[len(b.tracker().Events())-3].(*tracker.ActionExecuted)
	require.Equal(t, followupPolicy, start.Policy)
}

func TestObserverSeesEveryPrediction(t *testing.T) {
	var seen []string
	b := newBench(t, testDomain, map[string]string{"greet": "action_cook"}, func(c *Config) {
		c.OnPrediction = func(_ context.Context, made Made) {
			p := made.Prediction
			seen = append(seen, strings.TrimSpace(fmt.Sprintln(made.SenderID, made.Action, p.Policy, p.Reason.Kind, len(made.Votes))))
		}
	})
	b.runner.do["action_cook"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.FollowupAction{Name: "utter_done"}}}, nil
	}
	b.say("greet")
	require.Equal(t, []string{"u action_cook Plan story 1", "u utter_done followup_action followup 0", "u action_listen Plan story 1"}, seen)
}

func TestFailedParseLeavesAnEmptyConversation(t *testing.T) {
	b := newBench(t, testDomain, nil)
	err := b.Handle(t.Context(), &channels.UserMessage{Text: "unparsable", SenderID: "u", Output: b.out})
	require.ErrorContains(t, err, `handling a message of "u": parsing a message`)
	require.Empty(t, b.tracker().Events())
	exists, err := b.Exists(t.Context(), "u")
	require.NoError(t, err)
	require.True(t, exists)
}

func TestInvalidExtractionLosesTheTurn(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	b.say("greet")
	before := len(b.tracker().Events())
	b.runner.do["action_mood"] = func(*tracker.Tracker) (*actions.Result, error) { return nil, actions.ErrInvalidResponse }
	err := b.Handle(t.Context(), &channels.UserMessage{Text: "order", SenderID: "u", Output: b.out})
	require.ErrorIs(t, err, actions.ErrInvalidResponse)
	require.Len(t, b.tracker().Events(), before)
	b.runner.do["action_mood"] = func(*tracker.Tracker) (*actions.Result, error) { return nil, actions.ErrUnavailable }
	b.say("order")
	require.Equal(t, []string{"action_listen"}, b.after("order"))
}

func TestModelSwapDuringATurn(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "action_cook", "greet action_cook": "utter_greet"})
	other := NewModel(ModelSpec{ID: "m2", Domain: b.Model().Domain, NLU: parser{}, Policies: plan{domain: b.Model().Domain}, NLG: responses{}})
	b.runner.do["action_cook"] = func(*tracker.Tracker) (*actions.Result, error) {
		b.SetModel(other)
		return &actions.Result{}, nil
	}
	require.Equal(t, []string{"Hello"}, b.say("greet"), "the turn keeps its model")
	for _, e := range b.tracker().Events() {
		require.Equal(t, "m1", e.Meta().Metadata.String("model_id"))
	}
	require.Empty(t, b.say("greet"))
	events := b.tracker().Events()
	require.Equal(t, "m2", events[len(events)-1].Meta().Metadata.String("model_id"))
	b.SetModel(nil)
	require.NoError(t, b.Handle(t.Context(), &channels.UserMessage{Text: "greet", SenderID: "u"}))
	require.Len(t, b.tracker().Events(), len(events))
}

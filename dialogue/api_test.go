package dialogue

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

func (b *bench) output(*tracker.Tracker) channels.Output { return b.out }

func TestReadingATracker(t *testing.T) {
	b := newBench(t, testDomain, nil)
	full, err := b.FullTracker(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, []string{"action_session_start", "<session_started>", "action_listen"}, lines(full.Events()))
	require.Empty(t, b.tracker().Events(), "the session start is only shown")

	b.say("greet")
	full, err = b.FullTracker(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, full.Events(), 5)
	last, err := b.Tracker(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, last.Events(), 5)
	sessions, err := b.Sessions(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	exists, err := b.Exists(t.Context(), "nobody")
	require.NoError(t, err)
	require.False(t, exists)
}

func TestSessionsAreSplitAtTheirStart(t *testing.T) {
	b := newBench(t, testDomain, nil)
	b.say("greet")
	b.clock.advance(2 * 60 * 60 * 1e9)
	b.say("order")
	sessions, err := b.Sessions(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	require.Equal(t, "user greet", line(sessions[0].Events()[3]))
	require.Equal(t, "user order", line(sessions[1].Events()[3]))
}

func TestAppendMessage(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"inform": "utter_greet"})
	got, err := b.AppendMessage(t.Context(), &channels.UserMessage{SenderID: "u", Text: "x", ParseData: value.NewMap(
		"intent", value.NewMap("name", "inform"), "entities", []any{value.NewMap("entity", "dish", "value", "soup")})})
	require.NoError(t, err)
	require.Equal(t, []string{"action_session_start", "<session_started>", "action_listen", "user x", "dish='soup'"}, lines(got.Events()))
	require.Equal(t, lines(got.Events()), lines(b.tracker().Events()))
}

func TestAppendEvents(t *testing.T) {
	bot := func() tracker.Event { return &tracker.BotUttered{Text: "by hand", Data: &value.Map{}} }
	tests := []struct {
		name   string
		events []tracker.Event
		out    bool
		want   []string
		says   []string
	}{
		{"starts a session", []tracker.Event{bot()}, false,
			[]string{"action_session_start", "<session_started>", "action_listen", "bot by hand"}, nil},
		{"with side effects", []tracker.Event{bot()}, true,
			[]string{"action_session_start", "<session_started>", "action_listen", "bot by hand"}, []string{"by hand"}},
		{"brings its own session", []tracker.Event{
			&tracker.ActionExecuted{Name: "action_session_start", Confidence: 1}, &tracker.SessionStarted{}}, false,
			[]string{"action_session_start", "<session_started>"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testDomain, nil)
			var out OutputFor
			if tt.out {
				out = b.output
			}
			got, err := b.AppendEvents(t.Context(), "u", tt.events, out)
			require.NoError(t, err)
			require.Equal(t, tt.want, lines(got.Events()))
			require.Equal(t, tt.want, lines(b.tracker().Events()))
			require.Equal(t, tt.says, b.out.take())
			for _, e := range got.Events() {
				require.NotZero(t, e.Meta().Timestamp)
			}
		})
	}
}

func TestReplaceEvents(t *testing.T) {
	b := newBench(t, testDomain, nil)
	b.say("greet")
	got, err := b.ReplaceEvents(t.Context(), "u", []tracker.Event{&tracker.SlotSet{Key: "dish", Value: "rice"}})
	require.NoError(t, err)
	require.Equal(t, "rice", got.Slot("dish"))
	require.Equal(t, []string{"dish='rice'"}, lines(b.tracker().Events()))
	require.Zero(t, b.tracker().Events()[0].Meta().Metadata.Len(), "nothing is stamped")
}

func TestExecute(t *testing.T) {
	b := newBench(t, testDomain, nil)
	before, out, err := b.Execute(t.Context(), "u", "utter_greet", "", 0.5, b.output)
	require.NoError(t, err)
	require.Same(t, b.out, out)
	require.Equal(t, []string{"Hello"}, b.out.take())
	require.Equal(t, []string{"action_session_start", "<session_started>", "action_listen"}, lines(before.Events()))
	got := b.tracker().Events()
	require.Equal(t, []string{"utter_greet", "bot Hello"}, lines(got[3:]))
	require.InDelta(t, 0.5, got[3].(*tracker.ActionExecuted).Confidence, 0)

	_, _, err = b.Execute(t.Context(), "u", "action_nowhere", "", 1, b.output)
	require.ErrorIs(t, err, ErrUnknownAction)

	b.runner.do["action_fail"] = func(*tracker.Tracker) (*actions.Result, error) { return nil, errors.New("down") }
	_, _, err = b.Execute(t.Context(), "u", "action_fail", "", 1, b.output)
	require.NoError(t, err)
	require.Equal(t, "action_fail", line(b.tracker().Events()[5]))
}

func TestTriggerIntent(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	b.say("chitchat")
	got, _, err := b.TriggerIntent(t.Context(), "u", "greet", value.NewMap("dish", "soup"), b.output)
	require.NoError(t, err)
	require.Equal(t, []string{"Hello"}, b.out.take())
	require.Equal(t, []string{"dish='soup'", "utter_greet", "bot Hello", "action_listen"}, b.after("EXTERNAL: greet"))
	require.Equal(t, "rest", got.LatestInputChannel(), "the channel is kept")

	_, _, err = b.TriggerIntent(t.Context(), "u", "nonsense", nil, b.output)
	require.ErrorIs(t, err, ErrUnknownIntent)
}

func TestPredictNext(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	next, err := b.PredictNext(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, "Plan", next.Policy)
	require.Len(t, next.Scores, len(b.Model().Domain.ActionNames()))
	require.Equal(t, ActionScore{"action_listen", 1}, next.Scores[0])
	require.Len(t, b.tracker().Events(), 3, "the session start is stored")

	next, err = b.PredictWithTracker(t.Context(), "x", nil, tracker.EventsAll)
	require.NoError(t, err)
	require.Equal(t, followupPolicy, next.Policy, "an empty conversation listens first")
	require.Nil(t, next.Tracker.Value("followup_action"))
}

func TestWithoutModel(t *testing.T) {
	b := newBench(t, testDomain, nil)
	b.SetModel(nil)
	_, err := b.PredictNext(t.Context(), "u")
	require.ErrorIs(t, err, ErrNoModel)
	_, err = b.FullTracker(t.Context(), "u")
	require.ErrorIs(t, err, ErrNoModel)
	_, err = b.Parse(t.Context(), "hello")
	require.ErrorIs(t, err, ErrNoModel)
}

func TestModelWithoutPolicies(t *testing.T) {
	b := newBench(t, testDomain, nil)
	b.SetModel(NewModel(ModelSpec{ID: "nlu", Domain: b.model.Domain, NLU: parser{}, NLG: responses{}}))
	require.Empty(t, b.say("greet"))
	require.Equal(t, "user greet", line(b.tracker().Events()[3]))
	next, err := b.PredictNext(t.Context(), "u")
	require.NoError(t, err)
	require.Nil(t, next)
}

package dialogue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

func TestReminders(t *testing.T) {
	reminder := func(name string, in time.Duration, kill bool) func(b *bench) tracker.Event {
		return func(b *bench) tracker.Event {
			return &tracker.ReminderScheduled{Intent: "ask", Name: name, KillOnUserMessage: kill,
				Entities: []any{value.NewMap("entity", "dish", "value", "tea")},
				DateTime: b.clock.Now().Add(in).Format("2006-01-02T15:04:05.000000-07:00")}
		}
	}
	cancel := func(e tracker.ReminderCancelled) func(b *bench) tracker.Event {
		return func(*bench) tracker.Event { return &e }
	}
	const minute = time.Minute
	tests := []struct {
		name   string
		events []func(b *bench) tracker.Event
		then   func(b *bench)
		fires  bool
	}{
		{"fires", []func(*bench) tracker.Event{reminder("r", minute, true)}, nil, true},
		{"killed by a message", []func(*bench) tracker.Event{reminder("r", minute, true)}, func(b *bench) { b.say("chitchat") }, false},
		{"survives a message", []func(*bench) tracker.Event{reminder("r", minute, false)}, func(b *bench) { b.say("chitchat") }, true},
		{"killed by a restart", []func(*bench) tracker.Event{reminder("r", minute, false)}, func(b *bench) { b.say("restart") }, false},
		{"cancelled", []func(*bench) tracker.Event{reminder("r", minute, true), cancel(tracker.ReminderCancelled{})}, nil, false},
		{"cancelled by name", []func(*bench) tracker.Event{reminder("r", minute, true), cancel(tracker.ReminderCancelled{Name: "r"})}, nil, false},
		{"another name", []func(*bench) tracker.Event{reminder("r", minute, true), cancel(tracker.ReminderCancelled{Name: "s"})}, nil, true},
		{"another intent", []func(*bench) tracker.Event{reminder("r", minute, true), cancel(tracker.ReminderCancelled{Intent: "greet"})}, nil, true},
		{"same entities", []func(*bench) tracker.Event{reminder("r", minute, true), cancel(tracker.ReminderCancelled{
			Entities: []any{value.NewMap("entity", "dish", "value", "tea")}})}, nil, false},
		{"replaced by a later one", []func(*bench) tracker.Event{reminder("r", minute, true), reminder("r", time.Hour, true)}, nil, false},
		{"overdue", []func(*bench) tracker.Event{reminder("r", -minute, true)}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testDomain, map[string]string{"order": "action_remind", "ask": "utter_greet", "restart": "action_restart"})
			b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
				r := &actions.Result{}
				for _, e := range tt.events {
					r.Events = append(r.Events, e(b))
				}
				return r, nil
			}
			b.say("order")
			if tt.then != nil {
				tt.then(b)
			}
			n := len(b.tracker().Events())
			b.advance(2 * minute)
			if !tt.fires {
				require.Len(t, b.tracker().Events(), n)
				return
			}
			require.Equal(t, []string{"Hello"}, b.out.take())
			require.Equal(t, []string{"dish='tea'", "utter_greet", "bot Hello", "action_listen"}, b.after("EXTERNAL: ask"))
			list, err := b.cfg.Timers.List(t.Context(), "u")
			require.NoError(t, err)
			require.Empty(t, list, "nothing is kept of it")
			require.Empty(t, b.timers.outputs)
		})
	}
}

func TestReminderAfterExpiryStoresNothing(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"order": "action_remind", "ask": "utter_greet"})
	b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
		due := b.clock.Now().Add(2 * time.Hour).Format("2006-01-02T15:04:05.000000-07:00")
		return &actions.Result{Events: []tracker.Event{&tracker.ReminderScheduled{Intent: "ask", Name: "r", DateTime: due}}}, nil
	}
	b.say("order")
	n := len(b.tracker().Events())
	b.advance(3 * time.Hour)
	require.Len(t, b.tracker().Events(), n)
}

func TestCloseStopsReminders(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"order": "action_remind", "ask": "utter_greet"})
	b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
		due := b.clock.Now().Add(time.Minute).Format("2006-01-02T15:04:05.000000-07:00")
		return &actions.Result{Events: []tracker.Event{&tracker.ReminderScheduled{Intent: "ask", Name: "r", DateTime: due}}}, nil
	}
	b.say("order")
	b.Close()
	b.advance(time.Hour)
	require.Empty(t, b.out.take())
}

// TestReminderThatPanics leaves the process and the conversation alone.
func TestReminderThatPanics(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"order": "action_remind", "ask": "action_fail", "greet": "utter_greet"})
	b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.ReminderScheduled{Intent: "ask", Name: "r",
			DateTime: b.clock.Now().Add(time.Minute).Format(time.RFC3339)}}}, nil
	}
	b.runner.do["action_fail"] = func(*tracker.Tracker) (*actions.Result, error) { panic("out of order") }
	b.say("order")
	b.advance(2 * time.Minute)
	require.Contains(t, b.runner.calls, "action_fail")
	require.Equal(t, []string{"Hello"}, b.say("greet"))
}

func TestParseTime(t *testing.T) {
	local := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", s, time.Local)
		require.NoError(t, err)
		return at
	}
	tests := []struct {
		in   string
		want time.Time
		err  bool
	}{
		{in: "2024-03-01T10:20:30.500000", want: local("2024-03-01T10:20:30").Add(500 * time.Millisecond)},
		{in: "2024-03-01T10:20:30", want: local("2024-03-01T10:20:30")},
		{in: "2024-03-01 10:20:30", want: local("2024-03-01T10:20:30")},
		{in: "2024-03-01T10:20:30+02:00", want: time.Date(2024, 3, 1, 8, 20, 30, 0, time.UTC)},
		{in: "2024-03-01T10:20:30Z", want: time.Date(2024, 3, 1, 10, 20, 30, 0, time.UTC)},
		{in: "tomorrow", err: true},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := parseTime(tt.in)
			if tt.err {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.True(t, got.Equal(tt.want), "%s", got)
		})
	}
}

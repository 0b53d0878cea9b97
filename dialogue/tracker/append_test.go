package tracker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

func TestAppendStateEqualsCurrentState(t *testing.T) {
	said := tracker.NewUserUttered("grüezi", value.NewMap("intent", value.NewMap("name", "greet")), "rest", "m1", nil)
	cases := []struct {
		name   string
		events []tracker.Event
	}{
		{"nothing happened", nil},
		{"a turn", []tracker.Event{
			&tracker.ActionExecuted{Name: "action_session_start", Confidence: 1}, &tracker.SessionStarted{}, said,
			&tracker.SlotSet{Key: "town", Value: []any{"Bern", nil, 1.5}},
			&tracker.BotUttered{Text: "hoi", Data: value.NewMap("buttons", []any{})},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tr := tracker.NewFactory(&project.Domain{}).FromEvents("anna", c.events)
			want := string(value.Encode(tr.CurrentState(tracker.EventsAll), value.Compact))
			got := string(tr.AppendState([]byte("x="), value.Compact))
			require.Equal(t, "x="+want, got)
			_, err := value.DecodeObject([]byte(got[2:]))
			require.NoError(t, err)
		})
	}
}

package tracker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TestAddedEntitiesAreShownInTheirMessage checks which message of the output gets entities that were added later.
func TestAddedEntitiesAreShownInTheirMessage(t *testing.T) {
	d, problems := project.ParseDomain([]byte("version: '3.1'\nintents: [greet]\n"), "domain.yml")
	require.NoError(t, problems.Err())
	said := func(entities ...any) tracker.Event {
		return tracker.NewUserUttered("hi", value.NewMap("intent", value.NewMap("name", "greet"), "entities", entities), "rest", "1", nil)
	}
	entity := func(name string) any { return value.NewMap("entity", name) }
	listen := func() tracker.Event { return &tracker.ActionExecuted{Name: "action_listen"} }
	added := func() tracker.Event { return &tracker.EntitiesAdded{Entities: []any{entity("new")}} }
	tests := []struct {
		name   string
		events []tracker.Event
		want   int // entities of the first message
	}{
		{"message with entities", []tracker.Event{listen(), said(entity("old")), added()}, 2},
		{"known entity", []tracker.Event{listen(), said(entity("new")), added()}, 1},
		{"message without entities", []tracker.Event{listen(), said(), added()}, 0},
		{"after featurization", []tracker.Event{listen(), said(entity("old")), &tracker.DefinePrevUserUtteredFeaturization{}, added()}, 2},
		{"after another action", []tracker.Event{listen(), said(entity("old")), &tracker.ActionExecuted{Name: "utter_x"}, added()}, 1},
		{"after a restart", []tracker.Event{listen(), said(entity("old")), &tracker.Restarted{}, added()}, 1},
		{"after a rewind to it", []tracker.Event{listen(), said(entity("old")), listen(), said(entity("x")),
			&tracker.UserUtteranceReverted{}, listen(), added()}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state := tracker.NewFactory(d).FromEvents("u", tt.events).CurrentState(tracker.EventsAll)
			message, _ := state.List("events")[1].(*value.Map)
			require.Len(t, message.Map("parse_data").List("entities"), tt.want)
		})
	}
}

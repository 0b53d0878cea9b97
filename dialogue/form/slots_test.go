package form

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const travelDomain = `
version: "3.1"
intents: [travel, inform, "yes", chat]
entities: [city: {roles: [from, to], groups: [a]}, item]
slots:
  departure: {type: text, mappings: [{type: from_entity, entity: city, role: from}, {type: from_entity, entity: city}]}
  arrival: {type: text, mappings: [{type: from_entity, entity: city, role: to}, {type: from_entity, entity: city}]}
  items: {type: list, mappings: [{type: from_entity, entity: item}]}
  grouped: {type: text, mappings: [{type: from_entity, entity: city, group: a}]}
  sure: {type: bool, mappings: [{type: from_intent, intent: "yes", value: true, not_intent: chat}]}
  note: {type: text, mappings: [{type: from_text, conditions: [{active_loop: trip_form, requested_slot: note}]}]}
  idle: {type: text, mappings: [{type: from_text, intent: chat, conditions: [{active_loop: null}]}]}
  start: {type: text, mappings: [{type: from_trigger_intent, intent: travel, value: trip, conditions: [{active_loop: trip_form}]}]}
  ghost: {type: text, mappings: [{type: from_entity, entity: unknown_entity}]}
  mood: {type: any, mappings: [{type: custom, action: action_mood}]}
forms:
  trip_form: {required_slots: [departure, arrival, note], ignored_intents: [chat]}
actions: [action_mood]
`

// host runs custom actions as functions.
type host struct {
	custom func(name string, t *tracker.Tracker) ([]tracker.Event, error)
	warned []string
}

func (*host) Now() float64 { return 1 }

func (*host) ExtractSlots(context.Context, *tracker.Tracker) ([]tracker.Event, error) {
	return nil, nil
}

func (*host) Run(context.Context, string, *tracker.Tracker) ([]tracker.Event, error) { return nil, nil }

func (h *host) RunCustom(_ context.Context, name string, t *tracker.Tracker) ([]tracker.Event, error) {
	if h.custom == nil {
		return nil, nil
	}
	return h.custom(name, t)
}

func (h *host) WarnNotFilled(_ context.Context, action string, _ error) {
	h.warned = append(h.warned, action)
}

func domain(t *testing.T) *project.Domain {
	t.Helper()
	d, problems := project.ParseDomain([]byte(travelDomain), "domain.yml")
	for _, p := range problems {
		t.Log(p)
	}
	require.NotNil(t, d)
	return d
}

// after returns a conversation whose latest message has the given intent and entities.
func after(d *project.Domain, events []tracker.Event, intent string, entities ...any) *tracker.Tracker {
	parse := value.NewMap("intent", value.NewMap("name", intent), "entities", entities)
	events = append(events, &tracker.ActionExecuted{Name: "action_listen"}, tracker.NewUserUttered("some text", parse, "", "", nil))
	return tracker.NewFactory(d).FromEvents("u", events)
}

func city(v any, more ...any) any {
	return value.NewMap("entity", "city", "value", v).Update(value.NewMap(more...))
}

func TestExtract(t *testing.T) {
	asks := func(slot string) []tracker.Event {
		return []tracker.Event{&tracker.ActiveLoop{Name: "trip_form"}, &tracker.SlotSet{Key: RequestedSlot, Value: slot}}
	}
	item := func(v any) any { return value.NewMap("entity", "item", "value", v) }
	tests := []struct {
		name     string
		before   []tracker.Event
		intent   string
		entities []any
		want     *value.Map
	}{
		{"plain entity fills both outside a form", nil, "inform", []any{city("x")}, value.NewMap("departure", "x", "arrival", "x")},
		{"plain entity fills the requested slot only", asks("arrival"), "inform", []any{city("x")}, value.NewMap("arrival", "x")},
		{"role is unique", asks("note"), "inform", []any{city("x", "role", "to")}, value.NewMap("arrival", "x", "note", "some text")},
		{"last of several values", nil, "inform", []any{city("x", "role", "from"), city("y", "role", "from")}, value.NewMap("departure", "y")},
		{"list takes all", nil, "inform", []any{item("a"), item("b")}, value.NewMap("items", []any{"a", "b"})},
		{"group", nil, "inform", []any{city("x", "group", "a")}, value.NewMap("grouped", "x")},
		{"null over an unset slot", nil, "inform", []any{city(nil)}, &value.Map{}},
		{"null over a set slot", []tracker.Event{&tracker.SlotSet{Key: "arrival", Value: "z"}}, "inform", []any{city(nil)}, value.NewMap("arrival", nil)},
		{"intent", nil, "yes", nil, value.NewMap("sure", true)},
		{"text while the slot is requested", asks("note"), "inform", nil, value.NewMap("note", "some text")},
		{"ignored intent", asks("note"), "chat", []any{city("x", "role", "to")}, &value.Map{}},
		{"rejected form", append(asks("note"), &tracker.ActionExecutionRejected{Name: "trip_form"}), "inform", nil, &value.Map{}},
		{"no active loop", nil, "chat", nil, value.NewMap("idle", "some text")},
		{"trigger intent in the form", asks("departure"), "travel", nil, value.NewMap("start", "trip")},
		{"trigger intent outside", nil, "travel", nil, &value.Map{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := domain(t)
			events, err := NewSlots(d).Extract(t.Context(), &host{}, after(d, tt.before, tt.intent, tt.entities...))
			require.NoError(t, err)
			got := &value.Map{}
			for _, e := range events {
				s := e.(*tracker.SlotSet)
				require.InDelta(t, 1, s.Timestamp, 0)
				got.Set(s.Key, s.Value)
			}
			require.Equal(t, string(value.Encode(tt.want, value.JSON)), string(value.Encode(got, value.JSON)))
		})
	}
}

func TestExtractionActions(t *testing.T) {
	fault := errors.New("fault")
	tests := []struct {
		name    string
		events  []tracker.Event
		err     error
		want    int
		wantErr error
		warned  bool
	}{
		{name: "only slots count", events: []tracker.Event{&tracker.SlotSet{Key: "mood", Value: 1.5}, &tracker.BotUttered{Text: "x"},
			&tracker.Restarted{}}, want: 1},
		{name: "rejected", err: actions.ErrRejected, warned: true},
		{name: "unavailable", err: actions.ErrUnavailable, warned: true},
		{name: "invalid response", err: actions.ErrInvalidResponse, wantErr: actions.ErrInvalidResponse},
		{name: "another fault", err: fault, wantErr: fault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := domain(t)
			h := &host{custom: func(string, *tracker.Tracker) ([]tracker.Event, error) { return tt.events, tt.err }}
			events, err := NewSlots(d).Extract(t.Context(), h, after(d, nil, "inform"))
			require.ErrorIs(t, err, tt.wantErr)
			require.Len(t, events, tt.want)
			require.Equal(t, tt.warned, len(h.warned) == 1)
		})
	}
}

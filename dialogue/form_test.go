package dialogue

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

var formPlan = map[string]string{
	"order": "order_form", "greet": "utter_greet", "greet utter_greet": "order_form", "stop": "action_deactivate_loop",
}

func TestForm(t *testing.T) {
	b := newBench(t, testDomain, formPlan)
	steps := []struct {
		name, text string
		says       []string
		want       []string
	}{
		{"activation asks", "order", []string{"Which dish?"},
			[]string{"order_form", "loop order_form", "requested_slot='dish'", "bot Which dish?", "action_listen"}},
		{"unhappy path", "greet", []string{"Hello", "Which dish?"},
			[]string{"rejected order_form", "utter_greet", "bot Hello", "order_form", "requested_slot='dish'", "bot Which dish?",
				"action_listen"}},
		{"filled by entity", "inform dish=soup", []string{"Which size?"},
			[]string{"dish='soup'", "order_form", "requested_slot='size'", "bot Which size?", "action_listen"}},
		{"filled by text", "large", nil,
			[]string{"size='large'", "order_form", "requested_slot=None", "loop ", "action_listen"}},
		{"prefilled ends at once", "order dish=rice", nil,
			[]string{"dish='rice'", "order_form", "loop order_form", "dish='rice'", "requested_slot=None", "loop ", "action_listen"}},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			require.Equal(t, s.says, b.say(s.text))
			require.Equal(t, s.want, b.after(s.text))
		})
	}
}

func TestFormDeactivation(t *testing.T) {
	b := newBench(t, testDomain, formPlan)
	b.say("order")
	b.say("stop")
	require.Equal(t, []string{
		"rejected order_form", "action_deactivate_loop", "loop ", "requested_slot=None", "action_listen",
	}, b.after("stop"))
	require.Nil(t, b.tracker().State().Loop)
}

func TestFormValidation(t *testing.T) {
	sets := func(pairs ...any) *actions.Result {
		r := &actions.Result{}
		for i := 0; i < len(pairs); i += 2 {
			r.Events = append(r.Events, &tracker.SlotSet{Key: pairs[i].(string), Value: pairs[i+1]})
		}
		return r
	}
	tests := []struct {
		name, text string
		result     *actions.Result
		err        error
		want       []string
	}{
		{"invalid value", "inform dish=soap", sets("dish", nil), nil,
			[]string{"dish='soap'", "order_form", "dish=None", "requested_slot='dish'", "bot Which dish?", "action_listen"}},
		{"changed value", "inform dish=soup", sets("dish", "Soup"), nil,
			[]string{"dish='soup'", "order_form", "dish='Soup'", "requested_slot='size'", "bot Which size?", "action_listen"}},
		{"chooses the next slot", "inform dish=soup", sets("dish", "Soup", "requested_slot", "size"), nil,
			[]string{"dish='soup'", "order_form", "dish='Soup'", "requested_slot='size'", "bot Which size?", "action_listen"}},
		{"ends the form", "inform dish=soup", sets("requested_slot", nil), nil,
			[]string{"dish='soup'", "order_form", "requested_slot=None", "requested_slot=None", "loop ", "action_listen"}},
		{"fills without extraction", "chitchat", sets("dish", "guess"), nil,
			[]string{"order_form", "dish='guess'", "requested_slot='size'", "bot Which size?", "action_listen"}},
		{"crashes", "inform dish=soup", nil, actions.ErrUnavailable,
			[]string{"dish='soup'", "order_form", "action_listen"}},
		{"rejects", "inform dish=soup", nil, actions.ErrRejected,
			[]string{"dish='soup'", "rejected order_form", "action_listen"}},
		{"rejects by event", "inform dish=soup",
			&actions.Result{Events: []tracker.Event{&tracker.SlotSet{Key: "dish", Value: "S"}, &tracker.ActionExecutionRejected{Name: "order_form"}}}, nil,
			[]string{"dish='soup'", "dish='S'", "rejected order_form", "action_listen"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, withAction(testDomain, "validate_order_form"), formPlan)
			b.say("order")
			b.runner.do["validate_order_form"] = func(seen *tracker.Tracker) (*actions.Result, error) {
				require.Equal(t, "order_form", seen.State().LatestAction, "the validation action sees the form executed")
				require.Equal(t, "dish", seen.Slot("requested_slot"))
				return tt.result, tt.err
			}
			b.say(tt.text)
			require.Equal(t, tt.want, b.after(tt.text))
		})
	}
}

// TestActivationValidatesPrefilledSlots checks the order: validated values, then what else was extracted.
func TestActivationValidatesPrefilledSlots(t *testing.T) {
	b := newBench(t, withAction(testDomain, "validate_order_form"), formPlan)
	b.runner.do["validate_order_form"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.SlotSet{Key: "dish", Value: "Soup"}}}, nil
	}
	b.runner.do["action_mood"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.SlotSet{Key: "mood", Value: int64(1)}}}, nil
	}
	b.say("order dish=soup")
	require.Equal(t, []string{
		"dish='soup'", "mood=1", "order_form", "loop order_form", "dish='Soup'", "mood=1", "requested_slot='size'",
		"bot Which size?", "action_listen",
	}, b.after("order dish=soup"))
}

func TestAskingByCustomAction(t *testing.T) {
	b := newBench(t, withAction(testDomain, "action_ask_order_form_dish"), formPlan)
	b.runner.do["action_ask_order_form_dish"] = func(seen *tracker.Tracker) (*actions.Result, error) {
		require.Nil(t, seen.Slot("requested_slot"), "the new requested_slot is not set yet")
		return &actions.Result{Responses: []*value.Map{value.NewMap("response", "utter_ask_dish", "text", "Custom")}}, nil
	}
	require.Equal(t, []string{"Custom"}, b.say("order"))
}

func TestValidateSlotMappings(t *testing.T) {
	b := newBench(t, withAction(testDomain, "action_validate_slot_mappings"), nil)
	b.runner.do["action_validate_slot_mappings"] = func(seen *tracker.Tracker) (*actions.Result, error) {
		require.Equal(t, "soup", seen.Slot("dish"))
		return &actions.Result{
			Events:    []tracker.Event{&tracker.SlotSet{Key: "mood", Value: "good"}},
			Responses: []*value.Map{value.NewMap("text", "sent")},
		}, nil
	}
	require.Equal(t, []string{"sent"}, b.say("inform dish=soup"))
	require.Equal(t, []string{"bot sent", "mood='good'", "dish='soup'", "action_listen"}, b.after("inform dish=soup"))
}

package dialogue

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
)

func TestTwoStageFallback(t *testing.T) {
	const two = "action_two_stage_fallback"
	plan := map[string]string{"nlu_fallback": two, "greet": "utter_greet"}
	start := []string{two, "loop " + two, "bot Did you mean 'nlu_fallback'?", "action_listen"}
	type step struct {
		text string
		want []string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"affirmed", []step{{"nlu_fallback", start}, {"greet", []string{
			two, "loop ", "<rewind>", "action_listen", "user greet", "utter_greet", "bot Hello", "action_listen"}}}},
		{"denied and rephrased", []step{{"nlu_fallback", start},
			{"out_of_scope", []string{two, "action_listen"}},
			{"greet", []string{two, "loop ", "<rewind>", "action_listen", "user greet", "utter_greet", "bot Hello", "action_listen"}}}},
		{"fallback twice in a row", []step{{"nlu_fallback", start},
			{"nlu_fallback", []string{two, "loop ", "bot Sorry?", "<rewind>", "action_listen"}}}},
		{"denied twice", []step{{"nlu_fallback", start}, {"out_of_scope", []string{two, "action_listen"}},
			{"nlu_fallback", []string{two, "bot Did you mean 'nlu_fallback'?", "action_listen"}},
			{"out_of_scope", []string{two, "loop ", "bot Sorry?", "<rewind>", "action_listen"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, testDomain, plan)
			for _, s := range tt.steps {
				before := len(b.stored())
				b.say(s.text)
				all := lines(b.stored())[before:]
				if before == 0 {
					all = all[3:]
				}
				require.Equal(t, append([]string{"user " + s.text}, s.want...), all)
			}
		})
	}
}

// stored returns the stored events of user u, none before the first message.
func (b *bench) stored() []tracker.Event {
	conv, err := b.store.LoadAll(b.t.Context(), b.model.Trackers, "u")
	require.NoError(b.t, err)
	if conv.Tracker == nil {
		return nil
	}
	return conv.Tracker.Events()
}

func TestClarifiedMessageHasFullConfidence(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"nlu_fallback": "action_two_stage_fallback"})
	b.say("nlu_fallback")
	b.say("greet dish=soup")
	var messages []*tracker.UserUttered
	for _, e := range b.stored() {
		if u, ok := e.(*tracker.UserUttered); ok {
			messages = append(messages, u)
		}
	}
	require.Len(t, messages, 3)
	require.Equal(t, messages[1].Text, messages[2].Text)
	require.NotSame(t, messages[1], messages[2])
	require.Equal(t, 1.0, messages[2].ParseData.Map("intent").Value("confidence"))
	require.Equal(t, "soup", b.tracker().Slot("dish"), "slots are extracted again")
}

func TestBackAndRevert(t *testing.T) {
	b := newBench(t, testDomain, map[string]string{"back": "action_back", "greet": "utter_greet", "stop": "action_revert_fallback_events"})
	b.say("greet dish=soup")
	b.say("inform dish=rice")
	b.say("back")
	require.Equal(t, []string{"action_back", "<rewind>", "<rewind>", "action_listen"}, b.after("back"))
	require.Equal(t, "soup", b.tracker().Slot("dish"))
	b.say("stop")
	require.Equal(t, []string{"action_revert_fallback_events", "action_listen"}, b.after("stop"))
}

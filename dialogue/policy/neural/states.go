package neural

import "github.com/parleybot/parley/dialogue/policy/state"

// ChooseInput decides what the network sees of the user's messages: the last one by its text or by its intent, those
// before by their intent when they have one (_choose_last_user_input of tracker_featurizers.py). states are changed.
func ChooseInput(states []state.State, useText bool) {
	for i := range states {
		s := &states[i]
		u := s.User
		if u == nil {
			continue
		}
		if i == len(states)-1 && s.Prev.IsListen() {
			switch {
			case useText && (u.Intent != "" || len(u.Entities) > 0):
				s.User = &state.User{Text: u.Text}
				continue
			case !useText && u.Text != "":
				s.User = &state.User{Intent: u.Intent, Entities: u.Entities}
				continue
			}
		}
		*s = s.WithoutTextIfIntent()
	}
}

package project

import (
	"slices"
	"sort"
)

// defaultActions are in every domain, action_listen first (rasa/shared/core/constants.py DEFAULT_ACTION_NAMES,
// 3.6.21).
var defaultActions = []string{
	"action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
	"action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase",
	"action_two_stage_fallback", "action_unlikely_intent", "action_back", "...", "action_extract_slots",
}

// DefaultActions returns the names of the actions every domain has, in Rasa's order.
func DefaultActions() []string { return slices.Clone(defaultActions) }

// nameActions fills actionNames as Domain.__init__ does action_names_or_texts: default actions, the project's
// actions and its responses by name, forms, bot texts of end-to-end stories.
func (d *Domain) nameActions() {
	var responses []string
	for _, r := range d.Responses {
		if !slices.Contains(d.UserActions, r.Name) {
			responses = append(responses, r.Name)
		}
	}
	sort.Strings(responses)
	user := append(slices.Clone(d.UserActions), responses...)
	d.userActionSet = make(map[string]bool, len(user))
	names := slices.Clone(defaultActions)
	for _, name := range user {
		d.userActionSet[name] = true
		if !slices.Contains(defaultActions, name) {
			names = append(names, name)
		}
	}
	for _, f := range d.Forms {
		if !slices.Contains(d.UserActions, f.Name) {
			names = append(names, f.Name)
		}
	}
	d.actionNames = append(names, d.E2EActions...)
}

// finish fills the indexes.
func (d *Domain) finish() {
	d.actionIndex = indexOf(d.actionNames, func(s string) string { return s })
	d.slotIndex = indexOf(d.Slots, func(s Slot) string { return s.Name })
	d.intentIndex = indexOf(d.Intents, func(i Intent) string { return i.Name })
	d.entityIndex = indexOf(d.Entities, func(e Entity) string { return e.Name })
	d.responseIndex = indexOf(d.Responses, func(r Response) string { return r.Name })
	d.formIndex = indexOf(d.Forms, func(f Form) string { return f.Name })
}

// indexOf maps names to positions; the first of several counts.
func indexOf[T any](items []T, name func(T) string) map[string]int {
	index := make(map[string]int, len(items))
	for i, item := range items {
		if _, ok := index[name(item)]; !ok {
			index[name(item)] = i
		}
	}
	return index
}

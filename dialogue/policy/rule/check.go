package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// fingerprint is what an action sets in some rule (rasa/core/training/training.py).
type fingerprint struct{ slots, loops map[string]bool }

// fingerprints collects the slots and loops that are set behind each action in the rules.
func (t *trainer) fingerprints() map[string]*fingerprint {
	feats := state.NewFeaturizer(t.data.Domain)
	out := map[string]*fingerprint{}
	for _, tr := range t.rules {
		action := ""
		for _, e := range tr.Events() {
			switch e := e.(type) {
			case *tracker.ActionExecuted:
				action = nameOrText(e)
				continue
			case *tracker.UserUttered:
				action = "" // slots behind it come from entities
				continue
			}
			if action == "" {
				continue
			}
			f := out[action]
			if f == nil {
				f = &fingerprint{map[string]bool{}, map[string]bool{}}
				out[action] = f
			}
			switch e := e.(type) {
			case *tracker.SlotSet:
				if feats.HasFeatures(e.Key) {
					f.slots[e.Key] = true
				}
			case *tracker.ActiveLoop:
				f.loops[e.Name] = true
			}
		}
	}
	return out
}

// checkIncomplete finds actions that do not set what they set in other rules (_check_for_incomplete_rules).
func (t *trainer) checkIncomplete() error {
	prints := t.fingerprints()
	var found project.Problems
	for _, tr := range t.rules {
		states := tr.States()
		for i, s := range states {
			next := tracker.ActionListen
			if i+1 < len(states) {
				next = actionName(states[i+1])
			}
			action := actionName(s)
			f := prints[action]
			if action == "" || f == nil || next == training.SnippetAction || action == training.SnippetAction {
				continue
			}
			for _, text := range f.missing(action, s, tr) {
				found.Errorf(posOf(tr), "%s", text)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &InvalidRuleError{Text: fmt.Sprintf("\nIncomplete rules found🚨\n\n%s\nPlease note that if some slots or active loops "+
		"should not be set during prediction you need to explicitly set them to 'null' in the rules.",
		textOf(found)), Found: found}
}

func actionName(s *state.State) string {
	if s.Prev.IsText {
		return ""
	}
	return s.Prev.Name
}

// missing returns what the state behind the action lacks.
func (f *fingerprint) missing(action string, s *state.State, tr *training.Tracker) []string {
	var out []string
	slots := map[string]bool{}
	for _, slot := range s.Slots {
		slots[slot.Name] = true
	}
	if missing := difference(f.slots, slots); len(missing) > 0 {
		out = append(out, fmt.Sprintf("the action '%s' in rule %s does not set some of the slots that it sets in other "+
			"rules. Slots not set in rule '%s': '%s'. Please update the rule with an appropriate slot or if it is the last "+
			"action add 'wait_for_user_input: false' after this action.",
			action, tr.Source(), tr.Name, strings.Join(missing, ", ")))
	}
	if len(f.loops) == 0 || f.loops[s.Loop] {
		return out
	}
	loops := []string{action}
	for loop := range f.loops {
		if loop == state.ShouldNotBeSet {
			loop = "null"
		}
		if loop != action {
			loops = append(loops, loop)
		}
	}
	slices.Sort(loops)
	return append(out, fmt.Sprintf("the form '%s' in rule %s does not set the 'active_loop', that it sets in other rules: "+
		"'%s'. Please update the rule with the appropriate 'active loop' property or if it is the last action add "+
		"'wait_for_user_input: false' after this action.", action, tr.Source(), strings.Join(loops, ", ")))
}

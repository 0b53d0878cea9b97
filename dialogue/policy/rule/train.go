package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// InvalidRuleError says what is wrong with the rules, with Rasa's words.
type InvalidRuleError struct {
	Text string
	// Found holds each rule or story that is to blame with its place.
	Found project.Problems
}

// Problems returns e.Found.
func (e *InvalidRuleError) Problems() project.Problems { return e.Found }

// posOf is the place of the story or rule that t ends with.
func posOf(t *training.Tracker) project.Pos {
	if n := len(t.Origins); n > 0 {
		return t.Origins[n-1].Pos
	}
	return project.Pos{}
}

// textOf joins what was found to lines.
func textOf(found project.Problems) string {
	lines := make([]string, len(found))
	for i, p := range found {
		lines[i] = "- " + p.What
	}
	return strings.Join(lines, "\n")
}

// Error returns the text of Rasa's exception.
func (e *InvalidRuleError) Error() string {
	return e.Text + "\nYou can find more information about the usage of rules at https://rasa.com/docs/rasa/rules. "
}

// Train implements policy.Component. The error is an *InvalidRuleError when rules are incomplete or contradict others
// or stories.
func (p *Policy) Train(ctx context.Context, data *training.Data) error {
	p.domain = data.Domain
	t := &trainer{p: p, data: data}
	for _, tr := range data.Trackers {
		switch {
		case tr.Augmented:
		case tr.Rule:
			t.rules = append(t.rules, tr)
		default:
			t.stories = append(t.stories, tr)
		}
	}
	if p.RestrictRules {
		if err := t.checkRestriction(); err != nil {
			return err
		}
	}
	if p.CheckForContradictions {
		if err := t.checkIncomplete(); err != nil {
			return err
		}
	}
	t.createLookup()
	if err := p.index(); err != nil {
		return err
	}
	p.finish()
	if p.CheckForContradictions {
		if err := t.analyze(ctx); err != nil {
			return err
		}
		p.hide()
	}
	return nil
}

// trainer holds what is needed only while training.
type trainer struct {
	p              *Policy
	data           *training.Data
	rules, stories []*training.Tracker
}

// example is an action and the states before it.
type example struct {
	tracker *training.Tracker
	states  []*state.State
	action  string
}

// examples calls yield for each action of t that can be learned.
func (t *trainer) examples(tr *training.Tracker, states []*state.State, yield func(example)) {
	n := 0
	for _, e := range tr.Applied() {
		a, ok := e.(*tracker.ActionExecuted)
		if !ok {
			continue
		}
		n++
		if !t.data.Unpredictable(a) {
			yield(example{tr, states[:min(n, len(states))], nameOrText(a)})
		}
	}
}

func nameOrText(a *tracker.ActionExecuted) string {
	if a.Name != "" {
		return a.Name
	}
	return a.ActionText
}

// createLookup is _create_lookup_from_trackers.
func (t *trainer) createLookup() {
	l := &lookup{rules: newEntries(), unhappy: newEntries()}
	ambiguous := map[string]bool{}
	ruleStates, storyStates := map[string]bool{}, map[string]bool{}
	ruleLoops, storyLoops := map[string]bool{}, map[string]bool{}
	for _, tr := range t.rules {
		t.examples(tr, tr.SetStates(), func(x example) {
			collect(x.states, ruleStates, ruleLoops)
			addUnhappy(&l.unhappy, x)
			key := featureKey(x.states)
			if key == "" || ambiguous[key] {
				return
			}
			if known, ok := l.rules.actions[key]; ok && known != x.action {
				ambiguous[key] = true
				l.rules.remove(key)
			} else if !ok {
				l.rules.set(key, x.action, "rule "+tr.Source())
			}
		})
	}
	for _, key := range slices.Clone(l.rules.keys) {
		if l.rules.actions[key] == training.SnippetAction {
			l.rules.remove(key)
		}
	}
	for _, tr := range t.stories {
		t.examples(tr, tr.States(), func(x example) {
			collect(x.states, storyStates, storyLoops)
			addUnhappy(&l.unhappy, x)
		})
	}
	if t.p.CheckForContradictions {
		l.ruleOnlySlots = difference(ruleStates, storyStates)
		l.ruleOnlyLoops = difference(ruleLoops, storyLoops)
	}
	t.p.lookup = *l
}

// collect notes the slots and loops of states.
func collect(states []*state.State, slots, loops map[string]bool) {
	for _, s := range states {
		for _, slot := range s.Slots {
			slots[slot.Name] = true
		}
		if s.Loop != "" {
			loops[s.Loop] = true
		}
	}
}

func difference(a, b map[string]bool) []string {
	var out []string
	for name := range a {
		if !b[name] && name != state.ShouldNotBeSet {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// featureKey is _create_feature_key: the JSON of the states behind the last rule snippet, "" without any.
func featureKey(states []*state.State) string {
	first := len(states)
	for first > 0 && (states[first-1].Prev != state.Action{Name: training.SnippetAction}) {
		first--
	}
	if first == len(states) {
		return ""
	}
	list := make([]state.State, 0, len(states)-first)
	for _, s := range states[first:] {
		list = append(list, s.WithoutTextIfIntent())
	}
	return string(state.AppendList(nil, list))
}

// addUnhappy notes what an example says of the active loop (_create_loop_unhappy_lookup_from_states).
func addUnhappy(e *entries, x example) {
	n := len(x.states)
	if n == 0 {
		return
	}
	last := x.states[n-1]
	loop := last.ActiveLoop()
	if loop == "" {
		return
	}
	states := []*state.State{last}
	if n > 1 && x.states[n-2].Prev.Name != "" {
		states = []*state.State{{Prev: x.states[n-2].Prev}, last}
	}
	key := featureKey(states)
	listens := last.Prev.IsListen()
	switch {
	case key == "":
	case listens && x.action == loop:
		e.set(key, loopWasInterrupted, "")
	case !listens && x.action != loop:
		e.set(key, doNotPredictLoopAction, "")
	}
}

// checkRestriction is _check_rule_restriction.
func (t *trainer) checkRestriction() error {
	var names []string
	var found project.Problems
	for _, tr := range t.rules {
		messages := 0
		for _, e := range tr.Events() {
			if _, ok := e.(*tracker.UserUttered); ok {
				messages++
			}
		}
		if messages > 1 {
			names = append(names, tr.Source())
			found.Errorf(posOf(tr), "rule %q contains more than 1 user message", tr.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &InvalidRuleError{Text: fmt.Sprintf("Found rules %s that contain more than 1 user message. Rules are not meant to "+
		"hardcode a state machine. Please use stories for these cases.", strings.Join(names, ", ")), Found: found}
}

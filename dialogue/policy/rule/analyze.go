package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// analysis runs the trained rules on the conversations they were made of.
type analysis struct {
	p    *Policy
	data *training.Data
	// sources maps the source of each prediction in a rule to the rules that led to it.
	sources map[string][]contribution
	// order are the keys of sources as they were found.
	order []string
	// used are the sources that predict what stories say.
	used  map[string]bool
	found project.Problems
}

// contribution is a rule and the action it wants, or a default action or loop.
type contribution struct {
	rule   string
	action string
}

// analyze finds contradictions, and the rules that are in no story (_analyze_rules).
func (t *trainer) analyze(ctx context.Context) error {
	a := &analysis{p: t.p, data: t.data, sources: map[string][]contribution{}, used: map[string]bool{}}
	for _, tr := range t.rules {
		if err := a.run(ctx, tr, a.collect); err != nil {
			return err
		}
	}
	for _, tr := range t.data.Trackers {
		if tr.Augmented {
			continue
		}
		if err := a.run(ctx, tr, a.check); err != nil {
			return err
		}
	}
	if len(a.found) > 0 {
		return &InvalidRuleError{Text: fmt.Sprintf("\nContradicting rules or stories found 🚨\n\n%s\nPlease update your stories and "+
			"rules so that they don't contradict each other.", textOf(a.found)), Found: a.found}
	}
	all := slices.Clone(a.order)
	for _, intent := range []string{"restart", "back", "session_start"} {
		all = append(all, defaultSource+intent)
	}
	for _, form := range t.data.Domain.Forms {
		all = append(all, loopSource+form.Name, loopSource+form.Name+loopListenSourceSuffix)
	}
	for _, source := range all {
		if !a.used[source] && !slices.Contains(t.p.lookup.notInStories, source) {
			t.p.lookup.notInStories = append(t.p.lookup.notInStories, source)
		}
	}
	return nil
}

// predicted is a prediction in a training conversation: the action, "" for none, and its source.
type predicted struct{ action, source string }

// run predicts every action of tr that rules can predict and hands each to note, with the action that tr has.
func (a *analysis) run(ctx context.Context, tr *training.Tracker, note func(*training.Tracker, predicted, string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	running := tr.Fresh()
	unpredictable := true
	for _, e := range tr.Applied() {
		if x, ok := e.(*tracker.ActionExecuted); ok {
			switch {
			case x.Name == training.SnippetAction:
				unpredictable = true
			case unpredictable || a.data.Unpredictable(x):
				unpredictable = false
			default:
				gold := nameOrText(x)
				found, err := a.predict(running, gold)
				if err != nil {
					return fmt.Errorf("checking %s: %w", tr.Source(), err)
				}
				note(tr, found, gold)
			}
		}
		running.Update(e)
	}
	return nil
}

// predict is _predicted_action_name: where the active loop is predicted but another action follows, the loop is
// rejected first.
func (a *analysis) predict(running *training.Tracker, gold string) (predicted, error) {
	found, err := a.next(running)
	loop := activeLoop(running.Now())
	if err != nil || loop == "" || found.action == gold || found.action != loop {
		return found, err
	}
	running.Update(&tracker.ActionExecutionRejected{Name: loop, Confidence: tracker.NoConfidence})
	return a.next(running)
}

// next is _predict_next_action: rules always predict something, stories only what a rule says.
func (a *analysis) next(running *training.Tracker) (predicted, error) {
	states := running.States()
	past := past{list: states}
	o := a.p.predict(running.Now(), &past)
	scores, known := a.p.scores[o.action]
	if !known {
		return predicted{}, unknownAction(o.action)
	}
	found := predicted{source: o.source}
	switch {
	case o.rule != nil:
		found.source = o.rule.key
	case o.source == "":
		found.source = featureKey(states)
	}
	if running.Rule || !slices.Equal(scores, a.p.scores[""]) {
		found.action = a.p.domain.ActionNames()[argmax(scores)]
	}
	return found, nil
}

func argmax(scores []float64) int {
	best := 0
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	return best
}

// collect is _collect_sources.
func (a *analysis) collect(tr *training.Tracker, found predicted, gold string) {
	if found.source == "" {
		return
	}
	c := contribution{rule: tr.Source(), action: gold}
	if strings.HasPrefix(found.source, defaultSource) || strings.HasPrefix(found.source, loopSource) {
		c = contribution{rule: "'" + found.source + "'", action: found.action}
	}
	if _, ok := a.sources[found.source]; !ok {
		a.order = append(a.order, found.source)
	}
	a.sources[found.source] = append(a.sources[found.source], c)
}

// check notes contradictions (_check_prediction) and the rules that stories contain.
func (a *analysis) check(tr *training.Tracker, found predicted, gold string) {
	if !tr.Rule && found.action == gold {
		a.used[found.source] = true
	}
	if found.action == "" || found.source == "" || found.action == gold {
		return
	}
	if !tr.Rule && a.shouldDelete(found) {
		a.p.rules.remove(found.source)
		a.p.lookup.rules.remove(found.source)
		return
	}
	if _, ok := a.sources[found.source]; !ok {
		a.order = append(a.order, found.source)
		a.sources[found.source] = nil
	}
	var rules []string
	for _, c := range a.sources[found.source] {
		if c.action != gold && !slices.Contains(rules, c.rule) {
			rules = append(rules, c.rule)
		}
	}
	if len(rules) == 0 {
		return
	}
	kind := "story"
	if tr.Rule {
		kind = "rule"
	}
	text := fmt.Sprintf("the prediction of the action '%s' in %s %s is contradicting with rule(s) %s",
		gold, kind, tr.Source(), strings.Join(rules, ", "))
	if found.action != a.p.FallbackAction {
		text += fmt.Sprintf(" which predicted action '%s'", found.action)
	}
	a.found.Errorf(posOf(tr), "%s.", text)
}

// shouldDelete reports whether the rule only says to listen after an action that in other rules is followed by more
// (_should_delete).
func (a *analysis) shouldDelete(found predicted) bool {
	if strings.Count(found.source, "prev_action") > 1 || found.action != tracker.ActionListen || len(found.source) < 2 {
		return false
	}
	prefix := found.source[:len(found.source)-2]
	return slices.ContainsFunc(a.p.lookup.rules.keys, func(key string) bool {
		return key != found.source && strings.HasPrefix(key, prefix)
	})
}

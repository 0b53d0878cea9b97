package rule

import (
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
)

// What a state inside a loop says of the loop, beside rules.
const (
	loopWasInterrupted     = "loop_was_interrupted"
	doNotPredictLoopAction = "do_not_predict_loop_action"
	defaultSource          = "predicting default action with intent "
	loopSource             = "handling active loops and forms - "
	loopListenSourceSuffix = " - " + tracker.ActionListen
	kindRule               = "rule"
	kindLoop               = "loop"
	kindDefault            = "default_action"
	kindFallback           = "fallback"
	kindNone               = "none"
)

// outcome is what the policy decided.
type outcome struct {
	// action is "" when nothing was predicted.
	action string
	kind   string
	// rule is the rule that matched, even when it led to no action.
	rule *compiled
	// source is what Rasa calls the prediction source; for rules it is the rule's key and left out here.
	source string
	// interrupted tells the loop that it returns from an unhappy path.
	interrupted      bool
	endToEnd, noUser bool
}

// predict is RulePolicy._predict. now is the tracker's own state, past the replayed one.
func (p *Policy) predict(now *tracker.State, past *past) outcome {
	var byText outcome
	if now.LatestAction == tracker.ActionListen {
		byText = p.byRules(now, past, true)
	}
	if o, ok := defaultAction(now); ok && byText.action == "" {
		return o
	}
	if o, ok := happyLoop(now); ok {
		return o
	}
	if byText.action != "" {
		byText.endToEnd = true
		return byText
	}
	byIntent := p.byRules(now, past, false)
	byIntent.interrupted = byIntent.interrupted || byText.interrupted
	return byIntent
}

func defaultAction(now *tracker.State) (outcome, bool) {
	if now.LatestAction != tracker.ActionListen {
		return outcome{}, false
	}
	intent := now.LatestMessage.IntentName()
	action, ok := defaultActions[intent]
	if !ok {
		return outcome{}, false
	}
	return outcome{action: action, kind: kindDefault, source: defaultSource + intent}, true
}

// happyLoop runs the active loop after every message, and listens after the loop.
func happyLoop(now *tracker.State) (outcome, bool) {
	loop := activeLoop(now)
	switch {
	case loop == "" || now.Loop.Rejected || now.LatestAction == "":
		return outcome{}, false
	case now.LatestAction != loop:
		return outcome{action: loop, kind: kindLoop, source: loopSource + loop, noUser: true}, true
	}
	return outcome{
		action: tracker.ActionListen, kind: kindLoop, source: loopSource + loop + loopListenSourceSuffix, noUser: true,
	}, true
}

func activeLoop(s *tracker.State) string {
	if s.Loop == nil || s.Loop.Name == state.ShouldNotBeSet {
		return ""
	}
	return s.Loop.Name
}

// byRules is RulePolicy._find_action_from_rules.
func (p *Policy) byRules(now *tracker.State, past *past, useText bool) outcome {
	past.choose(useText)
	best := p.rules.best(past)
	o := outcome{kind: kindRule, rule: best}
	if best != nil {
		o.action = best.action
	}
	if loop := activeLoop(now); loop != "" {
		interrupted, forbidden := p.unhappy.conditions(past)
		if o.action == tracker.ActionListen && best.states[0].activeLoop() == "" {
			if !forbidden {
				// A general rule listens inside the loop: it does not know that the loop is to go on.
				o.action = loop
				return o
			}
			o.action = ""
		}
		o.interrupted = interrupted
	}
	if o.action == "" {
		o.kind = kindNone
	}
	return o
}

// hides reports whether the turn is to be hidden from policies that learn from stories: no story contains it.
func (p *Policy) hides(o *outcome, past *past) bool {
	switch {
	case o.source != "":
		return p.hidden[o.source]
	case o.rule != nil:
		return p.hidden[o.rule.key]
	case p.longestStart == 0:
		return false
	}
	states, ok := past.all(p.longestStart)
	if !ok {
		return false
	}
	return p.hiddenStarts[string(state.AppendList(nil, states))]
}

func (o *outcome) reason(p *Policy) policy.Reason {
	r := policy.Reason{Kind: o.kind, Source: o.source}
	if o.rule != nil {
		r.Key = o.rule.key
		if o.kind != kindNone {
			r.Source = o.rule.source
		}
	}
	if o.kind == kindNone && p.EnableFallback {
		r.Kind = kindFallback
	}
	return r
}

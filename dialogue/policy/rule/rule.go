// Package rule is RulePolicy: it follows the rules of a project, the happy path of forms and the default intents
// /restart, /back and /session_start (rasa/core/policies/rule_policy.py, 3.6.21).
//
// Rasa compares every rule with the conversation; here rules are found by the last action and message first, so that the
// number of rules does not matter. When several match, the one with the longest key wins, as in Rasa.
package rule

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const name = "RulePolicy"

// defaultActions overrule everything but loops and rules about the text of a message.
var defaultActions = map[string]string{
	"restart":       "action_restart",
	"back":          "action_back",
	"session_start": "action_session_start",
}

func init() {
	policy.Policies.Register(component.Spec{
		Name:    name,
		Summary: "Follows rules, handles forms and the default intents, and falls back when nothing else is sure.",
		Source:  "rasa/core/policies/rule_policy.py",
		Fields: []component.Field{
			{Name: "priority", Kind: component.Int, Default: int64(4), Doc: "Decides between policies of equal confidence."},
			{Name: "core_fallback_threshold", Kind: component.Float, Default: 0.3,
				Doc: "Confidence of the fallback action when no rule matches: the least confidence another policy needs."},
			{Name: "core_fallback_action_name", Kind: component.String, Default: "action_default_fallback",
				Doc: "Action to predict when no rule matches."},
			{Name: "enable_fallback_prediction", Kind: component.Bool, Default: true,
				Doc: "Whether the fallback action is predicted at all."},
			{Name: "restrict_rules", Kind: component.Bool, Default: true,
				Doc: "Whether a rule may hold one message of the user only."},
			{Name: "check_for_contradictions", Kind: component.Bool, Default: true,
				Doc: "Whether rules and stories are checked for contradictions."},
			{Name: "use_nlu_confidence_as_score", Kind: component.Bool, Default: false,
				Doc: "Whether the confidence of the intent is taken for that of the action."},
			{Name: "max_history", Kind: component.Any, Doc: "Not used: rules have any length."},
		},
	}, func(cfg component.Config) (policy.Component, error) {
		p := &Policy{}
		return p, cfg.Decode(&p.options)
	})
}

type options struct {
	Priority               int     `option:"priority"`
	FallbackThreshold      float64 `option:"core_fallback_threshold"`
	FallbackAction         string  `option:"core_fallback_action_name"`
	EnableFallback         bool    `option:"enable_fallback_prediction"`
	RestrictRules          bool    `option:"restrict_rules"`
	CheckForContradictions bool    `option:"check_for_contradictions"`
	UseNLUConfidence       bool    `option:"use_nlu_confidence_as_score"`
}

// Policy is a RulePolicy.
type Policy struct {
	options
	domain  *project.Domain
	lookup  lookup
	rules   *index
	unhappy *index
	// hidden are the sources that occur in no story: keys of rules, and the texts for default actions and loops.
	hidden map[string]bool
	// hiddenStarts are those hidden keys that begin with the start of a conversation, up to longestStart states.
	hiddenStarts map[string]bool
	longestStart int

	history *state.History
	// scores are the probabilities by action.
	scores map[string][]float64
}

var (
	_ policy.Component        = (*Policy)(nil)
	_ policy.RuleOnlyProvider = (*Policy)(nil)
	_ policy.DomainChecker    = (*Policy)(nil)
)

// Name implements policy.Policy.
func (p *Policy) Name() string { return name }

// Priority implements policy.Component.
func (p *Policy) Priority() int { return p.options.Priority }

// UsesRules implements policy.Component.
func (p *Policy) UsesRules() bool { return true }

// Window implements policy.Component.
func (p *Policy) Window() int { return 0 }

// RuleOnly returns the slots and loops that occur in rules but not in stories.
func (p *Policy) RuleOnly() state.RuleOnly {
	return state.RuleOnly{Slots: p.lookup.ruleOnlySlots, Loops: p.lookup.ruleOnlyLoops}
}

// CheckDomain refuses a fallback action that is not in the domain.
func (p *Policy) CheckDomain(d *project.Domain) error {
	if _, ok := d.ActionIndex(p.FallbackAction); p.FallbackAction != "" && !ok {
		return fmt.Errorf("the fallback action '%s' which was configured for the %s must be present in the domain",
			p.FallbackAction, name)
	}
	return nil
}

// Connect implements policy.Component.
func (p *Policy) Connect(h *state.History) {
	p.history = h
	p.finish()
}

// finish computes what prediction needs.
func (p *Policy) finish() {
	p.scores = map[string][]float64{}
	p.scores[""] = p.newScores("", 0)
	for _, a := range p.domain.ActionNames() {
		p.scores[a] = p.newScores(a, 1)
	}
}

// newScores returns the fallback's score and that of action.
func (p *Policy) newScores(action string, score float64) []float64 {
	scores := make([]float64, len(p.domain.ActionNames()))
	if i, ok := p.domain.ActionIndex(p.FallbackAction); ok && p.EnableFallback {
		scores[i] = p.FallbackThreshold
	}
	if i, ok := p.domain.ActionIndex(action); ok {
		scores[i] = score
	}
	return scores
}

// Predict implements policy.Policy. The scores are shared: they must not be changed.
func (p *Policy) Predict(_ context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	past := pasts.Get().(*past)
	defer past.release()
	past.cursor, past.live = p.history.Now(t), true
	o := p.predict(t.State(), past)
	scores, known := p.scores[o.action]
	if !known {
		return policy.Prediction{}, unknownAction(o.action)
	}
	if p.UseNLUConfidence && o.action != "" {
		scores = p.newScores(o.action, confidence(t.State().LatestMessage))
	}
	prediction := policy.Prediction{
		Probabilities: scores, Policy: name, Priority: p.options.Priority,
		EndToEnd: o.endToEnd, NoUser: o.noUser, HideRuleTurn: p.hides(&o, past), Reason: o.reason(p),
	}
	if o.interrupted {
		prediction.Events = []tracker.Event{&tracker.LoopInterrupted{IsInterrupted: true}}
	}
	return prediction, nil
}

func unknownAction(action string) error {
	return fmt.Errorf("cannot access action '%s', as that name is not a registered action for this domain", action)
}

func confidence(u *tracker.UserUttered) float64 {
	v, ok := u.Intent.Get("confidence")
	if !ok {
		return 1
	}
	f, _ := value.ToFloat(v)
	return f
}

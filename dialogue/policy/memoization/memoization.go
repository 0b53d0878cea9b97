// Package memoization has the policies that repeat stories word for word: MemoizationPolicy looks the last max_history
// states up in the stories, AugmentedMemoizationPolicy also forgets the beginning of a conversation step by step until
// what is left is part of a story (rasa/core/policies/memoization.py, 3.6.21).
package memoization

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

const (
	plainName     = "MemoizationPolicy"
	augmentedName = "AugmentedMemoizationPolicy"
	source        = "rasa/core/policies/memoization.py"
)

func init() {
	fields := []component.Field{
		{Name: "priority", Kind: component.Int, Default: int64(3), Doc: "Decides between policies of equal confidence."},
		{Name: "max_history", Kind: component.Int, Doc: "Number of states to look up; null means the whole conversation."},
		{Name: "use_nlu_confidence_as_score", Kind: component.Bool, Default: false,
			Doc: "Whether the confidence of the intent is taken for that of the action."},
		{Name: "enable_feature_string_compression", Kind: component.Bool, Default: true,
			Doc: "Not used: stored stories are never compressed."},
	}
	policy.Policies.Register(component.Spec{
		Name: plainName, Summary: "Predicts what a story says when the conversation is the same as in the story.",
		Source: source, Fields: fields,
	}, func(cfg component.Config) (policy.Component, error) { return build(cfg, plainName) })
	policy.Policies.Register(component.Spec{
		Name: augmentedName, Summary: "As MemoizationPolicy, and forgets the beginning of a conversation until a story fits.",
		Source: source, Fields: fields,
	}, func(cfg component.Config) (policy.Component, error) { return build(cfg, augmentedName) })
}

type options struct {
	Priority         int  `option:"priority"`
	MaxHistory       *int `option:"max_history"`
	UseNLUConfidence bool `option:"use_nlu_confidence_as_score"`
}

func build(cfg component.Config, name string) (policy.Component, error) {
	p := &Policy{name: name}
	if err := cfg.Decode(&p.options); err != nil {
		return nil, err
	}
	if h := p.options.MaxHistory; h != nil {
		if *h < 0 {
			return nil, cfg.OptionError("max_history", "must not be negative, not %d", *h)
		}
		p.maxHistory = *h
	}
	return p, nil
}

// Policy is a MemoizationPolicy or an AugmentedMemoizationPolicy.
type Policy struct {
	options
	name string
	// maxHistory is 0 for the whole conversation.
	maxHistory int
	domain     *project.Domain
	turns      []turn
	lookup     map[uint64]*turn
	longest    int
	history    *state.History
	none       []float64
}

// turn is what a story says after a sequence of states.
type turn struct {
	// key is the list of states as Rasa stores it, without compression.
	key    string
	action string
	source string
	scores []float64
}

var _ policy.Component = (*Policy)(nil)

// Name implements policy.Policy.
func (p *Policy) Name() string { return p.name }

// Priority implements policy.Component.
func (p *Policy) Priority() int { return p.options.Priority }

// UsesRules implements policy.Component.
func (p *Policy) UsesRules() bool { return false }

// Window implements policy.Component.
func (p *Policy) Window() int { return p.maxHistory }

// Connect implements policy.Component.
func (p *Policy) Connect(h *state.History) {
	p.history = h
	p.none = make([]float64, len(p.domain.ActionNames()))
	byAction := map[string][]float64{}
	for i := range p.turns {
		t := &p.turns[i]
		if _, ok := byAction[t.action]; !ok {
			byAction[t.action] = p.scores(t.action, 1)
		}
		t.scores = byAction[t.action]
	}
}

// scores returns the probabilities with one action set, nil when the domain does not know it.
func (p *Policy) scores(action string, score float64) []float64 {
	i, ok := p.domain.ActionIndex(action)
	if !ok {
		return nil
	}
	out := make([]float64, len(p.domain.ActionNames()))
	out[i] = score
	return out
}

// Predict implements policy.Policy. The scores are shared: they must not be changed.
func (p *Policy) Predict(_ context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	out := policy.Prediction{Probabilities: p.none, Policy: p.name, Priority: p.options.Priority, Reason: policy.Reason{Kind: "none"}}
	found := p.recall(t)
	if found == nil {
		return out, nil
	}
	if found.scores == nil {
		return out, fmt.Errorf("cannot access action '%s', as that name is not a registered action for this domain", found.action)
	}
	out.Probabilities = found.scores
	if p.UseNLUConfidence {
		out.Probabilities = p.scores(found.action, confidence(t.State().LatestMessage))
	}
	out.Reason = policy.Reason{Kind: "story", Source: found.source, Key: found.key}
	return out, nil
}

func (p *Policy) recall(t *tracker.Tracker) *turn {
	if len(p.lookup) == 0 {
		return nil
	}
	found := p.lookup[p.history.Sequence(t).Key(p.maxHistory)]
	if found != nil || p.name == plainName {
		return found
	}
	p.history.RecallTruncated(t, p.maxHistory, p.longest, func(key uint64) bool {
		found = p.lookup[key]
		return found != nil
	})
	return found
}

func confidence(u *tracker.UserUttered) float64 {
	v, ok := u.Intent.Get("confidence")
	if !ok {
		return 1
	}
	f, _ := value.ToFloat(v)
	return f
}

// Package ted has TEDPolicy: a transformer over the last turns of a conversation chooses the next action
// (rasa/core/policies/ted_policy.py, 3.6.21). It learns from stories; with end-to-end stories also from the texts of
// users and of the bot.
package ted

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/neural"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const (
	name = "TEDPolicy"
	// prefix is that of the names of Rasa's files.
	prefix = "ted_policy"
)

var (
	fields   = append(neural.Fields(), neural.LossFields()...)
	defaults = neural.Defaults(fields)
)

func init() {
	policy.Policies.Register(component.Spec{
		Name: name, Summary: "Predicts the next action by a neural network that has learnt from stories.",
		Source: "rasa/core/policies/ted_policy.py", Fields: fields,
	}, build)
}

func build(cfg component.Config) (policy.Component, error) {
	p := &Policy{env: cfg.Env.WithDefaults(), given: cfg.Options}
	err := p.options.Decode(cfg, defaults)
	if err == nil {
		p.setup, err = neural.SetupOf(cfg, &p.options, neural.MaxHistoryFeaturizer)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Policy is TEDPolicy.
type Policy struct {
	options neural.Options
	// given are the options as they were written.
	given  *value.Map
	setup  neural.Setup
	env    component.Env
	domain *project.Domain
	// model is nil until something was learnt.
	model *neural.Model
	spec  *neural.Spec
	// labels has the index of the action for each label.
	labels  []int
	history *state.History
	// reader reads texts for end-to-end models, nil for none.
	reader policy.TextReader
	none   []float64
	// memo has the probabilities by the turns that were looked at.
	memo *neural.Memo[[]float64]
}

var (
	_ policy.Component  = (*Policy)(nil)
	_ policy.Bounded    = (*Policy)(nil)
	_ policy.RasaLoader = (*Policy)(nil)
	_ policy.ReadsTexts = (*Policy)(nil)
)

// Name implements policy.Policy.
func (p *Policy) Name() string { return name }

// Priority implements policy.Component.
func (p *Policy) Priority() int { return p.options.Priority }

// UsesRules implements policy.Component.
func (p *Policy) UsesRules() bool { return false }

// Window implements policy.Component.
func (p *Policy) Window() int {
	switch {
	case p.model == nil:
		return 0
	case p.model.Window() == 0:
		return state.Everything
	}
	return p.model.Window()
}

// Connect implements policy.Component.
func (p *Policy) Connect(h *state.History) { p.history = h }

// ReadTexts implements policy.ReadsTexts.
func (p *Policy) ReadTexts(r policy.TextReader) { p.reader = r }

// LoadRasa implements policy.RasaLoader.
func (p *Policy) LoadRasa(d *project.Domain, r component.Resource) error {
	spec, err := neural.ReadRasa(r, prefix, defaults)
	if err != nil {
		return err
	}
	return p.use(d, spec)
}

// use makes a trained network ready; nil stands for none.
func (p *Policy) use(d *project.Domain, spec *neural.Spec) (err error) {
	p.domain, p.spec, p.model, p.memo = d, spec, nil, &neural.Memo[[]float64]{}
	p.none = make([]float64, len(d.ActionNames()))
	if spec == nil {
		return nil
	}
	if p.model, err = neural.NewModel(spec, neural.NewTexts(p.reader, spec)); err != nil {
		return err
	}
	p.labels = make([]int, p.model.Labels())
	for i := range p.labels {
		p.labels[i] = -1
	}
	for action, i := range spec.Tables[neural.ActionName] {
		index, ok := d.ActionIndex(action)
		if !ok || i >= len(p.labels) {
			return fmt.Errorf("the model has learnt the action %q, which the domain does not have", action)
		}
		p.labels[i] = index
	}
	return nil
}

// onlyText reports whether all users' messages of the stories counted by their text.
func (p *Policy) onlyText() bool { return p.model.Reads(neural.Text) && !p.model.Reads(neural.Intent) }

// Bound implements policy.Bounded.
func (p *Policy) Bound(t *tracker.Tracker) policy.Bound {
	if p.model == nil {
		return policy.Bound{}
	}
	b := policy.Bound{Confidence: 1, EndToEnd: p.onlyText() || p.model.Reads(neural.Text) && afterListen(t)}
	if p.spec.Options.Confidence != "softmax" {
		b.Confidence = math.Inf(1)
	}
	return b
}

func afterListen(t *tracker.Tracker) bool {
	s := t.State()
	return s.LatestAction == tracker.ActionListen && !s.LatestActionIsText
}

// Predict implements policy.Policy.
func (p *Policy) Predict(ctx context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	out := policy.Prediction{Probabilities: p.none, Policy: name, Priority: p.options.Priority, Reason: policy.Reason{Kind: "none"}}
	if p.model == nil {
		return out, nil
	}
	out.Reason.Kind = "model"
	if p.model.Reads(neural.Text) {
		return p.predictByText(ctx, t, out)
	}
	key := p.history.Sequence(t).Key(p.model.Window())
	if known, ok := p.memo.Get(key); ok {
		out.Probabilities = known
		return out, nil
	}
	seen, err := p.look(ctx, t, false)
	if err != nil {
		return out, err
	}
	out.Probabilities = p.probabilities(seen.confidences)
	p.memo.Put(key, out.Probabilities)
	return out, nil
}

// look is what the network says when the last message counts by its text or by its intent.
type look struct {
	states                    []state.State
	similarities, confidences []float32
}

func (p *Policy) look(ctx context.Context, t *tracker.Tracker, byText bool) (look, error) {
	var buffer [16]state.State
	states := p.history.States(t, p.model.Window(), buffer[:0])
	neural.ChooseInput(states, byText)
	similarities, err := p.model.Similarities(ctx, states, nil)
	if err != nil {
		return look{}, err
	}
	confidences := append([]float32(nil), similarities...)
	p.model.Confidences(confidences)
	return look{slices.Clone(states), similarities, confidences}, nil
}

// predictByText lets the network look at the intent and at the text of the last message and takes what fits better.
func (p *Policy) predictByText(ctx context.Context, t *tracker.Tracker, out policy.Prediction) (policy.Prediction, error) {
	out.EndToEnd = p.onlyText()
	seen, err := p.look(ctx, t, p.onlyText())
	if err != nil {
		return out, err
	}
	if afterListen(t) && !p.onlyText() {
		byText, err := p.look(ctx, t, true)
		if err != nil {
			return out, err
		}
		if float64(best(byText.confidences)) > p.options.E2EThreshold && best(byText.similarities) > best(seen.similarities) {
			seen, out.EndToEnd = byText, true
		}
	}
	out.Probabilities = p.probabilities(seen.confidences)
	if afterListen(t) && out.EndToEnd {
		out.OptionalEvents, err = p.entities(ctx, t, seen.states)
	}
	return out, err
}

// entities returns the event that adds the entities of the last message, nil when there are none.
func (p *Policy) entities(ctx context.Context, t *tracker.Tracker, states []state.State) ([]tracker.Event, error) {
	found, err := p.model.Entities(ctx, states, t.State().LatestMessage.Text)
	if err != nil || found == nil {
		return nil, err
	}
	list := make([]any, len(found))
	for i, e := range found {
		list[i] = e.Set("extractor", name)
	}
	return []tracker.Event{&tracker.EntitiesAdded{Entities: list}}, nil
}

func best(numbers []float32) float32 {
	top := numbers[0]
	for _, v := range numbers[1:] {
		top = max(top, v)
	}
	return top
}

// probabilities puts confidences into the order of the domain's actions, those beyond the ranking set to 0.
func (p *Policy) probabilities(confidences []float32) []float64 {
	neural.RankAndMask(confidences, p.options.RankingLength, p.options.Renormalize && p.options.Confidence == "softmax")
	out := make([]float64, len(p.none))
	for label, c := range confidences {
		if i := p.labels[label]; i >= 0 {
			out[i] = float64(c)
		}
	}
	return out
}

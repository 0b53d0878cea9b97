// Package unexpected has UnexpecTEDIntentPolicy: the network of TEDPolicy predicts which intents fit a conversation, and
// action_unlikely_intent follows one that does not (rasa/core/policies/unexpected_intent_policy.py, 3.6.21).
package unexpected

import (
	"cmp"
	"context"
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
	name = "UnexpecTEDIntentPolicy"
	// prefix is that of the names of Rasa's files.
	prefix         = "unexpected_intent_policy"
	unlikelyIntent = "action_unlikely_intent"
)

type options struct {
	Tolerance     float64  `option:"tolerance"`
	IgnoreIntents []string `option:"ignore_intents_list"`
}

var fields = append(ownDefaults(neural.Fields()),
	component.Field{Name: "tolerance", Kind: component.Float, Default: 0.0,
		Doc: "Share of conversations that do not go on with an intent for which it counts as likely nevertheless."},
	component.Field{Name: "ignore_intents_list", Kind: component.Strings, Default: []any{}, Doc: "Intents that are always likely."},
)

// fixed are the options that cannot be changed.
var fixed = map[string]any{
	"entity_recognition": false, "BILOU_flag": false, "similarity_type": "inner", "loss_type": "cross_entropy",
	"constrain_similarities": true,
}

var defaults = neural.Defaults(fields)

func ownDefaults(fields []component.Field) []component.Field {
	for i := range fields {
		f := &fields[i]
		if v, ok := fixed[f.Name]; ok {
			f.Default, f.Doc = v, "Not used: it cannot be changed."
		}
		switch f.Name {
		case "priority":
			f.Default = int64(2)
		case "ranking_length":
			f.Default, f.Doc = int64(10), "How many intents the ranking in the action's metadata has; 0 for all."
		}
	}
	return fields
}

func init() {
	policy.Policies.Register(component.Spec{
		Name: name, Summary: "Predicts action_unlikely_intent after an intent that no story would expect.",
		Source: "rasa/core/policies/unexpected_intent_policy.py", Fields: fields,
	}, build)
}

func build(cfg component.Config) (policy.Component, error) {
	p := &Policy{env: cfg.Env.WithDefaults()}
	err := cfg.Decode(&p.own)
	cfg = withFixed(cfg)
	p.given = cfg.Options
	if err == nil {
		err = p.options.Decode(cfg, defaults)
	}
	if err == nil {
		p.setup, err = neural.SetupOf(cfg, &p.options, neural.IntentFeaturizer)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// withFixed returns cfg with the options set that cannot be changed.
func withFixed(cfg component.Config) component.Config {
	cfg.Options = cfg.Options.Clone()
	for key, v := range fixed {
		if cfg.Options == nil {
			cfg.Options = &value.Map{}
		}
		cfg.Options.Set(key, v)
	}
	return cfg
}

// Policy is UnexpecTEDIntentPolicy.
type Policy struct {
	options neural.Options
	own     options
	// given are the options of options as they were written.
	given  *value.Map
	setup  neural.Setup
	env    component.Env
	domain *project.Domain
	// model is nil until something was learnt.
	model *neural.Model
	spec  *neural.Spec
	// intents are the intents of the domain; labels has the index in it of each, thresholds what it is measured with.
	intents    []string
	index      map[string]int
	thresholds map[int]float32
	history    *state.History
	// reader reads texts for end-to-end models, nil for none.
	reader   policy.TextReader
	none     []float64
	unlikely []float64
	// memo has the similarities by what came before the message.
	memo *neural.Memo[[]float32]
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

// Window implements policy.Component. One state more is looked at than the network sees: the one with the intent.
func (p *Policy) Window() int {
	switch {
	case p.model == nil:
		return 0
	case p.model.Window() == 0:
		return state.Everything
	}
	return p.model.Window() + 1
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
	p.domain, p.spec, p.model, p.memo = d, spec, nil, &neural.Memo[[]float32]{}
	p.none = make([]float64, len(d.ActionNames()))
	p.unlikely = slices.Clone(p.none)
	if i, ok := d.ActionIndex(unlikelyIntent); ok {
		p.unlikely[i] = 1
	}
	p.index = map[string]int{}
	p.intents = intentsOf(d)
	for i, intent := range p.intents {
		p.index[intent] = i
	}
	if spec == nil {
		return nil
	}
	p.thresholds = thresholds(spec.Quantiles, p.own.Tolerance)
	p.model, err = neural.NewModel(spec, neural.NewTexts(p.reader, spec))
	return err
}

// intentsOf returns the names of all intents, sorted.
func intentsOf(d *project.Domain) []string {
	out := make([]string, len(d.Intents))
	for i := range d.Intents {
		out[i] = d.Intents[i].Name
	}
	return out
}

// thresholds returns the similarity from which on each label is likely (_pick_thresholds).
func thresholds(quantiles map[int][]float32, tolerance float64) map[int]float32 {
	out := make(map[int]float32, len(quantiles))
	for label, q := range quantiles {
		if len(q) > 0 {
			out[label] = q[max(0, min(int(tolerance*float64(len(q))), len(q)-1))]
		}
	}
	return out
}

// Bound implements policy.Bounded.
func (p *Policy) Bound(t *tracker.Tracker) policy.Bound {
	if _, ok := p.query(t); !ok {
		return policy.Bound{}
	}
	return policy.Bound{Confidence: 1}
}

// query returns the intent of the last message; false when there is none, it is not one of the domain, or an action was
// executed since.
func (p *Policy) query(t *tracker.Tracker) (int, bool) {
	if p.model == nil {
		return 0, false
	}
	for a := t.Applied(); a != nil; a = a.Prev {
		switch e := a.Event.(type) {
		case *tracker.ActionExecuted:
			return 0, false
		case *tracker.UserUttered:
			i, ok := p.index[e.IntentName()]
			return i, ok && i < p.model.Labels()
		}
	}
	return 0, false
}

// Predict implements policy.Policy.
func (p *Policy) Predict(ctx context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	out := policy.Prediction{Probabilities: p.none, Policy: name, Priority: p.options.Priority, Reason: policy.Reason{Kind: "none"}}
	intent, ok := p.query(t)
	if !ok {
		return out, nil
	}
	similarities, err := p.similarities(ctx, t)
	if err != nil {
		return out, err
	}
	if p.isUnlikely(intent, similarities) {
		out.Probabilities, out.Reason.Kind = p.unlikely, "model"
	}
	out.Metadata = p.metadata(intent, similarities)
	return out, nil
}

// similarities returns how likely the intents are after what came before the last message.
func (p *Policy) similarities(ctx context.Context, t *tracker.Tracker) ([]float32, error) {
	var buffer [16]state.State
	window := 0
	if n := p.model.Window(); n > 0 {
		window = n + 1
	}
	states := p.history.States(t, window, buffer[:0])
	n := len(states)
	if n == 0 || !states[n-1].Prev.IsListen() || p.model.Reads(neural.Text) {
		return p.compare(ctx, states)
	}
	key := p.history.Sequence(t).Before().Key(p.model.Window())
	if known, ok := p.memo.Get(key); ok {
		return known, nil
	}
	similarities, err := p.compare(ctx, states)
	if err == nil {
		p.memo.Put(key, similarities)
	}
	return similarities, err
}

// compare returns how similar a conversation, whose last message is left out, is to the intents.
func (p *Policy) compare(ctx context.Context, states []state.State) ([]float32, error) {
	neural.ChooseInput(states, false)
	if n := len(states); n > 0 && states[n-1].Prev.IsListen() {
		states = states[:n-1]
	}
	if n := p.model.Window(); n > 0 && len(states) > n {
		states = states[len(states)-n:]
	}
	return p.model.Similarities(ctx, states, nil)
}

// rounding is the share of a threshold by which sums in another order may be off. A threshold is the similarity to some
// example of the training: where that example occurs again the two are equal, however they were computed.
const rounding = 4e-7

// isUnlikely reports whether an intent is less similar than its threshold, and another one is the most similar
// (_check_unlikely_intent).
func (p *Policy) isUnlikely(intent int, similarities []float32) bool {
	threshold, known := p.thresholds[intent]
	if !known || slices.Contains(p.own.IgnoreIntents, p.intents[intent]) {
		return false
	}
	top := 0
	for i, s := range similarities {
		if s >= similarities[top] {
			top = i
		}
	}
	return similarities[intent] < threshold-rounding*float32(math.Abs(float64(threshold))) && intent != top
}

// metadata tells how the intents were measured (_collect_action_metadata).
func (p *Policy) metadata(intent int, similarities []float32) *value.Map {
	order := make([]int, min(len(similarities), len(p.intents)))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(similarities[b], similarities[a]) })
	if n := p.options.RankingLength; n > 0 && n < len(order) {
		order = order[:n]
	}
	ranking := make([]any, len(order))
	for i, label := range order {
		ranking[i] = p.candidate(label, similarities[label])
	}
	return value.NewMap("query_intent", p.candidate(intent, similarities[intent]), "ranking", ranking)
}

func (p *Policy) candidate(label int, score float32) *value.Map {
	m := value.NewMap("name", p.intents[label], "score", float64(score), "threshold", nil, "severity", nil)
	// A threshold of 0 counts as none, as in Rasa.
	if t := p.thresholds[label]; t != 0 {
		m.Set("threshold", float64(t)).Set("severity", float64(t-score))
	}
	return m
}

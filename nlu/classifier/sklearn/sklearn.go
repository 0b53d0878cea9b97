// Package sklearn provides SklearnIntentClassifier, a support vector machine over the dense sentence features of the
// text whose parameters are found by cross-validation (rasa/nlu/classifiers/sklearn_intent_classifier.py, 3.6.21, with
// SVC and GridSearchCV of scikit-learn 1.1.3).
//
// scikit-learn draws the folds behind the probabilities at random, differently every time; here they are always the same.
package sklearn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/svm"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	name = "SklearnIntentClassifier"
	// rankingLength is LABEL_RANKING_LENGTH of rasa/nlu/classifiers/__init__.py.
	rankingLength = 10
	// examplesAFold is how many examples of the rarest intent a fold should have.
	examplesAFold = 5
	// seed is that of the folds for the probabilities.
	seed = 1
)

var spec = component.Spec{
	Name:    name,
	Summary: "Classifies intents by a support vector machine over the dense sentence features of the text.",
	Source:  "rasa/nlu/classifiers/sklearn_intent_classifier.py",
	Fields: []component.Field{
		{Name: "C", Kind: component.List, Default: []any{int64(1), int64(2), int64(5), int64(10), int64(20), int64(100)},
			Doc: "Prices of examples on the wrong side; cross-validation finds the best."},
		{Name: "gamma", Kind: component.List, Default: []any{0.1},
			Doc: "Values of gamma that are tried: numbers, scale or auto. The kernel linear has none."},
		{Name: "kernels", Kind: component.Strings, Default: []any{"linear"}, Choices: svm.Kernels, Doc: "Kernels that are tried: linear, poly, rbf or sigmoid."},
		{Name: "max_cross_validation_folds", Kind: component.Int, Default: int64(5),
			Doc: "How many folds there are at most: less when the rarest intent has fewer than 5 examples for each, but 2 at least."},
		{Name: "scoring_function", Kind: component.String, Default: "f1_weighted", Choices: svm.ScoreNames(),
			Doc: "What cross-validation compares."},
		{Name: "num_threads", Kind: component.Int, Default: int64(1), Doc: "Not used: training runs on all processors."},
	},
	Provides: []string{nlu.RoleClassifier},
	Requires: []string{nlu.RoleDenseFeaturizer},
}

func init() { nlu.Components.Register(spec, build) }

// Classifier is SklearnIntentClassifier.
type Classifier struct {
	Prices  []any    `option:"C"`
	Gammas  []any    `option:"gamma"`
	Kernels []string `option:"kernels"`
	Folds   int      `option:"max_cross_validation_folds"`
	Scoring string   `option:"scoring_function"`

	log      *slog.Logger
	progress func(component.Progress)
	prices   []float64
	kernels  []svm.Kernel
	// intents are those of the model's classes, sorted.
	intents []string
	model   *svm.Model
}

var (
	_ nlu.Trainable     = (*Classifier)(nil)
	_ nlu.FeatureReader = (*Classifier)(nil)
	_ nlu.RasaLoader    = (*Classifier)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	env := cfg.Env.WithDefaults()
	c := &Classifier{log: env.Logger, progress: env.Progress}
	if err := cfg.Decode(c); err != nil {
		return nil, err
	}
	if err := c.readGrid(&cfg); err != nil {
		return nil, err
	}
	if _, ok := svm.Scores[c.Scoring]; !ok {
		return nil, cfg.OptionError("scoring_function", "is %q, possible are %q", c.Scoring, svm.ScoreNames())
	}
	return c, nil
}

// readGrid reads what cross-validation tries, kernel after kernel for each gamma.
func (c *Classifier) readGrid(cfg *component.Config) error {
	for _, v := range c.Prices {
		price, ok := value.ToFloat(v)
		if !ok || price <= 0 {
			return cfg.OptionError("C", "must be positive numbers, not %s", value.Repr(v))
		}
		c.prices = append(c.prices, price)
	}
	for _, v := range c.Gammas {
		for _, kernel := range c.Kernels {
			k := svm.Kernel{Name: kernel, Degree: 3}
			if rule, ok := v.(string); ok && (rule == "scale" || rule == "auto") {
				k.Rule = rule
			} else if k.Gamma, ok = value.ToFloat(v); !ok || k.Gamma <= 0 {
				return cfg.OptionError("gamma", `must be positive numbers, "scale" or "auto", not %s`, value.Repr(v))
			}
			if !slices.Contains(svm.Kernels, kernel) {
				return cfg.OptionError("kernels", "has %q, possible are %q", kernel, svm.Kernels)
			}
			c.kernels = append(c.kernels, k)
		}
	}
	for key, empty := range map[string]bool{"C": len(c.Prices) == 0, "gamma": len(c.Gammas) == 0, "kernels": len(c.Kernels) == 0} {
		if empty {
			return cfg.OptionError(key, "must not be empty")
		}
	}
	return nil
}

// DependsOn implements nlu.Trainable.
func (c *Classifier) DependsOn() nlu.DataParts { return nlu.ExampleTexts }

// ReadsFeatures implements nlu.FeatureReader.
func (c *Classifier) ReadsFeatures() nlu.FeatureType { return nlu.SentenceFeatures }

// Train finds the best parameters and learns with them. With fewer than two intents it stays untrained, as in Rasa.
func (c *Classifier) Train(ctx context.Context, data *nlu.TrainingData) error {
	c.model = nil
	var examples []*nlu.Message
	var intents []string
	for _, m := range data.IntentExamples() {
		if hasFeatures(m) {
			examples = append(examples, m)
			intents = append(intents, m.Value(nlu.Intent))
		}
	}
	slices.Sort(intents)
	intents = slices.Compact(intents)
	if len(intents) < 2 {
		c.log.Warn("there are not two intents in the training data, so none is learnt")
		return nil
	}
	x, y, counts := make([][]float64, len(examples)), make([]int, len(examples)), make([]int, len(intents))
	for i, m := range examples {
		var err error
		if x[i], err = sentence(m); err != nil {
			return fmt.Errorf("example %q: %w", m.Value(nlu.Text), err)
		}
		if len(x[i]) != len(x[0]) {
			return fmt.Errorf("example %q has %d features and not %d like the first", m.Value(nlu.Text), len(x[i]), len(x[0]))
		}
		y[i], _ = slices.BinarySearch(intents, m.Value(nlu.Intent))
		counts[y[i]]++
	}
	search := svm.Search{
		Kernels: c.kernels, Cs: c.prices, Folds: max(2, min(c.Folds, slices.Min(counts)/examplesAFold)),
		Score: svm.Scores[c.Scoring], Seed: seed,
		Progress: func(done, total int) { c.progress(component.Progress{Done: done, Total: total}) },
	}
	model, best, err := search.Run(ctx, x, y, len(intents))
	if err != nil {
		return err
	}
	c.log.Debug("found parameters by cross-validation", "model", fmt.Sprintf("%s, C=%v, gamma=%v", best.Kernel.Name, best.C, best.Kernel.Gamma))
	c.model, c.intents = model, intents
	return nil
}

// hasFeatures tells whether the text has any features (Message.features_present).
func hasFeatures(m *nlu.Message) bool {
	return slices.ContainsFunc(m.Features, func(f nlu.Features) bool { return f.Attribute == nlu.Text })
}

var errNoFeatures = errors.New("there are no dense sentence features; a dense featurizer must find some in every text")

// sentence returns the dense sentence features of the text, those of several featurizers side by side.
func sentence(m *nlu.Message) ([]float64, error) {
	var x []float64
	for i := range m.Features {
		f := &m.Features[i]
		if f.Attribute == nlu.Text && f.Type == nlu.SentenceFeatures && len(f.Dense) > 0 {
			for _, v := range f.Dense[0] {
				x = append(x, float64(v))
			}
		}
	}
	if x == nil {
		return nil, errNoFeatures
	}
	return x, nil
}

// Process sets intent and ranking. Without a model or features both are empty; features that do not fit the model are
// an error, as in Rasa.
func (c *Classifier) Process(_ context.Context, m *nlu.Message) error {
	m.Predicted, m.Ranking = nil, nil
	m.ShowRanking()
	if c.model == nil || !hasFeatures(m) {
		return nil
	}
	x, err := sentence(m)
	if err != nil {
		return err
	}
	if len(x) != c.model.Features {
		return fmt.Errorf("classifying with %d features instead of %d", len(x), c.model.Features)
	}
	probabilities := c.model.Probabilities(x)
	order := make([]int, len(probabilities))
	for i := range order {
		order[i] = len(order) - 1 - i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case probabilities[a] > probabilities[b]:
			return -1
		case probabilities[a] < probabilities[b]:
			return 1
		}
		return 0
	})
	for _, k := range order[:min(len(order), rankingLength)] {
		m.Ranking = append(m.Ranking, nlu.Prediction{Name: c.intents[k], Confidence: probabilities[k]})
	}
	best := m.Ranking[0]
	m.Predicted = &best
	return nil
}

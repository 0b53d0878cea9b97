// Package logisticregression provides LogisticRegressionClassifier, a linear model over the sentence features of the
// text (rasa/nlu/classifiers/logistic_regression_classifier.py, 3.6.21, with LogisticRegression of scikit-learn 1.1.3).
//
// Training minimises the same function along the same path as scikit-learn's lbfgs, so that confidences agree even when
// the iterations run out first. The solvers newton-cg, sag and saga have the same minimum and are trained the same way;
// liblinear's one-against-rest model is its own.
package logisticregression

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/nlu"
)

var spec = component.Spec{
	Name:    "LogisticRegressionClassifier",
	Summary: "Classifies intents by a linear model over the sentence features of the text.",
	Source:  "rasa/nlu/classifiers/logistic_regression_classifier.py",
	Fields: []component.Field{
		{Name: "max_iter", Kind: component.Int, Default: int64(100), Doc: "How many steps training takes at most."},
		{Name: "solver", Kind: component.String, Default: "lbfgs", Choices: []string{"lbfgs", "newton-cg", "sag", "saga", "liblinear"},
			Doc: "liblinear trains each intent against the rest; the others are trained as lbfgs."},
		{Name: "tol", Kind: component.Float, Default: 1e-4, Doc: "Gradient at which training stops."},
		{Name: "C", Kind: component.Float, Default: 1.0,
			Doc: "How much the examples count against small weights, as in scikit-learn; Rasa has no such option and takes 1."},
		{Name: "random_state", Kind: component.Any, Default: int64(42), Doc: "Not used: training is deterministic."},
		{Name: "ranking_length", Kind: component.Int, Default: int64(10), Doc: "How many intents the ranking has; 0 for all."},
	},
	Provides: []string{nlu.RoleClassifier},
	Requires: []string{nlu.RoleFeaturizer},
}

func init() { nlu.Components.Register(spec, build) }

// Classifier is LogisticRegressionClassifier.
type Classifier struct {
	MaxIter       int     `option:"max_iter"`
	Solver        string  `option:"solver"`
	Tol           float64 `option:"tol"`
	C             float64 `option:"C"`
	RankingLength int     `option:"ranking_length"`

	log   *slog.Logger
	model *model
}

var (
	_ nlu.Trainable     = (*Classifier)(nil)
	_ nlu.FeatureReader = (*Classifier)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	c := &Classifier{log: cfg.Env.Logger}
	if err := cfg.Decode(c); err != nil {
		return nil, err
	}
	field, _ := spec.Field("solver")
	if !slices.Contains(field.Choices, c.Solver) {
		return nil, cfg.OptionError("solver", "is %q, possible are %q", c.Solver, field.Choices)
	}
	if c.MaxIter < 1 {
		return nil, cfg.OptionError("max_iter", "must be positive")
	}
	if c.Tol <= 0 {
		return nil, cfg.OptionError("tol", "must be positive")
	}
	if c.C <= 0 {
		return nil, cfg.OptionError("C", "must be positive")
	}
	return c, nil
}

// DependsOn implements nlu.Trainable.
func (c *Classifier) DependsOn() nlu.DataParts { return nlu.ExampleTexts }

// ReadsFeatures implements nlu.FeatureReader.
func (c *Classifier) ReadsFeatures() nlu.FeatureType { return nlu.SentenceFeatures }

// Train fits the model. Fewer than two intents, or examples without features, are an error, as in Rasa.
func (c *Classifier) Train(ctx context.Context, data *nlu.TrainingData) error {
	c.model = nil
	var examples []*nlu.Message
	for _, m := range data.IntentExamples() {
		if m.Value(nlu.Text) != "" {
			examples = append(examples, m)
		}
	}
	x, err := matrix(examples)
	if err != nil {
		return err
	}
	var classes []string
	for _, m := range examples {
		classes = append(classes, m.Value(nlu.Intent))
	}
	slices.Sort(classes)
	classes = slices.Compact(classes)
	if len(classes) < 2 {
		return fmt.Errorf("there must be examples of at least two intents, found %d", len(classes))
	}
	y := make([]int, len(examples))
	for i, m := range examples {
		y[i], _ = slices.BinarySearch(classes, m.Value(nlu.Intent))
	}
	fitted := &model{classes: classes, features: x.Cols, oneVsRest: c.Solver == "liblinear" || len(classes) == 2}
	converged, err := fitted.fit(ctx, x, y, c)
	if err != nil {
		return err
	}
	if !converged {
		c.log.Warn("training stopped before the minimum was reached, as max_iter says", "max_iter", c.MaxIter)
	}
	c.model = fitted
	return nil
}

// matrix puts the sentence features of the messages into rows.
func matrix(examples []*nlu.Message) (*ml.Sparse, error) {
	if len(examples) == 0 {
		return nil, errors.New("there are no examples with text and intent")
	}
	var x *ml.Sparse
	for _, m := range examples {
		cols, vals, width := sentence(m)
		if x == nil {
			x = ml.NewSparse(width, len(examples), 64*len(examples))
		}
		if width != x.Cols {
			return nil, fmt.Errorf("example %q has %d features and not %d like the first", m.Value(nlu.Text), width, x.Cols)
		}
		x.Col, x.Val = append(x.Col, cols...), append(x.Val, vals...)
		x.EndRow()
	}
	return x, nil
}

// sentence returns the message's sentence features side by side, those of all sparse featurizers before the dense ones.
func sentence(m *nlu.Message) (cols []int32, vals []float64, width int) {
	for i := range m.Features {
		f := &m.Features[i]
		if f.Attribute != nlu.Text || f.Type != nlu.SentenceFeatures || f.Sparse == nil {
			continue
		}
		c, v := f.Sparse.Row(0)
		if width == 0 {
			cols, vals = c[:len(c):len(c)], v[:len(v):len(v)]
		} else {
			for k := range c {
				cols, vals = append(cols, c[k]+int32(width)), append(vals, v[k])
			}
		}
		width += f.Columns()
	}
	for i := range m.Features {
		f := &m.Features[i]
		if f.Attribute != nlu.Text || f.Type != nlu.SentenceFeatures || f.Dense == nil {
			continue
		}
		for k, v := range f.Dense[0] {
			cols, vals = append(cols, int32(width+k)), append(vals, float64(v))
		}
		width += f.Columns()
	}
	return cols, vals, width
}

// Process sets intent and ranking. An untrained classifier leaves the message as it is. Fewer features than in training
// are an error, as in Rasa, where a text of blanks has none of RegexFeaturizer.
func (c *Classifier) Process(_ context.Context, m *nlu.Message) error {
	if c.model == nil {
		return nil
	}
	cols, vals, width := sentence(m)
	if width != c.model.features {
		return fmt.Errorf("classifying with %d features instead of %d", width, c.model.features)
	}
	probabilities := c.model.predict(cols, vals)
	ranking := make([]nlu.Prediction, len(probabilities))
	for i, p := range probabilities {
		ranking[i] = nlu.Prediction{Name: c.model.classes[i], Confidence: p}
	}
	slices.SortStableFunc(ranking, func(a, b nlu.Prediction) int { return cmp.Compare(b.Confidence, a.Confidence) })
	best := ranking[0]
	m.Predicted = &best
	if c.RankingLength > 0 && len(ranking) > c.RankingLength {
		ranking = ranking[:c.RankingLength]
	}
	m.Ranking = ranking
	m.ShowRanking()
	return nil
}

package logisticregression

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive/skops"
	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/nlu"
)

var _ nlu.RasaLoader = (*Classifier)(nil)

const (
	skopsSuffix = ".skops"
	skopsClass  = "sklearn.linear_model._logistic.LogisticRegression"
)

// LoadRasa reads the estimator of scikit-learn that Rasa persisted (rasa/nlu/classifiers/
// logistic_regression_classifier.py, 3.6.21). Without one the classifier stays untrained.
func (c *Classifier) LoadRasa(from component.Resource) error {
	c.model = nil
	for _, name := range from.Names() {
		if !strings.HasSuffix(name, skopsSuffix) {
			continue
		}
		data, err := from.Get(name)
		if err != nil {
			return err
		}
		if c.model, err = decode(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// decode turns a sklearn.linear_model.LogisticRegression (scikit-learn 1.1) into a model.
func decode(data []byte) (*model, error) {
	o, err := skops.DecodeObject(data, skopsClass)
	if err != nil {
		return nil, err
	}
	names, err := o.Array("classes_")
	if err != nil {
		return nil, err
	}
	p := &model{}
	if p.classes, err = names.Strings(); err != nil {
		return nil, fmt.Errorf("classes_: %w", err)
	}
	if len(p.classes) < 2 {
		return nil, fmt.Errorf("there are %d classes", len(p.classes))
	}
	// LogisticRegression.predict_proba decides like this what the coefficients stand for.
	multi := o.Attributes.String("multi_class")
	p.oneVsRest = multi == "ovr" || multi == "auto" && (len(p.classes) == 2 || o.Attributes.String("solver") == "liblinear")
	outputs := len(p.classes)
	if outputs == 2 {
		outputs = 1
	}
	coefficients, err := o.Floats("coef_", outputs, -1)
	if err != nil {
		return nil, err
	}
	bias, err := o.Floats("intercept_", outputs)
	if err != nil {
		return nil, err
	}
	p.features = len(coefficients) / outputs
	p.parts = parts(coefficients, bias, p)
	return p, nil
}

// parts spreads coefficients of shape [outputs, features] over the parts of p.
func parts(coefficients, bias []float64, p *model) []*ml.Softmax {
	row := func(k int) []float64 { return coefficients[k*p.features : (k+1)*p.features] }
	if p.oneVsRest {
		out := make([]*ml.Softmax, len(bias))
		for k := range out {
			out[k] = &ml.Softmax{Features: p.features, Classes: 1, Weights: row(k), Bias: bias[k : k+1]}
		}
		return out
	}
	m := ml.NewSoftmax(p.features, len(p.classes))
	for k := range bias {
		for i, w := range row(k) {
			m.Weights[i*m.Classes+k] = w
		}
		m.Bias[k] = bias[k]
	}
	if len(bias) == 1 {
		// Two classes that are multinomial share one row: it counts for the second and against the first.
		for i := range p.features {
			m.Weights[2*i+1], m.Weights[2*i] = m.Weights[2*i], -m.Weights[2*i]
		}
		m.Bias[1], m.Bias[0] = m.Bias[0], -m.Bias[0]
	}
	return []*ml.Softmax{m}
}

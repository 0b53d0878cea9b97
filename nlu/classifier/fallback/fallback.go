// Package fallback provides FallbackClassifier, which replaces an uncertain intent by nlu_fallback
// (rasa/nlu/classifiers/fallback_classifier.py, 3.6.21).
package fallback

import (
	"context"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
)

// IntentName is the intent predicted instead of an uncertain one.
const IntentName = "nlu_fallback"

var spec = component.Spec{
	Name:    "FallbackClassifier",
	Summary: "Replaces the intent by nlu_fallback when its confidence is low or close to that of the second.",
	Source:  "rasa/nlu/classifiers/fallback_classifier.py",
	Fields: []component.Field{
		{Name: "threshold", Kind: component.Float, Default: 0.3, Doc: "Confidence below which the intent is replaced."},
		{Name: "ambiguity_threshold", Kind: component.Float, Default: 0.1,
			Doc: "Difference between the best two confidences below which the intent is replaced."},
	},
	Provides: []string{nlu.RoleClassifier},
	Requires: []string{nlu.RoleClassifier},
}

func init() { nlu.Components.Register(spec, build) }

// Classifier is FallbackClassifier.
type Classifier struct {
	Threshold          float64 `option:"threshold"`
	AmbiguityThreshold float64 `option:"ambiguity_threshold"`
}

var _ nlu.Component = (*Classifier)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	c := &Classifier{}
	return c, cfg.Decode(c)
}

// Process replaces the intent and puts nlu_fallback first in the ranking. The ranking appears in the parse data only if
// another classifier has put it there.
func (c *Classifier) Process(_ context.Context, m *nlu.Message) error {
	if m.Predicted == nil || !c.uncertain(m) {
		return nil
	}
	fallback := nlu.Prediction{Name: IntentName, Confidence: c.Threshold}
	m.Predicted = &fallback
	m.Ranking = append([]nlu.Prediction{fallback}, m.Ranking...)
	return nil
}

func (c *Classifier) uncertain(m *nlu.Message) bool {
	if m.Predicted.Confidence < c.Threshold {
		return true
	}
	return len(m.Ranking) >= 2 && m.Ranking[0].Confidence-m.Ranking[1].Confidence < c.AmbiguityThreshold
}

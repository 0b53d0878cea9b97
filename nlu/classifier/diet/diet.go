// Package diet provides DIETClassifier, which finds intents and entities with one transformer network
// (rasa/nlu/classifiers/diet_classifier.py, 3.6.21).
package diet

import (
	"context"
	"log/slog"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

// name is that of the class in Rasa, of its files and of what entities call their extractor.
const name = "DIETClassifier"

var spec = component.Spec{
	Name:     name,
	Summary:  "Finds intents and entities with a transformer network.",
	Source:   "rasa/nlu/classifiers/diet_classifier.py",
	Fields:   diet.Fields(nil),
	Provides: []string{nlu.RoleClassifier, nlu.RoleExtractor},
	Requires: []string{nlu.RoleFeaturizer},
}

func init() { nlu.Components.Register(spec, build) }

// Classifier is DIETClassifier.
type Classifier struct {
	options diet.Options
	split   tagging.Splitting
	log     *slog.Logger
	env     component.Env
	id      string
	model   *diet.Model
}

var (
	_ nlu.Trainable     = (*Classifier)(nil)
	_ nlu.FeatureReader = (*Classifier)(nil)
	_ nlu.RasaLoader    = (*Classifier)(nil)
	_ nlu.Finetuner     = (*Classifier)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	c := &Classifier{env: cfg.Env.WithDefaults(), id: cfg.ID}
	c.log = c.env.Logger
	if err := cfg.Decode(&c.options); err != nil {
		return nil, err
	}
	if err := c.options.Check(&cfg, c.log); err != nil {
		return nil, err
	}
	c.split = tagging.ParseSplitting(c.options.SplitByComma)
	return c, nil
}

// DependsOn implements nlu.Trainable.
func (c *Classifier) DependsOn() nlu.DataParts { return nlu.ExampleTexts | nlu.ExampleEntities }

// ReadsFeatures implements nlu.FeatureReader.
func (c *Classifier) ReadsFeatures() nlu.FeatureType {
	return nlu.SequenceFeatures | nlu.SentenceFeatures
}

// Process sets intent, ranking and entities. A text without features, or an untrained classifier, has neither. Features
// other than those of training are an error.
func (c *Classifier) Process(_ context.Context, m *nlu.Message) error {
	var found *diet.Prediction
	if c.model != nil {
		var err error
		if found, err = c.model.Predict(m); err != nil {
			return err
		}
	}
	if c.options.Intents {
		c.setIntent(m, found)
	}
	if c.options.Entities && found != nil {
		c.addEntities(m, found)
	}
	return nil
}

func (c *Classifier) setIntent(m *nlu.Message, found *diet.Prediction) {
	m.Predicted, m.Ranking = &nlu.Prediction{}, nil
	m.ShowRanking()
	if found == nil || len(found.Scores) == 0 {
		return
	}
	ranking := diet.Rank(c.model.Labels(), found.Scores, c.options.RankingLength, c.options.Renormalize)
	m.Ranking = make([]nlu.Prediction, len(ranking))
	for i, r := range ranking {
		m.Ranking[i] = nlu.Prediction{Name: r.Label, Confidence: r.Confidence}
	}
	best := m.Ranking[0]
	m.Predicted = &best
}

func (c *Classifier) addEntities(m *nlu.Message, found *diet.Prediction) {
	if found.Tags.Entity.Names == nil {
		return
	}
	tokens := m.Tokens(nlu.Text)
	spans := make([]tagging.Span, len(tokens))
	for i, t := range tokens {
		spans[i] = tagging.Span{Start: t.Start, End: t.End}
	}
	for _, e := range tagging.Entities(m.Value(nlu.Text), spans, found.Tags, c.split) {
		m.Entities = append(m.Entities, e.Set("extractor", name))
	}
}

// Load reads what Persist wrote.
func (c *Classifier) Load(from component.Resource) (err error) {
	c.model, err = diet.Load(c.options, from, false)
	return err
}

// LoadRasa implements nlu.RasaLoader.
func (c *Classifier) LoadRasa(from component.Resource) (err error) {
	c.model, err = diet.LoadRasa(c.options, from, name, false)
	return err
}

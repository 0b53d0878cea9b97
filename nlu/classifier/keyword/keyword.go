// Package keyword provides KeywordIntentClassifier, which takes the texts of the examples as regular expressions and
// looks for them in messages (rasa/nlu/classifiers/keyword_intent_classifier.py, 3.6.21).
package keyword

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

var spec = component.Spec{
	Name:    "KeywordIntentClassifier",
	Summary: "Looks for the texts of the training examples in messages, as regular expressions between word boundaries.",
	Source:  "rasa/nlu/classifiers/keyword_intent_classifier.py",
	Fields: []component.Field{
		{Name: "case_sensitive", Kind: component.Bool, Default: true, Doc: "Whether the case of letters counts."},
	},
	Provides: []string{nlu.RoleClassifier},
}

const fileName = "KeywordIntentClassifier.json"

func init() { nlu.Components.Register(spec, build) }

// Classifier is KeywordIntentClassifier.
type Classifier struct {
	CaseSensitive bool `option:"case_sensitive"`

	log     *slog.Logger
	matcher *matcher
}

var _ nlu.Trainable = (*Classifier)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	c := &Classifier{log: cfg.Env.Logger, matcher: &matcher{}}
	return c, cfg.Decode(c)
}

// DependsOn implements nlu.Trainable.
func (c *Classifier) DependsOn() nlu.DataParts { return nlu.ExampleTexts }

// Train collects the keywords. One that belongs to two intents is dropped, and so is one found in a keyword of another
// intent. A keyword that is no regular expression is an error.
func (c *Classifier) Train(_ context.Context, data *nlu.TrainingData) error {
	intents := value.NewMap()
	ambiguous := make(map[string]bool)
	for _, m := range data.IntentExamples() {
		text, intent := m.Value(nlu.Text), m.Value(nlu.Intent)
		if known, ok := intents.Get(text); ok && known != intent {
			c.log.Warn("keyword of two intents is dropped", "keyword", text, "intent", intent)
			ambiguous[text] = true
			continue
		}
		intents.Set(text, intent)
	}
	var keywords []keyword
	for text, intent := range intents.All() {
		if !ambiguous[text] {
			keywords = append(keywords, keyword{text: text, intent: intent.(string)})
		}
	}
	all, err := newMatcher(keywords, c.CaseSensitive)
	if err != nil {
		return err
	}
	c.matcher, err = newMatcher(c.withoutContained(all), c.CaseSensitive)
	return err
}

// withoutContained drops the keywords that match a keyword of another intent.
func (c *Classifier) withoutContained(m *matcher) []keyword {
	drop := make([]bool, len(m.keywords))
	for _, other := range m.keywords {
		m.each(other.text, func(i int) bool {
			if k := m.keywords[i]; k.intent != other.intent && !drop[i] {
				c.log.Warn("keyword found in one of another intent is dropped", "keyword", k.text, "intent", k.intent,
					"other", other.text)
				drop[i] = true
			}
			return true
		})
	}
	kept := make([]keyword, 0, len(m.keywords))
	for i, k := range m.keywords {
		if !drop[i] {
			kept = append(kept, k)
		}
	}
	return kept
}

// Process sets the intent of the first keyword, in the order of the training data, that the text contains.
func (c *Classifier) Process(_ context.Context, m *nlu.Message) error {
	if i := c.matcher.first(m.Value(nlu.Text)); i >= 0 {
		m.Predicted = &nlu.Prediction{Name: c.matcher.keywords[i].intent, Confidence: 1}
	} else if m.Predicted == nil {
		m.Predicted = &nlu.Prediction{}
	}
	return nil
}

// Persist writes the keywords with their intents in Rasa's format.
func (c *Classifier) Persist(to component.Resource) error {
	m := value.NewMap()
	for _, k := range c.matcher.keywords {
		m.Set(k.text, k.intent)
	}
	return to.Put(fileName, value.Encode(m, value.JSON))
}

// Load reads what Persist, or Rasa, wrote.
func (c *Classifier) Load(from component.Resource) error {
	m, err := component.ReadObject(from, fileName)
	if m == nil || err != nil {
		return err
	}
	var keywords []keyword
	for text, intent := range m.All() {
		name, ok := intent.(string)
		if !ok {
			return fmt.Errorf("reading %s: intent of %q is no string", fileName, text)
		}
		keywords = append(keywords, keyword{text: text, intent: name})
	}
	c.matcher, err = newMatcher(keywords, c.CaseSensitive)
	return err
}

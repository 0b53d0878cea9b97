package nlu

import (
	"slices"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Message is what the components of a pipeline read and add to, for a training example or a user's message
// (rasa/shared/nlu/training_data/message.py). It is used by one goroutine at a time.
type Message struct {
	values [attributeCount]string
	has    [attributeCount]bool
	tokens [attributeCount][]Token

	// Annotations are the entities marked in a training example.
	Annotations []project.EntityAnnotation
	// Features are what the featurizers found, in the order of the pipeline.
	Features []Features

	// Predicted is the intent found, nil as long as no classifier ran.
	Predicted *Prediction
	// Ranking are the intents by descending confidence; nil when there is none.
	Ranking []Prediction
	// Entities are the entities found, as they appear in parse_data: entity, start, end, value, extractor, ... An entity
	// belongs to the message and may be changed by later components.
	Entities []*value.Map
	// ResponseSelector is the response selectors' output, nil when there is none.
	ResponseSelector *value.Map

	// PatternNames are the names of all patterns that RegexFeaturizer looked for in the text. They must not be changed.
	PatternNames []string

	// SkipSequence tells featurizers that nobody reads features of single tokens.
	SkipSequence bool

	rankingShown bool
	metadataKey  string
}

// NewMessage returns a message with the given text.
func NewMessage(text string) *Message {
	m := &Message{}
	m.Set(Text, text)
	return m
}

// Get returns the value of an attribute and whether the message has it.
func (m *Message) Get(a Attribute) (string, bool) { return m.values[a], m.has[a] }

// Value returns the value of an attribute, "" when the message does not have it.
func (m *Message) Value(a Attribute) string { return m.values[a] }

// Set gives the message an attribute.
func (m *Message) Set(a Attribute, v string) { m.values[a], m.has[a] = v, true }

// Tokens returns the tokens of an attribute, nil when it has not been tokenized.
func (m *Message) Tokens(a Attribute) []Token { return m.tokens[a] }

// SetTokens stores the tokens of an attribute.
func (m *Message) SetTokens(a Attribute, tokens []Token) { m.tokens[a] = tokens }

// AddPatternNames adds to PatternNames what is not there yet. The names may be shared with other messages.
func (m *Message) AddPatternNames(names []string) {
	if m.PatternNames == nil {
		m.PatternNames = slices.Clip(names)
		return
	}
	for _, name := range names {
		if !slices.Contains(m.PatternNames, name) {
			m.PatternNames = append(m.PatternNames, name)
		}
	}
}

// ShowRanking makes the ranking part of parse_data; a classifier that ranks calls it. (FallbackClassifier adds to a
// ranking without showing it.)
func (m *Message) ShowRanking() { m.rankingShown = true }

// FromCore reports whether the message was made from a story or the domain and not from NLU data
// (Message.is_core_or_domain_message).
func (m *Message) FromCore() bool {
	labelled := m.values[Intent] != "" || m.values[Response] != ""
	return m.values[ActionName] != "" || m.values[ActionText] != "" || labelled != (m.values[Text] != "")
}

// Prediction is an intent with its confidence. An empty Name is Rasa's None.
type Prediction struct {
	Name       string
	Confidence float64
}

// Map returns the prediction as it appears in parse_data.
func (p Prediction) Map() *value.Map {
	var name any
	if p.Name != "" {
		name = p.Name
	}
	return value.NewMap("name", name, "confidence", p.Confidence)
}

// Token is a piece of an attribute's text (rasa/nlu/tokenizers/tokenizer.py).
type Token struct {
	Text string
	// Start and End count code points.
	Start, End int
	// Lemma is what the token counts as for features; a token split by token_pattern keeps that of the whole.
	Lemma string
	// Patterns are the names of the patterns of RegexFeaturizer that match the token.
	Patterns []string
}

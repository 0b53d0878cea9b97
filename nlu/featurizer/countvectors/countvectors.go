// Package countvectors provides CountVectorsFeaturizer, which counts words or character n-grams
// (rasa/nlu/featurizers/sparse_featurizer/count_vectors_featurizer.py, 3.6.21, with CountVectorizer of scikit-learn 1.1.3).
package countvectors

import (
	"context"
	"log/slog"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

var spec = component.Spec{
	Name:    "CountVectorsFeaturizer",
	Summary: "Counts the words or character n-grams of tokens and texts.",
	Source:  "rasa/nlu/featurizers/sparse_featurizer/count_vectors_featurizer.py",
	Fields: []component.Field{
		{Name: "alias", Kind: component.String, Doc: "Name of the features, to choose them elsewhere."},
		{Name: "use_shared_vocab", Kind: component.Bool, Default: false, Doc: "Whether texts, intents and responses share one vocabulary."},
		{Name: "analyzer", Kind: component.String, Default: "word", Choices: []string{"word", "char", "char_wb"},
			Doc: "Whether words, characters, or characters within words are counted."},
		{Name: "strip_accents", Kind: component.String, Choices: []string{"ascii", "unicode"}, Doc: "How accents are removed; null keeps them."},
		{Name: "stop_words", Kind: component.Any, Doc: "Words left out: a list, or english."},
		{Name: "min_df", Kind: component.Any, Default: int64(1), Doc: "In how many texts, or what part of them, a term must occur."},
		{Name: "max_df", Kind: component.Any, Default: 1.0, Doc: "In how many texts, or what part of them, a term may occur."},
		{Name: "min_ngram", Kind: component.Int, Default: int64(1), Doc: "Length of the shortest n-grams."},
		{Name: "max_ngram", Kind: component.Int, Default: int64(1), Doc: "Length of the longest n-grams."},
		{Name: "max_features", Kind: component.Int, Doc: "How many of the most frequent terms are kept; null keeps all."},
		{Name: "lowercase", Kind: component.Bool, Default: true, Doc: "Whether the case of letters is ignored."},
		{Name: "OOV_token", Kind: component.String, Doc: "Word that stands for words that training did not see."},
		{Name: "OOV_words", Kind: component.Any, Default: []any{}, Doc: "Words of the training data to treat as not seen."},
		{Name: "weighting", Kind: component.String, Choices: []string{tfidf},
			Doc: "Counts as they are (null), or weighed by how rare a term is (tfidf); Rasa has only the former."},
		{Name: "use_lemma", Kind: component.Bool, Default: true, Doc: "Whether lemmas are counted, if the tokenizer has them."},
	},
	Provides: []string{nlu.RoleFeaturizer},
	Requires: []string{nlu.RoleTokenizer},
}

func init() { nlu.Components.Register(spec, build) }

// Featurizer is CountVectorsFeaturizer.
type Featurizer struct {
	Alias        string `option:"alias"`
	Shared       bool   `option:"use_shared_vocab"`
	Analyzer     string `option:"analyzer"`
	StripAccents string `option:"strip_accents"`
	StopWords    any    `option:"stop_words"`
	MinDF        any    `option:"min_df"`
	MaxDF        any    `option:"max_df"`
	MinNgram     int    `option:"min_ngram"`
	MaxNgram     int    `option:"max_ngram"`
	MaxFeatures  *int   `option:"max_features"`
	Lowercase    bool   `option:"lowercase"`
	OOVToken     string `option:"OOV_token"`
	OOVWords     any    `option:"OOV_words"`
	UseLemma     bool   `option:"use_lemma"`
	Weighting    string `option:"weighting"`

	log     *slog.Logger
	analyze *analyzer
	// attributes are those that are featurized: labels only by words.
	attributes []nlu.Attribute
	// vocabularies has an entry for each attribute that was seen in training.
	vocabularies map[nlu.Attribute]vocabulary
	// weights are those of the columns of vocabularies, nil where counts are taken as they are.
	weights map[nlu.Attribute][]float64
	oov     oov
}

var _ nlu.Trainable = (*Featurizer)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	f := &Featurizer{log: cfg.Env.Logger}
	if err := cfg.Decode(f); err != nil {
		return nil, err
	}
	if f.Alias == "" {
		f.Alias = cfg.ID
	}
	switch f.Analyzer {
	case "word":
		f.attributes = nlu.Attributes
	case "char", "char_wb":
		f.attributes = nlu.TextAttributes
	default:
		return nil, cfg.OptionError("analyzer", "is %q, possible are word, char and char_wb", f.Analyzer)
	}
	for key, v := range map[string]any{"min_df": f.MinDF, "max_df": f.MaxDF} {
		if !validFrequency(v) {
			return nil, cfg.OptionError(key, "must be a number of texts or a part between 0.0 and 1.0, not %s", value.Repr(v))
		}
	}
	if f.MaxFeatures != nil && *f.MaxFeatures < 0 {
		return nil, cfg.OptionError("max_features", "must not be negative")
	}
	stop, err := stopWords(f.StopWords)
	if err != nil {
		return nil, cfg.OptionError("stop_words", "%v", err)
	}
	if f.StripAccents != "" && f.StripAccents != "ascii" && f.StripAccents != "unicode" {
		return nil, cfg.OptionError("strip_accents", "is %q, possible are ascii, unicode and null", f.StripAccents)
	}
	if f.Weighting != "" && f.Weighting != tfidf {
		return nil, cfg.OptionError("weighting", "is %q, possible are %s and null", f.Weighting, tfidf)
	}
	words, ok := oovWords(f.OOVWords, f.Lowercase)
	if !ok {
		return nil, cfg.OptionError("OOV_words", "must be a string or a list of strings")
	}
	f.analyze = &analyzer{kind: f.Analyzer, minN: f.MinNgram, maxN: f.MaxNgram, lower: f.Lowercase, accents: f.StripAccents, stop: stop}
	f.oov = oov{token: f.OOVToken, words: words}
	return f, nil
}

// DependsOn implements nlu.Trainable.
func (f *Featurizer) DependsOn() nlu.DataParts {
	if f.Shared {
		return nlu.ExampleTexts | nlu.StoryVocabulary
	}
	return nlu.ExampleTexts | nlu.StoryLabels
}

// Train collects the vocabularies. An attribute whose terms are all too rare or too frequent gets none.
func (f *Featurizer) Train(_ context.Context, data *nlu.TrainingData) error {
	f.vocabularies = nil
	texts, all := f.documents(data)
	vocabularies := make(map[nlu.Attribute]vocabulary)
	if f.Shared {
		if v := f.fit(all, f.MinDF, "all attributes"); v != nil {
			for _, a := range f.attributes {
				vocabularies[a] = v
			}
		}
	} else {
		for _, a := range f.attributes {
			minDF := f.MinDF
			if a != nlu.Text {
				minDF = int64(1)
			}
			if !anyText(texts[a]) {
				continue
			}
			if v := f.fit(texts[a], minDF, a.String()); v != nil {
				vocabularies[a] = v
			}
		}
	}
	f.use(vocabularies, f.oov.words)
	f.weigh(texts, all)
	return nil
}

// documents returns the examples as they are counted: one text each for every attribute, and all of them.
func (f *Featurizer) documents(data *nlu.TrainingData) (texts map[nlu.Attribute][]string, all []string) {
	training := f.oov
	training.replacing = f.OOVToken != "" && f.Analyzer == "word"
	if f.Lowercase {
		training.token = value.Lower(training.token)
	}
	texts = make(map[nlu.Attribute][]string, len(f.attributes))
	for _, a := range f.attributes {
		docs := make([]string, len(data.Examples))
		for i, m := range data.Examples {
			tokens := f.tokens(m, a)
			if training.replacing {
				training.replaceListed(tokens)
			}
			docs[i] = strings.Join(tokens, " ")
		}
		texts[a] = docs
		all = append(all, docs...)
	}
	return texts, all
}

func (f *Featurizer) fit(docs []string, minDF any, what string) vocabulary {
	v := fit(docs, f.analyze, limits{minDF: minDF, maxDF: f.MaxDF, features: f.MaxFeatures})
	if v == nil {
		f.log.Warn("no terms remain, nothing is featurized", "attribute", what)
	}
	return v
}

func anyText(docs []string) bool {
	for _, d := range docs {
		if d != "" {
			return true
		}
	}
	return false
}

// use makes the featurizer ready for messages. With OOV_words a trained Rasa model takes OOV_token as it is written in
// the configuration, and not in lower case, so that it is usually not in the vocabulary.
func (f *Featurizer) use(vocabularies map[nlu.Attribute]vocabulary, words oovSet) {
	f.vocabularies = vocabularies
	f.oov = oov{token: f.OOVToken, words: words, replacing: f.OOVToken != "" && f.Analyzer == "word"}
	if f.Lowercase && words.empty() {
		f.oov.token = value.Lower(f.OOVToken)
	}
}

// tokens returns the words of an attribute as they are counted.
func (f *Featurizer) tokens(m *nlu.Message, a nlu.Attribute) []string {
	tokens := m.Tokens(a)
	words := make([]string, len(tokens))
	for i := range tokens {
		words[i] = tokens[i].Text
		if f.UseLemma {
			words[i] = tokens[i].Lemma
		}
		if a.IsLabel() {
			continue
		}
		words[i] = replaceNumbers(words[i])
		if f.Lowercase {
			words[i] = value.Lower(words[i])
		}
	}
	return words
}

// Process adds sequence features of all attributes and sentence features of texts.
func (f *Featurizer) Process(_ context.Context, m *nlu.Message) error {
	for _, a := range f.attributes {
		vocabulary := f.vocabularies[a]
		if vocabulary == nil || len(m.Tokens(a)) == 0 {
			continue
		}
		words := f.tokens(m, a)
		if f.oov.replacing {
			f.oov.replace(words, vocabulary)
		}
		c := counter{analyze: f.analyze, vocabulary: vocabulary, weights: f.weights[a]}
		if !m.SkipSequence {
			sequence := ml.NewSparse(len(vocabulary), len(words), 8*len(words))
			for _, w := range words {
				c.row(w, sequence)
			}
			m.AddSparse(a, nlu.SequenceFeatures, f.Alias, sequence)
		}
		if !a.IsLabel() {
			sentence := ml.NewSparse(len(vocabulary), 1, 32)
			c.row(strings.Join(words, " "), sentence)
			m.AddSparse(a, nlu.SentenceFeatures, f.Alias, sentence)
		}
	}
	return nil
}

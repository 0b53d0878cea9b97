// Package regex provides RegexFeaturizer, which marks the tokens that the regexes and lookup tables of the training data
// match (rasa/nlu/featurizers/sparse_featurizer/regex_featurizer.py, 3.6.21).
package regex

import (
	"context"
	"log/slog"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/nlu"
)

const fileName = "patterns.json"

var spec = component.Spec{
	Name:    "RegexFeaturizer",
	Summary: "Has a feature for each regex and lookup table of the training data.",
	Source:  "rasa/nlu/featurizers/sparse_featurizer/regex_featurizer.py",
	Fields: []component.Field{
		{Name: "alias", Kind: component.String, Doc: "Name of the features, to choose them elsewhere."},
		{Name: "case_sensitive", Kind: component.Bool, Default: true, Doc: "Whether the case of letters counts."},
		{Name: "use_lookup_tables", Kind: component.Bool, Default: true, Doc: "Whether lookup tables are used."},
		{Name: "use_regexes", Kind: component.Bool, Default: true, Doc: "Whether regexes are used."},
		{Name: "use_word_boundaries", Kind: component.Bool, Default: true,
			Doc: "Whether elements of lookup tables must stand between word boundaries."},
	},
	Provides: []string{nlu.RoleFeaturizer},
	Requires: []string{nlu.RoleTokenizer},
}

func init() { nlu.Components.Register(spec, build) }

// Featurizer is RegexFeaturizer.
type Featurizer struct {
	Alias             string `option:"alias"`
	CaseSensitive     bool   `option:"case_sensitive"`
	UseLookupTables   bool   `option:"use_lookup_tables"`
	UseRegexes        bool   `option:"use_regexes"`
	UseWordBoundaries bool   `option:"use_word_boundaries"`

	log      *slog.Logger
	patterns []nlu.Pattern
	// names are those of the patterns, without repetition.
	names []string
}

var (
	_ nlu.Trainable    = (*Featurizer)(nil)
	_ nlu.Preprocessor = (*Featurizer)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	f := &Featurizer{log: cfg.Env.Logger}
	err := cfg.Decode(f)
	if f.Alias == "" {
		f.Alias = cfg.ID
	}
	return f, err
}

// DependsOn implements nlu.Trainable.
func (f *Featurizer) DependsOn() nlu.DataParts { return nlu.RegexData | nlu.LookupData }

// Train collects the patterns.
func (f *Featurizer) Train(_ context.Context, data *nlu.TrainingData) error {
	var err error
	f.patterns, err = data.Patterns(nlu.PatternOptions{
		UseLookupTables: f.UseLookupTables,
		UseRegexes:      f.UseRegexes,
		WordBoundaries:  f.UseWordBoundaries,
		CaseSensitive:   f.CaseSensitive,
	})
	f.nameAll()
	return err
}

func (f *Featurizer) nameAll() {
	f.names = nil
	for i := range f.patterns {
		if name := f.patterns[i].Name; !slices.Contains(f.names, name) {
			f.names = append(f.names, name)
		}
	}
}

// Process featurizes the text of a user's message.
func (f *Featurizer) Process(_ context.Context, m *nlu.Message) error {
	f.featurize(m, nlu.Text)
	return nil
}

// ProcessExample featurizes all texts of a training example.
func (f *Featurizer) ProcessExample(_ context.Context, m *nlu.Message) error {
	for _, a := range nlu.TextAttributes {
		f.featurize(m, a)
	}
	return nil
}

func (f *Featurizer) featurize(m *nlu.Message, a nlu.Attribute) {
	tokens := m.Tokens(a)
	text := m.Value(a)
	if len(f.patterns) == 0 || len(tokens) == 0 || text == "" {
		return
	}
	if a == nlu.Text {
		m.AddPatternNames(f.names)
	}
	sequence := ml.NewSparse(len(f.patterns), len(tokens), len(tokens))
	sentence := ml.NewSparse(len(f.patterns), 1, len(f.patterns))
	// columns[t] are the patterns that match token t.
	columns := make([][]int, len(tokens))
	for i := range f.patterns {
		if f.match(i, text, tokens, columns) {
			sentence.Add(i, 1)
		}
	}
	sentence.EndRow()
	for _, cols := range columns {
		for _, c := range cols {
			sequence.Add(c, 1)
		}
		sequence.EndRow()
	}
	m.AddSparse(a, nlu.SequenceFeatures, f.Alias, sequence)
	m.AddSparse(a, nlu.SentenceFeatures, f.Alias, sentence)
}

// match marks the tokens pattern i overlaps. Of several patterns of one name the last decides what a token's Patterns
// say, as in Rasa.
func (f *Featurizer) match(i int, text string, tokens []nlu.Token, columns [][]int) (matched bool) {
	p := &f.patterns[i]
	spans, err := p.Regexp().FindAll(text)
	if err != nil {
		f.log.Warn("matching a pattern took too long", "pattern", p.Name, "err", err)
	}
	for t := range tokens {
		token := &tokens[t]
		hit := slices.ContainsFunc(spans, func(s pyre.Span) bool { return token.Start < s.End && token.End > s.Start })
		at := slices.Index(token.Patterns, p.Name)
		switch {
		case hit && at < 0:
			token.Patterns = append(token.Patterns, p.Name)
		case !hit && at >= 0:
			token.Patterns = slices.Delete(token.Patterns, at, at+1)
		}
		if hit {
			columns[t] = append(columns[t], i)
			matched = true
		}
	}
	return matched
}

// Persist writes the patterns in Rasa's format.
func (f *Featurizer) Persist(to component.Resource) error {
	return nlu.PersistPatterns(to, fileName, f.patterns)
}

// Load reads what Persist, or Rasa, wrote.
func (f *Featurizer) Load(from component.Resource) (err error) {
	f.patterns, err = nlu.LoadPatterns(from, fileName, f.CaseSensitive)
	f.nameAll()
	return err
}

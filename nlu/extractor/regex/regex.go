// Package regex provides RegexEntityExtractor, which finds entities by the regexes and lookup tables of the training
// data (rasa/nlu/extractors/regex_entity_extractor.py, 3.6.21).
package regex

import (
	"context"
	"log/slog"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	name     = "RegexEntityExtractor"
	fileName = "regex.json"
)

var spec = component.Spec{
	Name:    name,
	Summary: "Finds entities by the regexes and lookup tables that are named as an annotated entity.",
	Source:  "rasa/nlu/extractors/regex_entity_extractor.py",
	Fields: []component.Field{
		{Name: "case_sensitive", Kind: component.Bool, Default: false, Doc: "Whether the case of letters counts."},
		{Name: "use_lookup_tables", Kind: component.Bool, Default: true, Doc: "Whether lookup tables are used."},
		{Name: "use_regexes", Kind: component.Bool, Default: true, Doc: "Whether regexes are used."},
		{Name: "use_word_boundaries", Kind: component.Bool, Default: true,
			Doc: "Whether elements of lookup tables must stand between word boundaries."},
	},
	Provides: []string{nlu.RoleExtractor},
}

func init() { nlu.Components.Register(spec, build) }

// Extractor is RegexEntityExtractor.
type Extractor struct {
	CaseSensitive     bool `option:"case_sensitive"`
	UseLookupTables   bool `option:"use_lookup_tables"`
	UseRegexes        bool `option:"use_regexes"`
	UseWordBoundaries bool `option:"use_word_boundaries"`

	log      *slog.Logger
	patterns []nlu.Pattern
}

var _ nlu.Trainable = (*Extractor)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	x := &Extractor{log: cfg.Env.Logger}
	return x, cfg.Decode(x)
}

// DependsOn implements nlu.Trainable.
func (x *Extractor) DependsOn() nlu.DataParts {
	return nlu.RegexData | nlu.LookupData | nlu.ExampleEntities
}

// Train collects the patterns. Without annotated examples of an entity there are none for it, as in Rasa.
func (x *Extractor) Train(_ context.Context, data *nlu.TrainingData) error {
	var err error
	x.patterns, err = data.Patterns(nlu.PatternOptions{
		UseLookupTables: x.UseLookupTables,
		UseRegexes:      x.UseRegexes,
		OnlyEntities:    true,
		WordBoundaries:  x.UseWordBoundaries,
		CaseSensitive:   x.CaseSensitive,
	})
	if err == nil && len(x.patterns) == 0 {
		x.log.Warn("no regex or lookup table is named as an entity annotated in the training data")
	}
	return err
}

// Process appends what the patterns match to the entities, in the order of the patterns.
func (x *Extractor) Process(_ context.Context, m *nlu.Message) error {
	text := m.Value(nlu.Text)
	for i := range x.patterns {
		p := &x.patterns[i]
		spans, err := p.Regexp().FindAll(text)
		if err != nil {
			x.log.Warn("matching a pattern took too long", "entity", p.Name, "err", err)
		}
		for _, s := range spans {
			m.Entities = append(m.Entities, value.NewMap("entity", p.Name, "start", int64(s.Start), "end", int64(s.End),
				"value", nlu.Slice(text, s.Start, s.End), "extractor", name))
		}
	}
	return nil
}

// Persist writes the patterns in Rasa's format.
func (x *Extractor) Persist(to component.Resource) error {
	return nlu.PersistPatterns(to, fileName, x.patterns)
}

// Load reads what Persist, or Rasa, wrote.
func (x *Extractor) Load(from component.Resource) (err error) {
	x.patterns, err = nlu.LoadPatterns(from, fileName, x.CaseSensitive)
	return err
}

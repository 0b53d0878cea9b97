// Package crf provides CRFEntityExtractor, which finds entities by conditional random fields over how tokens and their
// neighbours are written (rasa/nlu/extractors/crf_entity_extractor.py, 3.6.21, with sklearn-crfsuite 0.3.6).
//
// There is one field for entities, and one each for roles and groups if the training data has them; those two know the
// entities that the first one found. Rasa stores the training data and learns again at every load; here the weights are
// stored, and what comes from Rasa is learnt once.
package crf

import (
	"context"
	"log/slog"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/crfsuite"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/nlu"
)

const name = "CRFEntityExtractor"

var spec = component.Spec{
	Name:    name,
	Summary: "Finds entities by a conditional random field over how tokens and their neighbours are written.",
	Source:  "rasa/nlu/extractors/crf_entity_extractor.py",
	Fields: []component.Field{
		{Name: "BILOU_flag", Kind: component.Bool, Default: true,
			Doc: "Whether tags tell the first, inner and last token of an entity apart."},
		{Name: "split_entities_by_comma", Kind: component.Any, Default: true,
			Doc: "Whether tokens of one entity that punctuation separates are several entities; a mapping answers for each entity."},
		{Name: "features", Kind: component.List, Default: []any{
			[]any{"low", "title", "upper"},
			[]any{"low", "bias", "prefix5", "prefix2", "suffix5", "suffix3", "suffix2", "upper", "title", "digit", "pattern"},
			[]any{"low", "title", "upper"},
		}, Doc: "Lists of features for the tokens before, at and behind each token: low, title, upper, digit, prefix2, prefix5, " +
			"suffix1, suffix2, suffix3, suffix5, bias, pattern, entity, text_dense_features."},
		{Name: "max_iterations", Kind: component.Int, Default: int64(50), Doc: "How many steps training takes at most; 0 is no limit."},
		{Name: "L1_c", Kind: component.Float, Default: 0.1, Doc: "Weight of the L1 regularization."},
		{Name: "L2_c", Kind: component.Float, Default: 0.1, Doc: "Weight of the L2 regularization."},
		{Name: "featurizers", Kind: component.Strings, Default: []any{},
			Doc: "Aliases of the featurizers whose dense features are used; empty means all."},
	},
	Provides: []string{nlu.RoleExtractor},
	Requires: []string{nlu.RoleTokenizer},
}

func init() { nlu.Components.Register(spec, build) }

// Extractor is CRFEntityExtractor.
type Extractor struct {
	BILOU         bool     `option:"BILOU_flag"`
	Split         any      `option:"split_entities_by_comma"`
	Features      []any    `option:"features"`
	MaxIterations int      `option:"max_iterations"`
	L1            float64  `option:"L1_c"`
	L2            float64  `option:"L2_c"`
	Featurizers   []string `option:"featurizers"`

	log      *slog.Logger
	progress func(component.Progress)
	splits   tagging.Splitting
	window   window
	// taggers are in the order in which they are asked; nil as long as nothing is learnt.
	taggers []tagger
}

// tagger finds the tags of one kind.
type tagger struct {
	kind  kind
	model *crfsuite.Model
}

// kind is what of an entity tags tell.
type kind uint8

const (
	entityKind kind = iota
	roleKind
	groupKind
	kindCount
)

var kindNames = [kindCount]string{"entity", "role", "group"}

func (k kind) String() string { return kindNames[k] }

var (
	_ nlu.Trainable     = (*Extractor)(nil)
	_ nlu.FeatureReader = (*Extractor)(nil)
	_ nlu.RasaLoader    = (*Extractor)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	env := cfg.Env.WithDefaults()
	x := &Extractor{log: env.Logger, progress: env.Progress}
	if err := cfg.Decode(x); err != nil {
		return nil, err
	}
	if x.MaxIterations < 0 {
		return nil, cfg.OptionError("max_iterations", "must not be negative")
	}
	x.splits = tagging.ParseSplitting(x.Split)
	var err error
	if x.window, err = parseWindow(x.Features); err != nil {
		return nil, cfg.OptionError("features", "%s", err)
	}
	return x, nil
}

// DependsOn implements nlu.Trainable.
func (x *Extractor) DependsOn() nlu.DataParts { return nlu.ExampleTexts | nlu.ExampleEntities }

// ReadsFeatures implements nlu.FeatureReader. Other features than dense ones of tokens only have to be there.
func (x *Extractor) ReadsFeatures() nlu.FeatureType {
	if x.window.dense {
		return nlu.SequenceFeatures | nlu.SentenceFeatures
	}
	return nlu.SentenceFeatures
}

// Process appends the entities it finds. A text without features has none, as in Rasa.
func (x *Extractor) Process(_ context.Context, m *nlu.Message) error {
	if x.taggers == nil || !x.hasFeatures(m) {
		return nil
	}
	tokens := x.tokens(m, false)
	spans := make([]tagging.Span, len(tokens))
	for i, t := range m.Tokens(nlu.Text) {
		spans[i] = tagging.Span{Start: t.Start, End: t.End}
	}
	var found tagging.Predicted
	for i := range x.taggers {
		t := &x.taggers[i]
		tags, confidences := x.tag(t, tokens)
		if t.kind == entityKind {
			for k := range tokens {
				tokens[k].tags[entityKind] = tags[k]
			}
		}
		if x.BILOU {
			tagging.Repair(tags, confidences)
		}
		switch result := (tagging.Tags{Names: tags, Confidences: confidences}); t.kind {
		case roleKind:
			found.Role = result
		case groupKind:
			found.Group = result
		default:
			found.Entity = result
		}
	}
	for _, e := range tagging.Entities(m.Value(nlu.Text), spans, found, x.splits) {
		m.Entities = append(m.Entities, e.Set("extractor", name))
	}
	return nil
}

// tag returns the most probable tag of each token with its confidence: with BILOU that of all tags of the same name.
func (x *Extractor) tag(t *tagger, tokens []token) (tags []string, confidences []float64) {
	s := t.model.Sequence(len(tokens))
	defer s.Release()
	w := writer{window: &x.window, tokens: tokens, withEntity: t.kind != entityKind}
	for i := range tokens {
		w.write(i, s)
		s.EndToken()
	}
	labels := t.model.Labels()
	tags, confidences = make([]string, len(tokens)), make([]float64, len(tokens))
	for i, probabilities := range s.Marginals() {
		best := 0
		for l, p := range probabilities {
			if p > probabilities[best] {
				best = l
			}
		}
		tags[i], confidences[i] = labels[best], probabilities[best]
		if !x.BILOU {
			continue
		}
		confidences[i] = 0
		for l, p := range probabilities {
			if tagging.Name(labels[l]) == tagging.Name(labels[best]) {
				confidences[i] += p
			}
		}
	}
	return tags, confidences
}

// hasFeatures tells whether the text has features of the featurizers that count (Message.features_present).
func (x *Extractor) hasFeatures(m *nlu.Message) bool {
	return slices.ContainsFunc(m.Features, func(f nlu.Features) bool {
		return f.Attribute == nlu.Text && x.reads(&f)
	})
}

func (x *Extractor) reads(f *nlu.Features) bool {
	return len(x.Featurizers) == 0 || slices.Contains(x.Featurizers, f.Origin)
}

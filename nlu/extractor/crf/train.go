package crf

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/crfsuite"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/nlu"
)

// Train learns from the NLU examples. Without annotated entities the extractor stays untrained, as in Rasa.
func (x *Extractor) Train(ctx context.Context, data *nlu.TrainingData) error {
	x.taggers = nil
	annotated := data.EntityExamples()
	if len(annotated) == 0 {
		x.log.Debug("no entity is annotated in the training data")
		return nil
	}
	kinds := []kind{entityKind}
	for _, k := range []kind{roleKind, groupKind} {
		if slices.ContainsFunc(annotated, func(m *nlu.Message) bool { return uses(m, k) }) {
			kinds = append(kinds, k)
		}
	}
	x.warnMisaligned(annotated)
	var examples [][]token
	for _, m := range data.Examples {
		if !m.FromCore() && x.hasFeatures(m) {
			examples = append(examples, x.example(m, kinds))
		}
	}
	return x.learn(ctx, examples, kinds)
}

// uses tells whether an annotation has a role or group.
func uses(m *nlu.Message, k kind) bool {
	for i := range m.Annotations {
		if isTag(annotation(m, i, k)) {
			return true
		}
	}
	return false
}

func isTag(tag string) bool { return tag != "" && tag != tagging.Outside }

// annotation returns what the i-th annotation says of a kind.
func annotation(m *nlu.Message, i int, k kind) string {
	e := &m.Annotations[i]
	switch k {
	case roleKind:
		return e.Role
	case groupKind:
		return e.Group
	}
	return e.Entity
}

// learn trains a tagger for each kind.
func (x *Extractor) learn(ctx context.Context, examples [][]token, kinds []kind) error {
	if len(examples) == 0 {
		return nil
	}
	var taggers []tagger
	for i, k := range kinds {
		done := i * x.MaxIterations
		data := x.data(examples, k)
		if data.Tokens() == 0 {
			return nil
		}
		model, err := crfsuite.Train(ctx, data, crfsuite.Params{
			L1: x.L1, L2: x.L2, MaxIterations: x.MaxIterations,
			Progress: func(iteration int, loss float64) {
				x.progress(component.Progress{
					Done: done + iteration, Total: max(len(kinds)*x.MaxIterations, done+iteration),
					Metrics: []component.Metric{{Name: "loss", Value: loss}},
				})
			},
		})
		if err != nil {
			return fmt.Errorf("learning tags of kind %s: %w", k, err)
		}
		taggers = append(taggers, tagger{k, model})
	}
	x.taggers = taggers
	return nil
}

// data turns examples into attributes and tags of one kind.
func (x *Extractor) data(examples [][]token, k kind) *crfsuite.Data {
	d := crfsuite.NewData()
	w := writer{window: &x.window, withEntity: k != entityKind}
	for _, tokens := range examples {
		w.tokens = tokens
		for i := range tokens {
			w.write(i, d)
			d.EndToken(tokens[i].tag(k))
		}
		d.EndSequence()
	}
	return d
}

// example returns the tokens of an example with their tags.
func (x *Extractor) example(m *nlu.Message, kinds []kind) []token {
	tokens := x.tokens(m, true)
	spans := make([]tagging.Span, len(tokens))
	for i, t := range m.Tokens(nlu.Text) {
		spans[i] = tagging.Span{Start: t.Start, End: t.End}
	}
	for _, k := range kinds {
		var entities []tagging.Entity
		for i := range m.Annotations {
			e := &m.Annotations[i]
			span := tagging.Span{Start: e.Start, End: e.End}
			if name := annotation(m, i, k); !x.BILOU || isTag(name) {
				entities = append(entities, tagging.Entity{Span: span, Name: name})
			}
		}
		if x.BILOU {
			for i, tag := range tagging.BILOU(spans, entities) {
				tokens[i].tags[k] = tag
			}
			continue
		}
		for i, span := range spans {
			if e := tagging.Covering(span, entities); e >= 0 {
				tokens[i].tags[k] = entities[e].Name
			}
		}
	}
	return tokens
}

// tokens returns the tokens of a message without tags. Patterns that do not match matter in training only.
func (x *Extractor) tokens(m *nlu.Message, training bool) []token {
	source := m.Tokens(nlu.Text)
	tokens := make([]token, len(source))
	var dense [][]float64
	if x.window.dense {
		dense = x.dense(m, training)
	}
	for i := range source {
		t := &tokens[i]
		t.text = source[i].Text
		if training {
			for _, name := range m.PatternNames {
				t.patterns = append(t.patterns, pattern{name, slices.Contains(source[i].Patterns, name)})
			}
		} else {
			for _, name := range source[i].Patterns {
				t.patterns = append(t.patterns, pattern{name, true})
			}
		}
		if dense != nil {
			t.dense = dense[i]
		}
	}
	return tokens
}

// dense returns the dense features of the tokens, those of several featurizers side by side; nil when there are none
// or when they belong to another number of tokens. In training they are rounded as in the file from which Rasa learns.
func (x *Extractor) dense(m *nlu.Message, training bool) [][]float64 {
	var out [][]float64
	for i := range m.Features {
		f := &m.Features[i]
		if f.Attribute != nlu.Text || f.Type != nlu.SequenceFeatures || f.Dense == nil || !x.reads(f) {
			continue
		}
		if len(f.Dense) != len(m.Tokens(nlu.Text)) {
			x.log.Warn("there is not one row of dense features a token, so none are used", "component", f.Origin)
			return nil
		}
		if out == nil {
			out = make([][]float64, len(f.Dense))
		}
		for k, row := range f.Dense {
			for _, v := range row {
				number := float64(v)
				if training {
					number, _ = strconv.ParseFloat(strconv.FormatFloat(number, 'g', -1, 32), 64)
				}
				out[k] = append(out[k], number)
			}
		}
	}
	return out
}

// warnMisaligned warns of entities that do not begin and end where tokens do.
func (x *Extractor) warnMisaligned(examples []*nlu.Message) {
	for _, m := range examples {
		tokens := m.Tokens(nlu.Text)
		for _, e := range m.Annotations {
			begins := slices.ContainsFunc(tokens, func(t nlu.Token) bool { return t.Start == e.Start })
			ends := slices.ContainsFunc(tokens, func(t nlu.Token) bool { return t.End == e.End })
			if !begins || !ends {
				x.log.Warn("an annotated entity does not begin and end where tokens do", "text", m.Value(nlu.Text),
					"intent", m.Value(nlu.Intent), "entity", e.Entity)
				break
			}
		}
	}
}

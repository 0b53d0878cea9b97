package diet

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/nlu"
)

// Examples are what a network learns from.
type Examples struct {
	// Messages are the examples that have features of the text.
	Messages []*nlu.Message
	// Label is the attribute whose values are the labels of the messages.
	Label nlu.Attribute
	// LabelExamples are searched for the first example of each label, whose features become those of the label.
	LabelExamples []*nlu.Message
	// Tagged are the examples that say what tags there are; nil when no entities are to be learnt.
	Tagged []*nlu.Message
}

// dataset holds the features of examples, computed once.
type dataset struct {
	text Features
	// labels are the numbers of the examples' labels; nil when nothing is classified.
	labels []int32
	// tags has for each kind the numbers of the tags, one for each row of text.Sequence.
	tags [][]int32
	// words number the rows of text.Sequence by what they hold, for the masked language model.
	words []int32
}

// labelNames returns the distinct labels, sorted.
func (e *Examples) labelNames() []string {
	var names []string
	for _, m := range e.LabelExamples {
		if v, ok := m.Get(e.Label); ok {
			names = append(names, v)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// labelFeatures returns the features of the labels: those that featurizers found, or a one for each.
func (e *Examples) labelFeatures(names []string, r *Reader) (Features, error) {
	var f Features
	found := make([]*nlu.Message, len(names))
	for _, m := range e.LabelExamples {
		if v, ok := m.Get(e.Label); ok {
			if i, _ := slices.BinarySearch(names, v); found[i] == nil {
				found[i] = m
			}
		}
	}
	if slices.ContainsFunc(found, func(m *nlu.Message) bool { return !r.Present(m, e.Label) }) {
		f.reset(Signature{Sentence: Units{Dense: len(names)}})
		f.Sentence.Dense = f32.New(len(names), len(names))
		for i := range names {
			f.Sentence.Dense.Set(i, i, 1)
			f.Lengths = append(f.Lengths, 0)
		}
		return f, nil
	}
	f.reset(r.Signature(found[0], e.Label))
	for _, m := range found {
		if err := r.Append(&f, m, e.Label); err != nil {
			return f, err
		}
	}
	return f, nil
}

// newDataset reads features, labels and tags of the examples. o.Intents and s.Tags decide what is read.
func newDataset(e *Examples, o *Options, s *State, in Signature) (*dataset, error) {
	d := &dataset{}
	r := &Reader{Featurizers: o.Featurizers, WithoutSequence: !in.Sequence.present()}
	d.text.reset(in)
	d.tags = make([][]int32, len(s.Tags))
	for _, m := range e.Messages {
		if err := r.Append(&d.text, m, nlu.Text); err != nil {
			return nil, err
		}
		if o.Intents {
			i, _ := slices.BinarySearch(s.Labels, m.Value(e.Label))
			d.labels = append(d.labels, int32(i))
		}
		for k := range s.Tags {
			d.tags[k] = append(d.tags[k], s.Tags[k].of(m, o.BILOU)...)
		}
	}
	if o.MaskedLM {
		d.words = d.numberWords()
	}
	return d, nil
}

// numberWords gives rows with equal features equal numbers. Dense features decide where there are any.
func (d *dataset) numberWords() []int32 {
	seen := map[string]int32{}
	out := make([]int32, d.text.Sequence.Rows())
	var key []byte
	for i := range out {
		key = key[:0]
		if b := &d.text.Sequence; b.Dense.Cols > 0 {
			for _, v := range b.Dense.Row(i) {
				key = binary.LittleEndian.AppendUint32(key, math.Float32bits(v))
			}
		} else {
			cols, vals := b.Sparse.Row(i)
			for k, c := range cols {
				key = binary.LittleEndian.AppendUint32(key, uint32(c))
				key = binary.LittleEndian.AppendUint32(key, math.Float32bits(vals[k]))
			}
		}
		n, ok := seen[string(key)]
		if !ok {
			n = int32(len(seen))
			seen[string(key)] = n
		}
		out[i] = n
	}
	return out
}

// tagSpecs lists the tags that occur in examples.
func tagSpecs(examples []*nlu.Message, bilou bool) []TagSpec {
	var out []TagSpec
	for _, kind := range []string{entityTags, roleTags, groupTags} {
		var names []string
		for _, m := range examples {
			entities := annotated(m, kind)
			if !bilou {
				for _, e := range entities {
					names = append(names, e.Name)
				}
				continue
			}
			for _, tag := range tagging.BILOU(spans(m), entities) {
				if tag != tagging.Outside {
					names = append(names, tagging.Name(tag))
				}
			}
		}
		if len(names) > 0 {
			out = append(out, newTagSpec(kind, names, bilou))
		}
	}
	if len(out) > 0 && out[0].Name != entityTags {
		return nil
	}
	return out
}

// spans returns where the tokens of the text are.
func spans(m *nlu.Message) []tagging.Span {
	tokens := m.Tokens(nlu.Text)
	out := make([]tagging.Span, len(tokens))
	for i, t := range tokens {
		out[i] = tagging.Span{Start: t.Start, End: t.End}
	}
	return out
}

// nameOf returns what annotation i of a message is called by the given kind, "" when it has no name.
func nameOf(m *nlu.Message, i int, kind string) string {
	switch a := &m.Annotations[i]; kind {
	case roleTags:
		return a.Role
	case groupTags:
		return a.Group
	default:
		return a.Entity
	}
}

// annotated returns the annotations that have a name of the given kind.
func annotated(m *nlu.Message, kind string) []tagging.Entity {
	var out []tagging.Entity
	for i, a := range m.Annotations {
		if name := nameOf(m, i, kind); name != "" && name != tagging.Outside {
			out = append(out, tagging.Entity{Span: tagging.Span{Start: a.Start, End: a.End}, Name: name})
		}
	}
	return out
}

// of returns the numbers of the tags of a message's tokens.
func (s *TagSpec) of(m *nlu.Message, bilou bool) []int32 {
	tokens := spans(m)
	out := make([]int32, len(tokens))
	number := func(tag string) int32 { return int32(max(slices.Index(s.Tags, tag), 0)) }
	if bilou {
		for i, tag := range tagging.BILOU(tokens, annotated(m, s.Name)) {
			out[i] = number(tag)
		}
		return out
	}
	places := make([]tagging.Entity, len(m.Annotations))
	for i, a := range m.Annotations {
		places[i].Span = tagging.Span{Start: a.Start, End: a.End}
	}
	for i, t := range tokens {
		if k := tagging.Covering(t, places); k >= 0 {
			out[i] = number(nameOf(m, k, s.Name))
		}
	}
	return out
}

// Misaligned returns the messages with an annotation that does not start and end where tokens do.
func Misaligned(messages []*nlu.Message) []*nlu.Message {
	var out []*nlu.Message
	for _, m := range messages {
		tokens := spans(m)
		for _, a := range m.Annotations {
			if !slices.ContainsFunc(tokens, func(t tagging.Span) bool { return t.Start == a.Start }) ||
				!slices.ContainsFunc(tokens, func(t tagging.Span) bool { return t.End == a.End }) {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

package tagging

import (
	"math"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// Tags are the tags predicted for the tokens of a text. There may be more tags than tokens.
type Tags struct {
	// Names are nil when nothing was predicted.
	Names []string
	// Confidences are nil when the extractor has none.
	Confidences []float64
}

func (t *Tags) at(i int) string {
	if t.Names == nil {
		return Outside
	}
	return t.Names[i]
}

// Predicted is all that was predicted for a text.
type Predicted struct {
	Entity, Role, Group Tags
}

// Splitting tells which entities end at a comma and the like (option split_entities_by_comma).
type Splitting struct {
	// Default is for the entities that Entities does not list.
	Default  bool
	Entities map[string]bool
}

func (s *Splitting) splits(entity string) bool {
	if v, ok := s.Entities[entity]; ok {
		return v
	}
	return s.Default
}

// ParseSplitting reads the option split_entities_by_comma: one answer for all entities, or a mapping; those it leaves
// out are split.
func ParseSplitting(option any) Splitting {
	m, ok := option.(*value.Map)
	if !ok {
		return Splitting{Default: value.Truthy(option)}
	}
	s := Splitting{Default: true, Entities: make(map[string]bool, m.Len())}
	for entity, v := range m.All() {
		s.Entities[entity] = value.Truthy(v)
	}
	return s
}

// Entities returns the entities that tags stand for, with the keys and the order of Rasa's: entity, start, end,
// confidence_entity, role, confidence_role, group, confidence_group, value (convert_predictions_into_entities). Tokens
// are those of text.
func Entities(text string, tokens []Span, p Predicted, split Splitting) []*value.Map {
	if p.Entity.Names == nil {
		return nil
	}
	a := assembler{tokens: tokens, p: &p}
	lastTag, lastRole, lastGroup, lastEnd := Outside, Outside, Outside, -1
	for i, token := range tokens {
		tag := p.Entity.at(i)
		if tag == Outside {
			lastTag, lastEnd = Outside, token.End
			continue
		}
		role, group := Name(p.Role.at(i)), Name(p.Group.at(i))
		begins := role != lastRole || group != lastGroup
		switch Prefix(tag) {
		case Unit:
			begins = true
		case "", Beginning:
			begins = begins || tag != lastTag
		default:
			begins = begins || lastTag == Outside
		}
		name := Name(tag)
		if begins || !joined(token.Start-lastEnd, split.splits(name)) {
			a.begin(i, name, role, group)
		} else {
			a.extend(i)
		}
		lastTag, lastRole, lastGroup, lastEnd = tag, role, group, token.End
	}
	return a.finish(text)
}

// joined reports whether two tokens of one entity belong together. Up to three characters may stand between them,
// whatever they are, unless the entity is split; Rasa means to look at them, but its test passes always.
func joined(gap int, split bool) bool { return gap <= 1 || gap <= 3 && !split }

type found struct {
	span              Span
	name, role, group string
	// confidence of the entity, role and group.
	confidence [3]float64
}

type assembler struct {
	tokens []Span
	p      *Predicted
	found  []found
}

func (a *assembler) begin(i int, name, role, group string) {
	f := found{span: a.tokens[i], name: name, role: role, group: group}
	for k, t := range a.kinds() {
		if t.Confidences != nil {
			f.confidence[k] = t.Confidences[i]
		}
	}
	a.found = append(a.found, f)
}

// extend adds token i to the latest entity, which takes the lower confidence.
func (a *assembler) extend(i int) {
	f := &a.found[len(a.found)-1]
	f.span.End = a.tokens[i].End
	for k, t := range a.kinds() {
		if t.Confidences != nil {
			f.confidence[k] = math.Min(f.confidence[k], t.Confidences[i])
		}
	}
}

func (a *assembler) kinds() [3]*Tags { return [3]*Tags{&a.p.Entity, &a.p.Role, &a.p.Group} }

func (a *assembler) finish(text string) []*value.Map {
	out := make([]*value.Map, len(a.found))
	for i := range a.found {
		f := &a.found[i]
		m := value.NewMap("entity", f.name, "start", int64(f.span.Start), "end", int64(f.span.End))
		if a.p.Entity.Confidences != nil {
			m.Set("confidence_entity", f.confidence[0])
		}
		if f.role != Outside {
			m.Set("role", f.role)
			if a.p.Role.Confidences != nil {
				m.Set("confidence_role", f.confidence[1])
			}
		}
		if f.group != Outside {
			m.Set("group", f.group)
			if a.p.Group.Confidences != nil {
				m.Set("confidence_group", f.confidence[2])
			}
		}
		out[i] = m.Set("value", cut(text, f.span))
	}
	return out
}

// cut returns a span of text.
func cut(text string, s Span) string {
	from := offset(text, s.Start)
	return text[from : from+offset(text[from:], s.End-s.Start)]
}

// offset returns the bytes that the first n code points of text take.
func offset(text string, n int) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

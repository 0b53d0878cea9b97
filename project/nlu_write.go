package project

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// WriteNLU writes NLU data as Rasa's RasaYAMLWriter does, without responses
// (rasa/shared/nlu/training_data/formats/rasa_yaml.py, TrainingData.nlu_as_yaml, 3.6.21). Examples without intent and
// the places of everything are lost. The result is empty when there is nothing to write. The error is an example whose
// entities cannot be written as markup.
func WriteNLU(d *NLUData) ([]byte, error) {
	sections, err := exampleSections(d.Examples)
	if err != nil {
		return nil, fmt.Errorf("write NLU data: %w", err)
	}
	var synonyms, regexes, lookups sectionList
	for _, s := range d.Synonyms {
		synonyms.section(s.Value).add(s.Text, nil)
	}
	for _, r := range d.Regexes {
		regexes.section(r.Name).add(r.Pattern, nil)
	}
	for _, l := range d.Lookups {
		table := lookups.section(l.Name)
		table.lines = nil
		for _, e := range l.Elements {
			table.add(e, nil)
		}
	}
	items := sections.values("intent")
	items = append(items, synonyms.values("synonym")...)
	items = append(items, regexes.values("regex")...)
	items = append(items, lookups.values("lookup")...)
	if len(items) == 0 {
		return nil, nil
	}
	return WriteYAML(value.NewMap("version", quotedText(formatVersion), "nlu", items)), nil
}

// nluSection is one item of `nlu`.
type nluSection struct {
	name     string
	metadata any
	lines    []nluLine
}

// nluLine is one example; its metadata is nil when there is none.
type nluLine struct {
	text     string
	metadata any
}

func (s *nluSection) add(text string, metadata any) {
	s.lines = append(s.lines, nluLine{strings.Trim(text, "\n\r "), metadata})
}

// sectionList keeps sections in the order of their first use.
type sectionList struct {
	order []*nluSection
	index map[string]*nluSection
}

func (l *sectionList) section(name string) *nluSection {
	if s := l.index[name]; s != nil {
		return s
	}
	if l.index == nil {
		l.index = map[string]*nluSection{}
	}
	s := &nluSection{name: name}
	l.index[name] = s
	l.order = append(l.order, s)
	return s
}

// exampleSections groups examples by their full intent.
func exampleSections(examples []Example) (sectionList, error) {
	var out sectionList
	for _, e := range examples {
		if e.Intent == "" {
			continue
		}
		entities := make([]*value.Map, len(e.Entities))
		for i := range e.Entities {
			entities[i] = e.Entities[i].Map()
		}
		text, err := annotate(e.Text, entities)
		if err != nil {
			return out, fmt.Errorf("example %q of intent %q: %w", e.Text, e.FullIntent(), err)
		}
		s := out.section(e.FullIntent())
		s.add(text, e.Metadata.Value("example"))
		if s.metadata == nil {
			s.metadata = e.Metadata.Value("intent")
		}
	}
	return out, nil
}

// values returns the sections as items of `nlu`, named by key.
func (l *sectionList) values(key string) []any {
	out := make([]any, len(l.order))
	for i, s := range l.order {
		item := value.NewMap(key, s.name)
		if value.Truthy(s.metadata) {
			item.Set("metadata", s.metadata)
		}
		out[i] = item.Set("examples", s.examples())
	}
	return out
}

// examples returns the lines as a block of text, or as a list of mappings when they have metadata or control
// characters.
func (s *nluSection) examples() any {
	long := false
	var block strings.Builder
	list := make([]any, len(s.lines))
	for i, l := range s.lines {
		long = long || l.metadata != nil || strings.ContainsAny(l.text, "\b\f\n\r\t")
		block.WriteString("- " + l.text + "\n")
		item := value.NewMap("text", LiteralText(l.text+"\n"))
		if l.metadata != nil {
			item.Set("metadata", l.metadata)
		}
		list[i] = item
	}
	if long {
		return list
	}
	return LiteralText(block.String())
}

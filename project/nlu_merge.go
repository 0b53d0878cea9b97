package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// mergeNLU joins the NLU data of several files as TrainingData.merge does
// (rasa/shared/nlu/training_data/training_data.py, 3.6.21): later synonyms and responses replace earlier ones of the
// same name, duplicate examples are dropped. ps gets a warning for each synonym that means two things.
func mergeNLU(parts []*NLUData, ps *Problems) *NLUData {
	out := &NLUData{}
	for _, p := range parts {
		out.Examples = append(out.Examples, p.Examples...)
		out.Duplicates = append(out.Duplicates, p.Duplicates...)
		out.Regexes = append(out.Regexes, p.Regexes...)
		out.Lookups = append(out.Lookups, p.Lookups...)
		for _, s := range p.Synonyms {
			out.addSynonym(s, ps)
		}
		for _, r := range p.Responses {
			i := slices.IndexFunc(out.Responses, func(have Response) bool { return have.Name == r.Name })
			if i < 0 {
				out.Responses = append(out.Responses, r)
			} else {
				out.Responses[i] = r
			}
		}
	}
	out.tidy()
	return out
}

// tidy sets duplicate examples aside and sorts the patterns.
func (d *NLUData) tidy() {
	seen := make(map[string]bool, len(d.Examples))
	d.Examples = slices.DeleteFunc(d.Examples, func(e Example) bool {
		key := e.key()
		if seen[key] {
			d.Duplicates = append(d.Duplicates, e)
			return true
		}
		seen[key] = true
		return false
	})
	slices.SortStableFunc(d.Regexes, func(a, b Regex) int {
		return strings.Compare(a.Name+"+"+a.Pattern, b.Name+"+"+b.Pattern)
	})
}

// key tells examples apart: all they hold but the place.
func (e Example) key() string {
	if len(e.Entities) == 0 && e.Metadata == nil {
		return fmt.Sprintf("%q %q %q", e.Intent, e.ResponseKey, e.Text)
	}
	entities := make([]any, len(e.Entities))
	for i, ent := range e.Entities {
		entities[i] = ent.Map()
	}
	return fmt.Sprintf("%q %q %q %s %s", e.Intent, e.ResponseKey, e.Text, value.CanonicalKey(entities),
		value.CanonicalKey(e.Metadata))
}

// Check warns of what may spoil training, as TrainingData.validate does: intents, entities, roles and groups with
// fewer than two examples, and retrieval examples without a response. hasResponse reports whether the project has a
// response of that name.
func (d *NLUData) Check(hasResponse func(name string) bool, ps *Problems) {
	counts := counter{}
	for _, e := range d.Examples {
		if e.Action != "" {
			continue
		}
		if e.Intent != "" {
			counts.add("intent", e.Intent, e.Pos)
		}
		for _, ent := range e.Entities {
			counts.add("entity", ent.Entity, e.Pos)
			counts.add("role", ent.Role, e.Pos)
			counts.add("group", ent.Group, e.Pos)
		}
	}
	for _, c := range counts.order {
		if c.n < 2 {
			ps.Warnf(c.first, "%s %q has only one example; training needs two or more", c.kind, c.name)
		}
	}
	for _, e := range d.Examples {
		if e.ResponseKey != "" && !hasResponse("utter_"+e.ResponseKey) {
			ps.Warnf(e.Pos, "intent %q has no response; add %q to the responses", e.ResponseKey, "utter_"+e.ResponseKey)
		}
	}
}

// counter counts names and remembers where each was first.
type counter struct {
	order []*count
	index map[string]*count
}

type count struct {
	kind, name string
	n          int
	first      Pos
}

func (c *counter) add(kind, name string, at Pos) {
	if name == "" {
		return
	}
	if have := c.index[kind+"\x00"+name]; have != nil {
		have.n++
		return
	}
	if c.index == nil {
		c.index = map[string]*count{}
	}
	one := &count{kind, name, 1, at}
	c.index[kind+"\x00"+name] = one
	c.order = append(c.order, one)
}

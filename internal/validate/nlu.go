package validate

import (
	"slices"
	"strings"
	"unicode"

	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/project"
)

// intents compares the intents of the domain with those of the training data (verify_intents).
func (c *checker) intents() {
	examples := map[string]bool{}
	var unknown []string
	for _, e := range c.labelled() {
		if examples[e.Intent] {
			continue
		}
		examples[e.Intent] = true
		if _, ok := c.p.Domain.Intent(e.Intent); !ok {
			unknown = append(unknown, e.Intent)
			c.add(failsOnWarnings, UnknownIntent, e.Pos, "intent %q of the training data is not in the domain%s", e.Intent,
				didYouMean(e.Intent, c.intentNames()))
		}
	}
	for _, in := range c.p.Domain.Intents {
		if !in.Default && !examples[in.Name] {
			c.add(hint, NoExamples, in.Pos, "intent %q has no examples in the training data%s", in.Name,
				didYouMean(in.Name, unknown))
		}
	}
}

// labelled are the examples with an intent, messages of end-to-end stories included (TrainingData.intent_examples).
func (c *checker) labelled() []project.Example {
	var out []project.Example
	for _, e := range c.p.NLU.Examples {
		if e.Intent != "" && e.Action == "" {
			out = append(out, e)
		}
	}
	for _, s := range c.uses.spoken {
		if s.message.Intent != "" {
			out = append(out, project.Example{Text: s.message.Text, Intent: s.message.Intent, Pos: s.pos})
		}
	}
	return out
}

// examples looks for texts with more than one intent (verify_example_repetition_in_intents).
func (c *checker) examples() {
	type meaning struct {
		intents []string
		at      project.Pos
	}
	byText := map[string]*meaning{}
	var order []string
	for _, e := range c.labelled() {
		m := byText[e.Text]
		if m == nil {
			m = &meaning{at: e.Pos}
			byText[e.Text] = m
			order = append(order, e.Text)
		}
		if !slices.Contains(m.intents, e.Intent) {
			m.intents = append(m.intents, e.Intent)
			if len(m.intents) == 2 {
				m.at = e.Pos
			}
		}
	}
	for _, e := range c.p.NLU.Duplicates {
		if e.Intent != "" {
			c.add(hint, DuplicateExample, e.Pos, "example %q of intent %q is there twice", e.Text, e.FullIntent())
		}
	}
	for _, text := range order {
		if m := byText[text]; len(m.intents) > 1 {
			slices.Sort(m.intents)
			c.add(failsOnWarnings, AmbiguousExample, m.at, "example %q has more than one intent: %s", text, quoted(m.intents))
		}
	}
}

// annotations looks at the entities marked in examples.
func (c *checker) annotations() {
	words := slices.ContainsFunc(c.p.Config.Pipeline, func(e project.Entry) bool {
		return strings.HasSuffix(e.Name, "WhitespaceTokenizer")
	})
	unknown := map[string]bool{}
	for _, e := range c.p.NLU.Examples {
		text := []rune(e.Text)
		for _, ent := range e.Entities {
			c.annotated(e, ent, unknown)
			if words && (insideWord(text, ent.Start) || insideWord(text, ent.End)) {
				c.add(hint, Annotation, e.Pos, "entity %q in %q begins or ends inside a word, where it is never found", ent.Entity, e.Text)
			}
		}
		if i := strings.Index(e.Text, "]("); i >= 0 && strings.Contains(e.Text[:i], "[") && !strings.Contains(e.Text[i:], ")") {
			c.add(mistake, Annotation, e.Pos, "example %q has an annotation without closing )", e.Text)
		}
	}
}

// annotated checks the entity of an example against the domain; each name is reported once.
func (c *checker) annotated(e project.Example, a project.EntityAnnotation, reported map[string]bool) {
	entity, ok := c.p.Domain.Entity(a.Entity)
	if !ok {
		if !reported[a.Entity] {
			c.add(mistake, UnknownEntity, e.Pos, "entity %q of example %q is not in the domain%s", a.Entity, e.Text,
				didYouMean(a.Entity, c.entityNames()))
		}
		reported[a.Entity] = true
		return
	}
	for _, label := range []struct {
		what, name string
		known      []string
	}{{"role", a.Role, entity.Roles}, {"group", a.Group, entity.Groups}} {
		key := a.Entity + "\x00" + label.what + "\x00" + label.name
		if label.name != "" && !slices.Contains(label.known, label.name) && !reported[key] {
			reported[key] = true
			c.add(mistake, UnknownEntity, e.Pos, "entity %q has no %s %q in the domain%s", a.Entity, label.what, label.name,
				didYouMean(label.name, label.known))
		}
	}
}

// insideWord reports whether position i of text lies between two letters or digits.
func insideWord(text []rune, i int) bool {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return i > 0 && i < len(text) && word(text[i-1]) && word(text[i])
}

// regexes compiles the patterns of the training data.
func (c *checker) regexes() {
	for _, r := range c.p.NLU.Regexes {
		if _, err := pyre.Compile(r.Pattern, 0); err != nil {
			c.add(mistake, InvalidRegex, r.Pos, "pattern %q of regex %q: %v", r.Pattern, r.Name, err)
		}
	}
}

// quoted lists names in quotes.
func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

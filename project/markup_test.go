package project

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

func TestParseMarkup(t *testing.T) {
	tests := []struct {
		name, markup, text string
		entities           []EntityAnnotation
	}{
		{"plain", "no [entity] (here)", "no [entity] (here)", nil},
		{"short", "in [Bern](city)", "in Bern", []EntityAnnotation{{Start: 3, End: 7, Entity: "city", Value: "Bern"}}},
		{"short with value", "[BE](city:Bern)!", "BE!", []EntityAnnotation{{Start: 0, End: 2, Entity: "city", Value: "Bern"}}},
		{"value with colons", "[a](time:12:30)", "a", []EntityAnnotation{{Start: 0, End: 1, Entity: "time", Value: "12:30"}}},
		{"offsets count code points", "🚲 [Zü](x) é [b](y)", "🚲 Zü é b", []EntityAnnotation{
			{Start: 2, End: 4, Entity: "x", Value: "Zü"}, {Start: 7, End: 8, Entity: "y", Value: "b"}}},
		{"long", `[two]{"value": 2, "entity": "n", "role": "r", "group": "g", "more": []}`, "two",
			[]EntityAnnotation{{Start: 0, End: 3, Entity: "n", Value: int64(2), Role: "r", Group: "g"}}},
		{"several on one text", `x [a][{"entity": "b"} and {"entity": "c", "value": "d"}]`, "x a", []EntityAnnotation{
			{Start: 2, End: 3, Entity: "b", Value: "a"}, {Start: 2, End: 3, Entity: "c", Value: "d"}}},
		{"empty list", "[a][]b", "ab", nil},
		{"opening bracket inside", "[a [b](c)", "a [b", []EntityAnnotation{{Start: 0, End: 4, Entity: "c", Value: "a [b"}}},
		{"backslashes are text", `[a\](b)`, `a\`, []EntityAnnotation{{Start: 0, End: 2, Entity: "b", Value: `a\`}}},
		{"over a line break", "[a\nb](c)", "a\nb", []EntityAnnotation{{Start: 0, End: 3, Entity: "c", Value: "a\nb"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, entities, err := parseMarkup(tt.markup)
			if err != nil {
				t.Fatal(err)
			}
			if text != tt.text {
				t.Errorf("text is %q, want %q", text, tt.text)
			}
			if diff := cmp.Diff(tt.entities, entities); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormatMessage(t *testing.T) {
	tests := []struct{ name, text, entities, want, err string }{
		{"none", "hello", `[]`, "hello", ""},
		{"same value", "to Bern", `[{"start": 3, "end": 7, "entity": "city", "value": "Bern"}]`, "to [Bern](city)", ""},
		{"other value", "to BE", `[{"start": 3, "end": 5, "entity": "city", "value": "Zürich"}]`,
			`to [BE]{"entity": "city", "value": "Z\u00fcrich"}`, ""},
		{"role, group and no value", "a b", `[{"start": 2, "end": 3, "entity": "x", "role": "r", "group": "g"}]`,
			`a [b]{"entity": "x", "role": "r", "group": "g"}`, ""},
		{"sorted by place", "a b", `[{"start": 2, "end": 3, "entity": "y"}, {"start": 0, "end": 1, "entity": "x"}]`,
			`[a](x) [b](y)`, ""},
		{"one span, two entities", "a", `[{"start": 0, "end": 1, "entity": "x"}, {"start": 0, "end": 1, "entity": "y"}]`,
			`[a][{"entity": "x"}, {"entity": "y"}]`, ""},
		{"overlapping", "abcd", `[{"start": 0, "end": 3, "entity": "x"}, {"start": 2, "end": 4, "entity": "y"}]`,
			`[abc](x)[cd](y)`, ""},
		{"without place", "a", `[{"entity": "x", "value": "b"}]`, "a", ""},
		{"markup of the text is removed", "[a](b) c", `[{"start": 2, "end": 3, "entity": "x"}]`, "a [c](x)", ""},
		{"slash message", `/greet{"a": 1}`, `[{"start": 6, "end": 14, "entity": "a", "value": 1}]`, `/greet{"a": 1}`, ""},
		{"empty value", "a", `[{"start": 0, "end": 1, "entity": "x", "value": ""}]`, `[a]{"entity": "x", "value": ""}`, ""},
		{"different ends", "abc", `[{"start": 0, "end": 1, "entity": "x"}, {"start": 0, "end": 2, "entity": "y"}]`, "",
			"annotate entities: two entities begin at 0 but end at 1 and 2"},
		{"broken markup in the text", `[a]{"x"}`, `[]`, "", `format message: the annotation of "a" is no JSON object`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := value.DecodeString(tt.entities)
			if err != nil {
				t.Fatal(err)
			}
			var entities []*value.Map
			for _, e := range list.([]any) {
				entities = append(entities, e.(*value.Map))
			}
			got, err := formatMessage(tt.text, entities)
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error is %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// FuzzParseMarkup checks that spans hold the annotated text, that the parts that are no markup stay, and that writing
// the entities and reading them again gives the same.
func FuzzParseMarkup(f *testing.F) {
	for _, seed := range []string{"in [Bern](city) [BE](city:Bern)", `[é🚲]{"entity": "x", "value": 5}`,
		`[a][{"entity": "x"}, {"entity": "y", "role": "r"}] [b][]`, "[[a](b)](c)", "[a](b)(c)", `[a]{"entity": }`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markup string) {
		text, entities, err := parseMarkup(markup)
		if err != nil || !utf8.ValidString(markup) {
			return
		}
		runes := []rune(text)
		var maps []*value.Map
		for _, e := range entities {
			if e.Start < 0 || e.End <= e.Start || e.End > len(runes) {
				t.Fatalf("span %d to %d of a text of %d characters", e.Start, e.End, len(runes))
			}
			if !strings.Contains(markup, "["+string(runes[e.Start:e.End])+"]") {
				t.Fatalf("%q is not annotated in %q", string(runes[e.Start:e.End]), markup)
			}
			maps = append(maps, e.Map())
		}
		again, err := annotate(text, maps)
		if err != nil {
			t.Fatal(err)
		}
		if back := stripMarkup(again, maps); back != text && !strings.HasPrefix(text, "/") {
			t.Fatalf("%q written as %q without its annotations is %q", text, again, back)
		}
	})
}

// stripMarkup removes the annotations that annotate wrote for entities.
func stripMarkup(s string, entities []*value.Map) string {
	spans, err := groupBySpan(entities)
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	length := 0
	for _, sp := range spans {
		for length < sp.start {
			r := []rune(s)[0]
			out.WriteRune(r)
			s = s[len(string(r)):]
			length++
		}
		covered := string([]rune(s)[1 : 1+sp.end-sp.start])
		out.WriteString(covered)
		length = sp.end
		mark := annotationFor(covered, sp.entities[0], true)
		if len(sp.entities) > 1 {
			var all []string
			for _, e := range sp.entities {
				all = append(all, annotationFor(covered, e, false))
			}
			mark = "[" + strings.Join(all, ", ") + "]"
		}
		s = strings.TrimPrefix(s, "["+covered+"]"+mark)
	}
	return out.String() + s
}

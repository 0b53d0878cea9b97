package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// TestNLUFiles reads every good file of testdata/nlu and compares what is in it with the golden file beside it.
func TestNLUFiles(t *testing.T) {
	for _, file := range append(goodFiles(t, "nlu"), filepath.Join("testdata", "nlu", "old.json")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			nlu, ps := ParseNLU(data, file)
			if ps.HasErrors() {
				t.Fatal(ps)
			}
			golden := strings.TrimSuffix(file, filepath.Ext(file)) + ".golden"
			compareGolden(t, golden, describeNLU(nlu)+listProblems(ps, filepath.Dir(file)))
			written, err := WriteNLU(nlu)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(golden, ".golden")+".written.txt", string(written))
		})
	}
}

func describeNLU(d *NLUData) string {
	var out strings.Builder
	for _, e := range d.Examples {
		entities := []any{}
		for _, ent := range e.Entities {
			entities = append(entities, ent.Map())
		}
		fmt.Fprintf(&out, "%d:%d %q intent=%q key=%q entities=%s metadata=%s\n", e.Pos.Line, e.Pos.Col, e.Text, e.Intent,
			e.ResponseKey, value.Encode(entities, 0), value.Encode(e.Metadata, 0))
	}
	for _, s := range d.Synonyms {
		fmt.Fprintf(&out, "%d:%d synonym %q of %q\n", s.Pos.Line, s.Pos.Col, s.Text, s.Value)
	}
	for _, r := range d.Regexes {
		fmt.Fprintf(&out, "%d:%d regex %q %q\n", r.Pos.Line, r.Pos.Col, r.Name, r.Pattern)
	}
	for _, l := range d.Lookups {
		fmt.Fprintf(&out, "%d:%d lookup %q %q\n", l.Pos.Line, l.Pos.Col, l.Name, l.Elements)
	}
	for _, r := range d.Responses {
		fmt.Fprintf(&out, "%d:%d response %q\n", r.Pos.Line, r.Pos.Col, r.Name)
	}
	return out.String()
}

func TestBadNLUJSON(t *testing.T) {
	file := filepath.Join("testdata", "nlu", "old.bad.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, ps := ParseNLU(data, file)
	compareGolden(t, strings.TrimSuffix(file, ".json")+".txt", listProblems(ps, filepath.Dir(file)))
}

// firstNLU and secondNLU are files to merge.
const (
	firstNLU = `
nlu:
- intent: greet
  examples: |
    - hi
    - [LA](city:Los Angeles)
- regex: b
  examples: |
    - x
- lookup: city
  examples: |
    - Bern
responses:
  utter_faq/a: [{text: old}]
`
	secondNLU = `
nlu:
- intent: greet
  examples: |
    - hi
    - [hi](word)
- intent: bye
  examples: |
    - hi
- synonym: Louisiana
  examples: |
    - LA
- regex: a
  examples: |
    - y
- lookup: city
  examples: |
    - Ulm
responses:
  utter_faq/a: [{text: new}]
`
)

func TestMergeNLU(t *testing.T) {
	parse := func(name, text string) *NLUData {
		d, ps := ParseNLU([]byte(text), name)
		if ps.HasErrors() {
			t.Fatal(ps)
		}
		return d
	}
	a := parse("a.yml", firstNLU)
	b := parse("b.yml", secondNLU)
	var ps Problems
	got := mergeNLU([]*NLUData{a, b}, &ps)
	want := `5:7 "hi" intent="greet" key="" entities=[] metadata={}
6:7 "LA" intent="greet" key="" entities=[{"start": 0, "end": 2, "value": "Los Angeles", "entity": "city"}] metadata={}
6:7 "hi" intent="greet" key="" entities=[{"start": 0, "end": 2, "value": "hi", "entity": "word"}] metadata={}
9:7 "hi" intent="bye" key="" entities=[] metadata={}
12:7 synonym "LA" of "Louisiana"
15:7 regex "a" "y"
9:7 regex "b" "x"
10:3 lookup "city" ["Bern"]
16:3 lookup "city" ["Ulm"]
20:3 response "utter_faq/a"
`
	if diff := cmp.Diff(want, describeNLU(got)); diff != "" {
		t.Error(diff)
	}
	warned := `warning b.yml:12:7: "LA" is a synonym for "Louisiana" here and for "Los Angeles" in a.yml:6:7; this one counts` + "\n"
	if diff := cmp.Diff(warned, listProblems(ps, ".")); diff != "" {
		t.Error(diff)
	}
}

func TestCheckNLU(t *testing.T) {
	d, _ := ParseNLU([]byte(`
nlu:
- intent: greet
  examples: |
    - hi
- intent: faq/a
  examples: |
    - what is [a](letter)
- intent: faq/b
  examples: |
    - what is [b]{"entity": "letter", "role": "second"}
`), "nlu.yml")
	var ps Problems
	d.Check(func(name string) bool { return name == "utter_faq/a" }, &ps)
	want := `warning nlu.yml:5:7: intent "greet" has only one example; training needs two or more
warning nlu.yml:11:7: role "second" has only one example; training needs two or more
warning nlu.yml:11:7: intent "faq/b" has no response; add "utter_faq/b" to the responses
`
	if diff := cmp.Diff(want, listProblems(ps, ".")); diff != "" {
		t.Error(diff)
	}
}

package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parleybot/parley/internal/value"
)

// TestStoryFiles reads every good file of testdata/stories and compares what is in it with the golden file beside it.
func TestStoryFiles(t *testing.T) {
	for _, file := range goodFiles(t, "stories") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stories, ps := ParseStories(data, file)
			if ps.HasErrors() {
				t.Fatal(ps)
			}
			compareGolden(t, strings.TrimSuffix(file, ".yml")+".golden", describeStories(stories)+listProblems(ps, filepath.Dir(file)))
		})
	}
}

// goodFiles lists the YAML files of testdata/kind that are not *.bad.yml.
func goodFiles(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var good []string
	for _, f := range files {
		if !strings.HasSuffix(f, ".bad.yml") {
			good = append(good, f)
		}
	}
	if len(good) == 0 {
		t.Fatalf("no files of kind %s", kind)
	}
	return good
}

// describeStories writes stories, a step a line as JSON.
func describeStories(stories Stories) string {
	var out strings.Builder
	for _, s := range stories {
		fmt.Fprintf(&out, "%d:%d %q rule=%v start=%v nowait=%v metadata=%s\n", s.Pos.Line, s.Pos.Col, s.Name, s.Rule,
			s.ConversationStart, s.NoWaitForUserInput, value.Encode(s.Metadata, 0))
		for _, c := range s.Conditions {
			fmt.Fprintf(&out, "  if %s\n", describeStep(c))
		}
		for _, step := range s.Steps {
			fmt.Fprintf(&out, "  %s\n", describeStep(step))
		}
	}
	return out.String()
}

func describeStep(s Step) string {
	at := fmt.Sprintf("%d:%d ", s.Pos.Line, s.Pos.Col)
	switch s.Kind {
	case UserStep:
		entities := []any{}
		for _, e := range s.User.EntityMaps() {
			entities = append(entities, e)
		}
		return at + fmt.Sprintf("user intent=%q full=%q written=%v text=%q bytext=%v entities=%s", s.User.Intent,
			s.User.FullIntent, s.User.HasIntent, s.User.Text, s.User.TextFeaturized, value.Encode(entities, 0))
	case SlotStep:
		return at + "slots " + describeSlots(s.Slots)
	case LoopStep:
		return at + fmt.Sprintf("loop %q", s.Loop)
	case CheckpointStep:
		return at + fmt.Sprintf("checkpoint %q %s", s.Checkpoint.Name, describeSlots(s.Checkpoint.Slots))
	case OrStep:
		out := at + "or"
		for _, a := range s.Or {
			out += "\n    " + describeStep(a)
		}
		return out
	}
	return at + fmt.Sprintf("%s %q", map[StepKind]string{ActionStep: "action", BotStep: "bot", EventStep: "event"}[s.Kind], s.Action)
}

func describeSlots(slots []StorySlot) string {
	var out []string
	for _, s := range slots {
		one := fmt.Sprintf("%q", s.Name)
		if s.HasValue {
			one += "=" + string(value.Encode(s.Value, 0))
		}
		out = append(out, one)
	}
	return "[" + strings.Join(out, " ") + "]"
}

func TestCheckStories(t *testing.T) {
	d, ps := ParseDomain([]byte(`
intents: [greet, order]
slots:
  dish: {type: text, mappings: [{type: custom}]}
  wishes: {type: list, mappings: [{type: custom}]}
  member: {type: bool, mappings: [{type: custom}]}
  notes: {type: any, mappings: [{type: custom}]}
  silent: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
`), "domain.yml")
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	stories, ps := ParseStories([]byte(`
stories:
- story: a
  steps:
  - intent: oder
  - user: anything
  - or:
    - intent: order
    - slot_was_set: [wish]
  - slot_was_set: [dish, wishes, member, notes, silent, member]
rules:
- rule: b
  condition:
  - slot_was_set: [member, dihs]
  - slot_was_set:
    - unknown_but_with_value: 1
  steps:
  - intent: greet
`), "data/stories.yml")
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	var got Problems
	CheckStories(stories, d, &got)
	want := `warning stories.yml:5:5: intent "oder" is not in the domain; did you mean "order"?
error stories.yml:9:22: slot "wish" is not in the domain; did you mean "dish"?
warning stories.yml:10:34: slot "member" of type bool needs a value here; without one it counts as not set
error stories.yml:14:28: slot "dihs" is not in the domain; did you mean "dish"?
`
	if have := listProblems(got, "data"); have != want {
		t.Errorf("got\n%s\nwant\n%s", have, want)
	}
	var values []any
	for _, s := range stories[0].Steps[3].Slots[:3] {
		values = append(values, s.ValueIn(d))
	}
	if have := string(value.Encode(values, 0)); have != `["filled", ["filled"], null]` {
		t.Errorf("values of slots named without one: %s", have)
	}
}

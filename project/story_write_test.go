package project

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// TestRecordedStories reads the stories that real Rasa exported for the recorded conversations and writes them again.
func TestRecordedStories(t *testing.T) {
	files, err := filepath.Glob("../conformance/recorded/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(z)
			lines.Buffer(nil, 64<<20)
			for lines.Scan() {
				recorded, err := value.DecodeObject(lines.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				want := recorded.Map("story").String("answer")
				if want == "" || strings.Contains(want, "steps: []") {
					continue
				}
				stories, ps := ParseStories([]byte(want), "test_stories.yml")
				if ps.HasErrors() {
					t.Fatal(ps)
				}
				got, err := WriteStories(stories, WriteOptions{TestStory: true})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Fatal(diff)
				}
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// said is a message with two entities.
var said = &StoryMessage{Intent: "order", Text: "a cup of tea", Entities: []EntityAnnotation{
	{Start: 2, End: 5, Entity: "size", Value: "cup"}, {Start: 9, End: 12, Entity: "drink", Value: "chai"}}}

var writeStoriesTests = []struct {
	name  string
	story Story
	opts  WriteOptions
	want  string
}{
	{"no steps", Story{Name: "1234"}, WriteOptions{}, "version: \"3.1\"\nstories:\n- story: '1234'\n  steps: []\n"},
	{"message by intent", Story{Name: "s", Steps: []Step{{User: said}}}, WriteOptions{Appendable: true},
		"- story: s\n  steps:\n  - intent: order\n    entities:\n    - size: cup\n    - drink: chai\n"},
	{"test story", Story{Name: "s", Steps: []Step{{User: said}}}, WriteOptions{TestStory: true, Appendable: true},
		"- story: s\n  steps:\n  - intent: order\n    user: |-\n      a [cup](size) of [tea]{\"entity\": \"drink\", \"value\": \"chai\"}\n"},
	{"message by text", Story{Name: "s", Steps: []Step{{User: &StoryMessage{Intent: "x", Text: "hi\nyou", TextFeaturized: true}}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - user: |-\n      hi\n      you\n"},
	{"retrieval intent", Story{Name: "s", Steps: []Step{{User: &StoryMessage{Intent: "faq", FullIntent: "faq/a"}}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - intent: faq/a\n"},
	{"left out", Story{Name: "s", Steps: []Step{
		{Kind: ActionStep, Action: "action_listen"}, {Kind: ActionStep, Action: "action_session_start"},
		{Kind: ActionStep, Action: "action_unlikely_intent"}, {Kind: EventStep, Action: "restart"}, {User: &StoryMessage{}},
		{Kind: ActionStep, Action: "action_listen", Comment: "predicted: utter_hi"}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - action: action_listen  # predicted: utter_hi\n"},
	{"slots, loops and bots", Story{Name: "s", Steps: []Step{
		{Kind: SlotStep, Slots: []StorySlot{{Name: "a", Value: []any{int64(1), nil}, HasValue: true}, {Name: "b"}}},
		{Kind: LoopStep, Loop: "f"}, {Kind: LoopStep}, {Kind: BotStep, Action: "it's me", Comment: "predicted: no"}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - slot_was_set:\n    - a:\n      - 1\n      - null\n" +
			"  - slot_was_set:\n    - b\n  - active_loop: f\n  - active_loop: null\n  - bot: it's me  # predicted: no\n"},
	{"checkpoints and alternatives", Story{Name: "s", Steps: []Step{
		{Kind: CheckpointStep, Checkpoint: &StoryCheckpoint{Name: "c", Slots: []StorySlot{{Name: "a", Value: true, HasValue: true}}}},
		{Kind: OrStep, Or: []Step{{User: &StoryMessage{Intent: "a"}}, {User: &StoryMessage{Intent: "b"}}}}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - checkpoint: c\n    slot_was_set:\n    - a: true\n" +
			"  - or:\n    - intent: a\n    - intent: b\n"},
	{"comments", Story{Name: "s", Steps: []Step{{Comment: "predicted: bye: so long", User: &StoryMessage{Intent: "hi",
		StepEntities: []*value.Map{value.NewMap("entity", "a", "value", "b"), value.NewMap("entity", "c")}, EntityComments: []string{"predicted: x: y"}}}}},
		WriteOptions{Appendable: true}, "- story: s\n  steps:\n  - intent: hi  # predicted: bye: so long\n    entities:\n" +
			"    - a: b  # predicted: x: y\n    - c\n"},
	{"rule", Story{Name: "r", Rule: true, ConversationStart: true, NoWaitForUserInput: true,
		Conditions: []Step{{Kind: LoopStep, Loop: "f"}}, Steps: []Step{{User: &StoryMessage{Intent: "a"}}, {Kind: ActionStep, Action: "b"}}},
		WriteOptions{}, "version: \"3.1\"\nrules:\n- rule: r\n  condition:\n  - active_loop: f\n  conversation_start: true\n" +
			"  steps:\n  - intent: a\n  - action: b\n  wait_for_user_input: false\n"},
}

func TestWriteStories(t *testing.T) {
	for _, tt := range writeStoriesTests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := WriteStories([]Story{tt.story}, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		if got, err := WriteStories(nil, WriteOptions{TestStory: true}); err != nil || string(got) != "version: \"3.1\"\n" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("overlapping entities", func(t *testing.T) {
		bad := &StoryMessage{Intent: "a", Text: "abc", Entities: []EntityAnnotation{{Start: 0, End: 1}, {Start: 0, End: 2}}}
		_, err := WriteStories([]Story{{Name: "s", Steps: []Step{{User: bad}}}}, WriteOptions{TestStory: true})
		if err == nil || !strings.Contains(err.Error(), `write story "s": annotate entities`) {
			t.Errorf("error is %v", err)
		}
	})
}

// FuzzParseStories checks that no file makes the reader panic, and that stories that were written read back as the
// same events.
func FuzzParseStories(f *testing.F) {
	for _, file := range []string{"steps.yml", "test_retrieval.yml", "shapes.bad.yml", "crashes.bad.yml"} {
		data, err := os.ReadFile(filepath.Join("testdata", "stories", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("rules:\n- rule: '{\"a\": \"'\n  steps:\n  - slot_was_set:\n    - a: \"x\\ty\"\n    - ? |\n        long\n      : [2020-01-01, .nan, 1e3, '1']\n  - action: x\n")
	f.Fuzz(func(t *testing.T, text string) {
		stories, ps := ParseStories([]byte(text), "test_fuzz.yml")
		if ps.HasErrors() {
			return
		}
		opts := WriteOptions{TestStory: true}
		first, err := WriteStories(stories, opts)
		if err != nil {
			return
		}
		again, ps := ParseStories(first, "test_fuzz.yml")
		if ps.HasErrors() {
			t.Fatalf("%v\n%s", ps, first)
		}
		second, err := WriteStories(again, opts)
		if err != nil {
			t.Fatal(err)
		}
		third, ps := ParseStories(second, "test_fuzz.yml")
		if ps.HasErrors() {
			t.Fatalf("%v\n%s", ps, second)
		}
		if diff := cmp.Diff(events(again), events(third)); diff != "" {
			t.Fatalf("%s\n%s", diff, second)
		}
	})
}

// events describes stories by the events they stand for, without places.
func events(stories Stories) []string {
	var out []string
	for _, s := range stories {
		for i := range s.Steps {
			for _, one := range splitSlots(s.Steps[i]) {
				one.Pos = Pos{}
				for j := range one.Or {
					one.Or[j].Pos = Pos{}
				}
				out = append(out, s.Name+" "+describeStep(one))
			}
		}
	}
	return out
}

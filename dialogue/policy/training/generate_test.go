package training

import (
	"slices"
	"strings"
	"testing"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

const domainYAML = `
version: "3.1"
intents: [greet, order, bye]
entities: [dish]
slots:
  dish: {type: text, mappings: [{type: from_entity, entity: dish}]}
  size: {type: categorical, values: [small, large], mappings: [{type: custom}]}
actions: [action_cook]
responses:
  utter_hi: [{text: hi}]
  utter_bye: [{text: bye}]
forms:
  order_form: {required_slots: [dish]}
`

func load(t testing.TB, stories string) (*project.Domain, project.Stories) {
	t.Helper()
	d, ps := project.ParseDomain([]byte(domainYAML), "domain.yml")
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	s, ps := project.ParseStories([]byte("version: \"3.1\"\n"+stories), "stories.yml")
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	return d, s
}

// tell writes the actions and intents of a conversation in short.
func tell(t *Tracker) string {
	words := []string{t.Name + ":"}
	for _, e := range t.Events() {
		switch e := e.(type) {
		case *tracker.ActionExecuted:
			words = append(words, strings.TrimPrefix(e.Name+e.ActionText, "action_"))
		case *tracker.UserUttered:
			words = append(words, "/"+e.IntentName()+e.Text)
		case *tracker.SlotSet:
			words = append(words, e.Key+"=")
		case *tracker.ActiveLoop:
			words = append(words, "loop="+e.Name)
		case *tracker.ActionReverted:
			words = append(words, "undo")
		}
	}
	return strings.Join(words, " ")
}

// generated are stories and the conversations that training makes of them.
var generated = []struct {
	name    string
	stories string
	want    []string
	warning string
}{
	{"implied events", `
stories:
- story: s
  steps:
  - intent: order
    entities: [{dish: soup}]
  - action: action_cook
`, []string{"s: listen /order dish= cook listen"}, ""},
	{"or", `
stories:
- story: s
  steps:
  - or: [{intent: greet}, {intent: bye}]
  - action: utter_hi
`, []string{"s: listen /greet utter_hi listen", "s: listen /bye utter_hi listen"}, ""},
	{"checkpoints with conditions", `
stories:
- story: small
  steps: [{intent: greet}, {slot_was_set: [{size: small}]}, {checkpoint: sized}]
- story: large
  steps: [{intent: greet}, {slot_was_set: [{size: large}]}, {checkpoint: sized}]
- story: after
  steps:
  - checkpoint: sized
    slot_was_set: [{size: large}]
  - action: utter_hi
`, []string{"large > after: listen /greet size= utter_hi listen"}, ""},
	{"cycle", `
stories:
- story: in
  steps: [{intent: greet}, {checkpoint: round}]
- story: again
  steps: [{checkpoint: round}, {action: utter_hi}, {intent: order}, {checkpoint: round}]
- story: out
  steps: [{checkpoint: round}, {intent: bye}]
`, []string{
		"in > out: listen /greet listen /bye listen",
		"in > again > out: listen /greet utter_hi listen /order listen /bye listen",
		"in > again > out: listen /greet utter_hi listen /order utter_hi listen /order listen /bye listen",
		"in > again > out: listen /greet utter_hi listen /order utter_hi listen /order utter_hi listen /order listen /bye listen",
	}, ""},
	{"checkpoint that leads nowhere", `
stories:
- story: s
  steps: [{intent: greet}, {checkpoint: nowhere}]
`, []string{"s: listen /greet"}, "Unsatisfied end checkpoint 'nowhere' in block 's'. Remove this checkpoint or add " +
		"story blocks that start with this checkpoint."},
	{"rule", `
rules:
- rule: r
  condition: [{active_loop: null}, {slot_was_set: [{size: null}]}]
  steps: [{intent: bye}, {action: utter_bye}]
  wait_for_user_input: false
`, []string{"r: loop=should_not_be_set size= ... listen /bye utter_bye ... listen"}, ""},
	{"rule at the start", `
rules:
- rule: r
  conversation_start: true
  steps: [{intent: greet}, {action: utter_hi}]
`, []string{"r: listen /greet utter_hi listen"}, ""},
}

func TestGenerate(t *testing.T) {
	for _, c := range generated {
		t.Run(c.name, func(t *testing.T) {
			d, stories := load(t, c.stories)
			data := Generate(d, stories, Options{})
			var got []string
			for _, tr := range data.Trackers {
				got = append(got, tell(tr))
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) {
				t.Errorf("conversations are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			warning := ""
			if len(data.Warnings) > 0 {
				warning = data.Warnings[0].What
			}
			if warning != c.warning {
				t.Errorf("warning is %q, want %q", warning, c.warning)
			}
		})
	}
}

func TestAugmentation(t *testing.T) {
	d, stories := load(t, `
stories:
- story: one
  steps: [{intent: greet}, {action: utter_hi}]
- story: two
  steps: [{intent: bye}, {action: utter_bye}]
`)
	data := Generate(d, stories, Options{Augmentation: 5})
	original, longest := 0, 0
	for _, tr := range data.Trackers {
		if !tr.Augmented {
			original++
		}
		longest = max(longest, len(tr.Applied()))
	}
	if original != 2 || len(data.Trackers) <= 4 {
		t.Errorf("%d original of %d conversations", original, len(data.Trackers))
	}
	if longest != 13 { // four stories of three events each, and one action_listen
		t.Errorf("the longest conversation has %d events", longest)
	}
}

// TestRandomIsPythons compares with random.Random(42) of CPython 3.10.
func TestRandomIsPythons(t *testing.T) {
	list := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	newRandom(42).shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if want := []int{7, 3, 2, 8, 5, 6, 9, 4, 0, 1}; !slices.Equal(list, want) {
		t.Errorf("shuffled to %v, want %v", list, want)
	}
}

func TestFindConflicts(t *testing.T) {
	d, stories := load(t, `
stories:
- story: order
  steps: [{intent: greet}, {action: utter_hi}, {intent: order}, {action: action_cook}, {action: utter_hi}]
- story: order too
  steps: [{intent: greet}, {action: utter_hi}, {intent: order}, {action: action_cook}, {action: utter_bye}]
- story: other door
  steps: [{intent: bye}, {action: utter_hi}, {intent: order}, {action: utter_bye}]
`)
	const cook = "Story structure conflict after action 'action_cook':\n" +
		"  utter_bye predicted in 'order too' (stories.yml:6)\n  utter_hi predicted in 'order' (stories.yml:4)\n"
	conflicts, _ := FindConflicts(d, stories, 0)
	if len(conflicts) != 1 || conflicts[0].String() != cook {
		t.Errorf("conflicts are %v, want %s", conflicts, cook)
	}
	if at := conflicts[0].Pos(); at.Line != 6 {
		t.Errorf("conflict is at %v", at)
	}
	conflicts, _ = FindConflicts(d, stories, 1)
	if len(conflicts) < 2 || !slices.ContainsFunc(conflicts, func(c *Conflict) bool { return c.Kind == "intent" && c.Name == "order" }) {
		t.Errorf("with one state of history conflicts are %v", conflicts)
	}
}

package nlu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func TestTrainingData(t *testing.T) {
	city := []project.EntityAnnotation{{Start: 0, End: 3, Entity: "city", Value: "Ulm"}}
	data := nlu.NewTrainingData(&project.NLUData{
		Examples: []project.Example{
			{Text: "hi", Intent: " greet "},
			{Text: "hi", Intent: "greet"},
			{Text: "hi", Intent: "bye"},
			{Text: "Ulm", Intent: "inform", Entities: city},
			{Text: "Ulm", Intent: "inform"},
			{Text: "who", Intent: "faq", ResponseKey: "faq/who"},
		},
		Regexes: []project.Regex{{Name: "b", Pattern: "1"}, {Name: "a", Pattern: "2"}, {Name: "a", Pattern: "1"}},
		Responses: []project.Response{{Name: "utter_faq/who", Variations: []project.Variation{
			{Fields: value.NewMap("text", "first")}, {Fields: value.NewMap("text", "last")}, {Fields: value.NewMap("image", "x")}}}},
	}, project.Stories{{Steps: []project.Step{
		{Kind: project.UserStep, User: &project.StoryMessage{Intent: "greet"}},
		{Kind: project.ActionStep, Action: "utter_greet"},
		{Kind: project.OrStep, Or: []project.Step{{Kind: project.UserStep, User: &project.StoryMessage{Text: "words only"}}}},
		{Kind: project.UserStep, User: &project.StoryMessage{Text: "words too", Intent: "greet"}},
		{Kind: project.BotStep, Action: "what the bot says"},
		{Kind: project.ActionStep, Action: "action_listen"},
	}}})
	var got []string
	for _, m := range data.Examples[13:] {
		row := ""
		for _, a := range nlu.Attributes {
			if v, ok := m.Get(a); ok {
				row += a.String() + "=" + v + " "
			}
		}
		got = append(got, row)
	}
	want := []string{
		"text=hi intent=greet ", "text=hi intent=bye ", "text=Ulm intent=inform ", "text=Ulm intent=inform ",
		"text=who intent=faq response=last intent_response_key=faq/who ",
		"action_name=utter_greet ", "action_text=what the bot says ", "intent=greet ", "text=words too intent=greet ", "text=words only ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(data.IntentExamples()); n != 6 {
		t.Errorf("%d examples with intents", n)
	}
	if !data.EntityTypes()["city"] || len(data.EntityExamples()) != 1 {
		t.Errorf("entities are %v", data.EntityTypes())
	}
	if r := data.Regexes; r[0].Pattern != "1" || r[0].Name != "a" || r[2].Name != "b" {
		t.Errorf("regexes are %v", r)
	}
}

func TestSlice(t *testing.T) {
	cases := []struct {
		text       string
		start, end int
		want       string
	}{
		{"äöü", 1, 2, "ö"}, {"äöü", 0, 3, "äöü"}, {"äöü", 2, 9, "ü"}, {"äöü", 3, 3, ""}, {"", 0, 1, ""}, {"abc", 2, 1, ""},
	}
	for _, c := range cases {
		if got := nlu.Slice(c.text, c.start, c.end); got != c.want {
			t.Errorf("%q[%d:%d] is %q, want %q", c.text, c.start, c.end, got, c.want)
		}
	}
}

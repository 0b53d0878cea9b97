package keyword

import (
	"context"
	"fmt"
	"testing"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func train(t testing.TB, caseSensitive bool, pairs ...string) *Classifier {
	t.Helper()
	c, err := nlu.Components.Build(component.Config{Name: spec.Name, Options: value.NewMap("case_sensitive", caseSensitive)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*Classifier).Train(context.Background(), examples(pairs...)); err != nil {
		t.Fatal(err)
	}
	return c.(*Classifier)
}

func examples(pairs ...string) *nlu.TrainingData {
	data := &project.NLUData{}
	for i := 0; i < len(pairs); i += 2 {
		data.Examples = append(data.Examples, project.Example{Text: pairs[i], Intent: pairs[i+1]})
	}
	return nlu.NewTrainingData(data, nil)
}

// The expected intents were taken from KeywordIntentClassifier of Rasa 3.6.21.
func TestProcess(t *testing.T) {
	keywords := []string{"hello", "greet", "are we late?", "delay", "delay (again)", "delay", "node.js", "tech", "Grüße", "greet",
		"hey 👋", "wave", "both", "one", "both", "two", "sun", "day", "sun and moon", "night"}
	cases := []struct {
		name, text string
		sensitive  bool
		want       string
	}{
		{"whole word", "well hello you", true, "greet"},
		{"part of a word", "hellos", true, ""},
		{"letters differ", "Hello", true, ""},
		{"letters differ, ignored", "HELLO", false, "greet"},
		{"other letters ignored", "GRÜSSE grÜßE", false, "greet"},
		{"question mark is optional", "are we lat", true, "delay"},
		{"the text itself", "are we late?", true, "delay"},
		{"group", "delay again", true, "delay"},
		{"parentheses", "delay (again)", true, ""},
		{"dot", "nodexjs", true, "tech"},
		{"ends in an emoji", "hey 👋", true, ""},
		{"keyword of two intents", "both", true, ""},
		{"found in one of another intent", "sun", true, ""},
		{"the longer one", "sun and moon", true, "night"},
		{"empty", "", true, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := nlu.NewMessage(c.text)
			if err := train(t, c.sensitive, keywords...).Process(context.Background(), m); err != nil {
				t.Fatal(err)
			}
			if m.Predicted.Name != c.want || (m.Predicted.Confidence == 1) != (c.want != "") {
				t.Errorf("predicted %+v, want %q", *m.Predicted, c.want)
			}
		})
	}
}

func TestProcessKeepsIntent(t *testing.T) {
	m := nlu.NewMessage("nothing of the kind")
	m.Predicted = &nlu.Prediction{Name: "other", Confidence: 0.4}
	if err := train(t, true, "hello", "greet").Process(context.Background(), m); err != nil || m.Predicted.Name != "other" {
		t.Errorf("predicted %+v, %v", *m.Predicted, err)
	}
}

func TestTrainRefusesBadPattern(t *testing.T) {
	c := &Classifier{log: component.Env{}.WithDefaults().Logger}
	err := c.Train(context.Background(), examples("hey (", "greet"))
	want := `example "hey (" of intent "greet" is used as a regular expression: missing ), unterminated subpattern at position 6`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func BenchmarkFirst(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		var pairs []string
		for i := range n {
			pairs = append(pairs, fmt.Sprintf("please do number %d of them", i), "a")
		}
		c := train(b, true, pairs...)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				c.matcher.first("could you please do number 9 and then some of them")
			}
		})
	}
}

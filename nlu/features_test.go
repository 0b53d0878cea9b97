package nlu_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func cafeData() *nlu.TrainingData {
	data := &project.NLUData{Regexes: []project.Regex{{Name: "number", Pattern: `\d+`}}}
	for _, intent := range []string{"order_coffee", "order_cake", "opening", "pay"} {
		for _, text := range cafeExamples[intent] {
			data.Examples = append(data.Examples, project.Example{Text: text, Intent: intent})
		}
	}
	return nlu.NewTrainingData(data, nil)
}

// TestBlankText asks for an error where Rasa has one: a text of blanks has a token but no features of
// RegexFeaturizer, and so fewer columns than the classifier has learnt.
func TestBlankText(t *testing.T) {
	cases := []struct {
		name, pipeline, want string
	}{
		{"with patterns", "WhitespaceTokenizer RegexFeaturizer CountVectorsFeaturizer LogisticRegressionClassifier", "features instead of"},
		{"patterns only", "WhitespaceTokenizer RegexFeaturizer LogisticRegressionClassifier", "0 features instead of 1"},
		{"words only", "WhitespaceTokenizer CountVectorsFeaturizer LogisticRegressionClassifier", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := trained(t, nlu.Config{Entries: entries(strings.Fields(c.pipeline)...)}, cafeData())
			data, err := p.Parse(context.Background(), " \t")
			switch {
			case c.want == "" && (err != nil || data.Map("intent").String("name") == ""):
				t.Errorf("got %v, %v", data, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

// TestSolverIterations trains to the minimum with the solvers whose iterations are not those of lbfgs.
func TestSolverIterations(t *testing.T) {
	confidence := func(options ...any) float64 {
		list := entries("WhitespaceTokenizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier")
		list[2].Options = value.NewMap(options...)
		data, err := trained(t, nlu.Config{Entries: list}, cafeData()).Parse(context.Background(), "the bill please")
		if err != nil {
			t.Fatal(err)
		}
		f, _ := data.Map("intent").Value("confidence").(float64)
		return f
	}
	want := confidence("max_iter", int64(1000))
	if got := confidence("solver", "newton-cg", "max_iter", int64(5)); math.Abs(got-want) > 1e-4 {
		t.Errorf("newton-cg: %v, want %v", got, want)
	}
	if got := confidence("max_iter", int64(5)); math.Abs(got-want) < 1e-4 {
		t.Errorf("lbfgs is at the minimum after 5 iterations: %v", got)
	}
}

package nlu_test

import (
	"context"
	"testing"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

var cafeExamples = map[string][]string{
	"order_coffee": {"a large coffee please", "I would like a cappuccino", "can I have an espresso", "two flat whites to go", "one black coffee with milk"},
	"order_cake":   {"a slice of chocolate cake", "do I get some cheesecake", "I want the apple cake", "carrot cake please", "give me a piece of cake"},
	"opening":      {"when do you open", "are you open on sunday", "what are your opening hours", "until when are you open today", "do you close early"},
	"pay":          {"can I pay by card", "the bill please", "I want to pay now", "do you take credit cards", "how much is the bill"},
}

var cafeQuestions = map[string]string{
	"I would like a large espresso": "order_coffee", "a coffee with milk to go": "order_coffee", "can I have a flat white": "order_coffee",
	"a piece of carrot cake": "order_cake", "some chocolate cake please": "order_cake", "I want a slice of cheesecake": "order_cake",
	"are you open today": "opening", "when do you close on sunday": "opening", "what are the hours on sunday": "opening",
	"I want to pay the bill": "pay", "do you take my card": "pay", "how much do I pay": "pay",
}

// TestAccuracy trains on 20 short texts about a café and asks 12 others, with the pipelines small projects
// use.
func TestAccuracy(t *testing.T) {
	data := &project.NLUData{}
	for _, intent := range []string{"order_coffee", "order_cake", "opening", "pay"} {
		for _, text := range cafeExamples[intent] {
			data.Examples = append(data.Examples, project.Example{Text: text, Intent: intent})
		}
	}
	list := entries("WhitespaceTokenizer", "CountVectorsFeaturizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier")
	list[2].Options = value.NewMap("analyzer", "char_wb", "min_ngram", int64(1), "max_ngram", int64(4))
	p := trained(t, nlu.Config{Entries: list}, nlu.NewTrainingData(data, nil))
	right := 0
	for text, want := range cafeQuestions {
		got, err := p.Parse(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		if got.Map("intent").String("name") == want {
			right++
		}
	}
	if right < 11 {
		t.Errorf("%d of %d intents are right", right, len(cafeQuestions))
	}
	keywords := trained(t, nlu.Config{Entries: entries("KeywordIntentClassifier")}, nlu.NewTrainingData(data, nil))
	for intent, texts := range cafeExamples {
		for _, text := range texts {
			if got, _ := keywords.Parse(context.Background(), "hello, "+text); got.Map("intent").String("name") != intent {
				t.Errorf("%q is %s", text, value.Repr(got.Value("intent")))
			}
		}
	}
}

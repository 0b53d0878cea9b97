package diet

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

func classifier(t *testing.T, options ...any) *Classifier {
	built, err := nlu.Components.Build(component.Config{Name: name, ID: name + "1", Options: value.NewMap(options...)})
	require.NoError(t, err)
	return built.(*Classifier)
}

// TestUntrained: the intent is set, as Rasa does, and what other components found stays.
func TestUntrained(t *testing.T) {
	for _, c := range []struct {
		name    string
		intents bool
		want    string
	}{
		{"intents", true, `{"text":"hi","intent":{"name":null,"confidence":0.0},"entities":[{"entity":"x"}],"intent_ranking":[]}`},
		{"entities only", false, `{"text":"hi","intent":{"name":"known","confidence":0.5},"entities":[{"entity":"x"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := nlu.NewMessage("hi")
			m.Predicted = &nlu.Prediction{Name: "known", Confidence: 0.5}
			m.Entities = []*value.Map{value.NewMap("entity", "x")}
			require.NoError(t, classifier(t, "intent_classification", c.intents).Process(context.Background(), m))
			require.JSONEq(t, c.want, string(value.Encode(m.ParseData(), value.Compact)))
		})
	}
}

func TestAddEntities(t *testing.T) {
	m := nlu.NewMessage("to Zürich 🚲 now")
	m.SetTokens(nlu.Text, []nlu.Token{{Text: "to", End: 2}, {Text: "Zürich", Start: 3, End: 9}, {Text: "now", Start: 12, End: 15}})
	found := &diet.Prediction{Tags: tagging.Predicted{Entity: tagging.Tags{Names: []string{"O", "U-city", "O", "O"}, Confidences: []float64{1, 0.75, 1, 1}}}}
	classifier(t).addEntities(m, found)
	require.Len(t, m.Entities, 1)
	require.JSONEq(t, `{"entity":"city","start":3,"end":9,"confidence_entity":0.75,"value":"Zürich","extractor":"DIETClassifier"}`,
		string(value.Encode(m.Entities[0], value.Compact)))
}

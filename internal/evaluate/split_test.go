package evaluate

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/project"
)

// TestArgsort compares with NumPy, whose order of equal keys decides which confused labels a report names.
func TestArgsort(t *testing.T) {
	data, err := os.ReadFile("testdata/rasa.json")
	require.NoError(t, err)
	var recorded struct {
		Argsort []struct{ Keys, Order []int }
	}
	require.NoError(t, json.Unmarshal(data, &recorded))
	require.NotEmpty(t, recorded.Argsort)
	for _, c := range recorded.Argsort {
		require.Equal(t, c.Order, argsort(c.Keys), "%d keys", len(c.Keys))
	}
}

func examples(counts map[string]int) []project.Example {
	var out []project.Example
	for _, intent := range []string{"a", "b", "c", "faq/x", "faq/y"} {
		for i := range counts[intent] {
			ex := project.Example{Text: fmt.Sprint(intent, i), Intent: intent}
			if len(intent) > 1 {
				ex.Intent, ex.ResponseKey = "faq", intent
			}
			out = append(out, ex)
		}
	}
	return out
}

func count(list []project.Example) map[string]int {
	out := map[string]int{}
	for _, ex := range list {
		out[ex.FullIntent()]++
	}
	return out
}

// TestSplit has the counts of Rasa's TrainingData.split_nlu_examples.
func TestSplit(t *testing.T) {
	all := examples(map[string]int{"a": 20, "b": 10, "c": 2, "faq/x": 5, "faq/y": 3})
	for _, c := range []struct {
		fraction float64
		first    map[string]int
	}{
		{0.8, map[string]int{"a": 16, "b": 9, "c": 1, "faq/x": 4, "faq/y": 2}},
		{0.5, map[string]int{"a": 10, "b": 5, "c": 1, "faq/x": 3, "faq/y": 1}},
		{0, map[string]int{"a": 1, "b": 1, "c": 1, "faq/x": 1, "faq/y": 1}},
	} {
		first, second := Split(all, c.fraction, func() float64 { return 0.3 })
		require.Equal(t, c.first, count(first), "%v", c.fraction)
		require.Len(t, second, len(all)-len(first))
	}
}

func TestDropRare(t *testing.T) {
	kept := DropRare(examples(map[string]int{"a": 5, "b": 4, "faq/x": 2, "faq/y": 3}), 5)
	require.Equal(t, map[string]int{"a": 5, "faq/x": 2, "faq/y": 3}, count(kept))
}

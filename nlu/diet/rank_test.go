package diet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRank(t *testing.T) {
	labels := []string{"a", "b", "c", "d"}
	scores := []float32{0.125, 0.5, 0.25, 0.125}
	for _, c := range []struct {
		name        string
		length      int
		renormalize bool
		want        []Ranked
	}{
		// Of equal ones the last comes first: Rasa turns an ascending order around.
		{"all", 0, false, []Ranked{{"b", 0.5}, {"c", 0.25}, {"d", 0.125}, {"a", 0.125}}},
		{"more than there are", 9, true, []Ranked{{"b", 0.5}, {"c", 0.25}, {"d", 0.125}, {"a", 0.125}}},
		{"two", 2, false, []Ranked{{"b", 0.5}, {"c", 0.25}}},
		{"two that add up to 1", 2, true, []Ranked{{"b", float64(float32(0.5) / 0.75)}, {"c", float64(float32(0.25) / 0.75)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Rank(labels, scores, c.length, c.renormalize))
		})
	}
	require.Equal(t, "b", Rank(labels[:2], []float32{-0.5, 0}, 1, false)[0].Label)
	require.Equal(t, "a", Rank(labels[:2], []float32{-0.25, -0.5}, 1, false)[0].Label)
}

func TestBatchSize(t *testing.T) {
	grows := &Options{BatchSize: []any{int64(64), int64(256)}}
	require.Equal(t, []int{64, 128, 256}, []int{grows.batchSize(0, 4), grows.batchSize(1, 4), grows.batchSize(3, 4)})
	require.Equal(t, 64, grows.batchSize(0, 1))
	require.Equal(t, 32, (&Options{BatchSize: int64(32)}).batchSize(5, 10))
	require.Equal(t, 1, Fraction(100, 0.001))
	require.Equal(t, 34, Fraction(100, 0.333))
}

package diet

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/nn"
)

func numbered32(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// TestBatcher checks over many random data sets what balanced batches promise.
func TestBatcher(t *testing.T) {
	random := nn.NewRandom(4)
	for range 50 {
		classes, size := 1+random.IntN(12), 1+random.IntN(40)
		var labels []int32
		for k := range classes {
			for range 1 + random.IntN(1+random.IntN(60)) {
				labels = append(labels, int32(k))
			}
		}
		b := newBatcher(numbered32(len(labels)), labels, random)
		for range 3 {
			seen := make([]int, len(labels))
			order := b.epoch(size)
			for _, i := range order {
				seen[i]++
			}
			require.NotContains(t, seen, 0, "each example occurs")
			// A rare label comes back at least in every other round, so each has its turn before the order ends.
			require.LessOrEqual(t, len(order), len(labels)*(classes+1))
		}
	}
}

func TestBatcherRepeatsRareLabels(t *testing.T) {
	labels := append(make([]int32, 300), 1)
	order := newBatcher(numbered32(301), labels, nn.NewRandom(1)).epoch(64)
	rare := 0
	for _, i := range order {
		if labels[i] == 1 {
			rare++
		}
	}
	require.Greater(t, rare, 1)
}

func TestBatcherWithoutLabels(t *testing.T) {
	b := newBatcher(numbered32(20), nil, nn.NewRandom(1))
	first := slices.Clone(b.epoch(8))
	second := slices.Clone(b.epoch(8))
	require.NotEqual(t, first, second)
	slices.Sort(second)
	require.Equal(t, numbered32(20), second)
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		examples, size int
		drop           bool
		want           int
	}{
		{10, 5, false, 2}, {11, 5, false, 3}, {12, 5, true, 2}, {13, 5, true, 3}, {2, 5, true, 1}, {3, 5, true, 1}, {1, 8, true, 1},
	} {
		require.Equal(t, c.want, batches(c.examples, c.size, c.drop), c)
	}
}

func TestSplit(t *testing.T) {
	// Two labels of twelve examples, one of six, one of a single example.
	labels := append(slices.Concat(make([]int32, 12), slices.Repeat([]int32{1}, 12), slices.Repeat([]int32{2}, 6)), 3)
	train, held, err := split(len(labels), 6, labels, nn.NewRandom(2))
	require.NoError(t, err)
	require.Len(t, held, 6)
	all := slices.Concat(train, held)
	slices.Sort(all)
	require.Equal(t, numbered32(31), all)
	counts := make([]int, 4)
	for _, i := range held {
		counts[labels[i]]++
	}
	require.InDelta(t, counts[0], counts[1], 1)
	require.InDelta(t, 1, counts[2], 1)
	require.Zero(t, counts[3], "the only example of a label is trained on")

	_, _, err = split(31, 3, labels, nn.NewRandom(2))
	require.ErrorContains(t, err, "too little")
	_, _, err = split(31, 28, labels, nn.NewRandom(2))
	require.ErrorContains(t, err, "too much")
	_, _, err = split(5, 5, nil, nn.NewRandom(2))
	require.ErrorContains(t, err, "none to train on")
	train, held, err = split(5, 2, nil, nn.NewRandom(2))
	require.NoError(t, err)
	require.Len(t, train, 3)
	require.Len(t, held, 2)
}

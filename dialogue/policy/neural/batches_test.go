package neural

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/nn"
)

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestBalance: every example is seen, and a rare label is in every batch or every other one.
func TestBalance(t *testing.T) {
	labels := make([]int, 200)
	labels[17], labels[90] = 1, 3
	b := newBatcher(numbers(200), labels, nn.NewRandom(1))
	for epoch := range 3 {
		order := b.epoch(20)
		seen := slices.Clone(order)
		slices.Sort(seen)
		assert.Equal(t, numbers(200), slices.Compact(seen))
		rare := 0
		for _, e := range order {
			if labels[e] > 0 {
				rare++
			}
		}
		assert.GreaterOrEqual(t, rare, 8, "epoch %d", epoch)
	}
}

func TestSequenceOrder(t *testing.T) {
	b := newBatcher(numbers(50), nil, nn.NewRandom(1))
	first := slices.Clone(b.epoch(10))
	second := slices.Clone(b.epoch(10))
	assert.NotEqual(t, first, second)
	slices.Sort(second)
	assert.Equal(t, numbers(50), second)
}

func TestBatchSize(t *testing.T) {
	assert.Equal(t, []int{64, 160, 256}, []int{batchSize(64, 256, 0, 100), batchSize(64, 256, 50, 101), batchSize(64, 256, 99, 100)})
	assert.Equal(t, 64, batchSize(64, 256, 0, 1))
}

func TestHold(t *testing.T) {
	labels := []int{0, 0, 0, 0, 1, 2, 2}
	learnt, tried := hold(len(labels), 3, labels, nn.NewRandom(5))
	require.Len(t, tried, 3)
	assert.Contains(t, learnt, 4, "the only example of its label")
	left := map[int]bool{}
	for _, e := range learnt {
		left[labels[e]] = true
	}
	assert.Len(t, left, 3)
	learnt, tried = hold(4, 2, nil, nn.NewRandom(5))
	assert.Len(t, learnt, 2)
	assert.Len(t, tried, 2)
}

func TestRankAndMask(t *testing.T) {
	for _, c := range []struct {
		name        string
		length      int
		renormalize bool
		want        []float32
	}{
		{"all", 0, true, []float32{0.5, 0.125, 0.25, 0.125}},
		{"more than there are", 4, true, []float32{0.5, 0.125, 0.25, 0.125}},
		{"two", 2, false, []float32{0.5, 0, 0.25, 0}},
		{"two that add up to 1", 2, true, []float32{0.5 / 0.75, 0, 0.25 / 0.75, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := []float32{0.5, 0.125, 0.25, 0.125}
			RankAndMask(got, c.length, c.renormalize)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestMemo(t *testing.T) {
	var m Memo[string]
	_, ok := m.Get(3)
	assert.False(t, ok)
	m.Put(3, "a")
	m.Put(3+256, "b")
	_, ok = m.Get(3)
	assert.False(t, ok, "the place was taken")
	got, ok := m.Get(3 + 256)
	assert.True(t, ok)
	assert.Equal(t, "b", got)
}

func TestTags(t *testing.T) {
	entities := map[string]int{"city": 0, "city#from": 1}
	assert.Equal(t, []string{"O", "city", "city#from"}, tagsOf(entities, false))
	assert.Equal(t, []string{"O", "B-city", "I-city", "L-city", "U-city", "B-city#from", "I-city#from", "L-city#from", "U-city#from"},
		tagsOf(entities, true))
}

package nn

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/f32"
)

func TestDropoutDropsItsShare(t *testing.T) {
	tape := NewTrainingTape(1)
	x := tape.Tensor(200, 300)
	for i := range x.Elements() {
		x.Data[i] = 1
	}
	zeros, total := 0, float32(0)
	for _, v := range Dropout(tape, x, 0.2).Elements() {
		if v == 0 {
			zeros++
		} else {
			require.InDelta(t, 1.25, v, 1e-6)
		}
		total += v
	}
	assert.InDelta(t, 0.2, float64(zeros)/60000, 0.01)
	assert.InDelta(t, 1, total/60000, 0.01, "the mean stays")
	assert.Same(t, x, Dropout(NewTape(), x, 0.2), "while it infers nothing is dropped")
}

func TestSparseDropoutRemovesEntriesWithoutScaling(t *testing.T) {
	x := randomRows(500, 100, 20, 3)
	kept := SparseDropout(NewTrainingTape(2), *x, 0.3)
	assert.InDelta(t, 0.7, float64(kept.RowPtr[kept.Rows])/10000, 0.02)
	for i := range kept.Rows {
		cols, values := kept.Row(i)
		all, _ := x.Row(i)
		for k, c := range cols {
			require.Contains(t, all, c)
			require.Equal(t, float32(1), values[k])
		}
	}
	assert.Equal(t, *x, SparseDropout(NewTape(), *x, 0.3))
}

func TestInputMaskHidesItsShare(t *testing.T) {
	tape := NewTrainingTape(4)
	mask := NewInputMask(NewParams(1), "m", 3)
	x := tape.Input(randomMat(20000, 3, 5))
	lengths := make([]int, 2000)
	for i := range lengths {
		lengths[i] = 10
	}
	offsets := Lengths(lengths...)
	out, masked := mask.Forward(tape, x, offsets, true)
	assert.InDelta(t, 0.15, float64(len(masked))/18000, 0.01)
	assert.True(t, slices.IsSorted(masked))
	var vector, kept, other int
	for r := range out.Rows {
		isMasked := slices.Contains(masked, r)
		switch {
		case !isMasked:
			require.Equal(t, x.Row(r), out.Row(r))
			continue
		case slices.Equal(out.Row(r), mask.vector.Value):
			vector++
		case slices.Equal(out.Row(r), x.Row(r)):
			kept++
		default:
			other++
		}
		require.NotEqual(t, 9, r%10, "the row for the whole sequence is never masked")
	}
	n := float64(len(masked))
	assert.InDelta(t, 0.7, float64(vector)/n, 0.03)
	assert.InDelta(t, 0.1, float64(other)/n, 0.02)
	assert.InDelta(t, 0.2, float64(kept)/n, 0.03)
	same, none := mask.Forward(NewTape(), x, offsets, true)
	assert.Same(t, x, same)
	assert.Empty(t, none)
}

// train makes a few steps and returns all weights.
func train(seed uint64) source {
	p := NewParams(seed)
	layer := small(p, 0.3)
	crf := NewCRF(p, "crf", 32, 0.002, true)
	loss := &SingleLabelLoss{LossOptions{Negatives: 5, ScaleLoss: true, ConstrainSimilarities: true}}
	tape, adam := NewTrainingTape(seed), NewAdam(p, 0.01)
	lengths := make([]int, 120)
	for i := range lengths {
		lengths[i] = 1 + i%17
	}
	offsets := Lengths(lengths...)
	words, wholes := []Feature{{Sparse: sparseRows(offsets.Rows(), 20)}}, []Feature{{Sparse: sparseRows(len(lengths), 10)}}
	ids := make([]int, len(lengths))
	for i := range ids {
		ids[i] = i % 7
	}
	for range 4 {
		tape.Reset()
		out := layer.Forward(tape, words, wholes, offsets, nil)
		last := Gather(tape, out.Embedded, out.Offsets.Last(nil))
		loss.Forward(tape, last, last, ids, last, ids, nil)
		crf.Loss(tape, out.Embedded, out.Offsets, make([]int, out.Embedded.Rows))
		tape.Backward()
		adam.Step()
	}
	weights := source{}
	_ = p.Save(weights)
	return weights
}

func TestTrainingIsTheSameForASeed(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	alone := train(11)
	runtime.GOMAXPROCS(4)
	assert.Equal(t, alone, train(11), "however many processors there are")
	assert.NotEqual(t, alone["crf/transitions"], train(12)["crf/transitions"])
}

func TestInitialValues(t *testing.T) {
	p := NewParams(1)
	v := p.variable("kernel", glorot, 0, 100, 50)
	limit := glorotLimit([]int{100, 50})
	assert.InDelta(t, 0.2, limit, 1e-6)
	assert.Less(t, f32.Max(v.Value), limit)
	assert.Greater(t, f32.Max(v.Value), 0.9*limit)
	mean, deviation := moments(v.Value)
	assert.InDelta(t, 0, mean, 0.01)
	assert.InDelta(t, float64(limit)/1.7320508, deviation, 0.005, "uniform")
	assert.InDelta(t, glorotLimit([]int{1, 1, 8}), 0.8164966, 1e-6, "one row and eight units, as Keras counts them")
}

package nn

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parleybot/parley/internal/ml/f32"
)

// small is a transformer over features as the tests use it.
func small(p *Params, density float64) *Sequence {
	return NewSequence(p, "text", []FeatureSpec{{Sparse: true, Units: 20}}, []FeatureSpec{{Sparse: true, Units: 10}}, SequenceOptions{
		FeatureOptions: FeatureOptions{DenseDimension: 16, ConcatDimension: 16, DropRate: 0.2, SparseDropout: true, DenseDropout: true,
			Density: density, L2: 0.002},
		MaskedLM: true,
		Transformer: TransformerOptions{Layers: 2, DropRate: 0.2, L2: 0.002,
			AttentionOptions: AttentionOptions{Units: 32, Heads: 4, Density: density, KeyRelative: true, ValueRelative: true, MaxRelative: 5}},
	})
}

// sparseRows returns a matrix whose row i has ones in columns i, 2i and 3i of cols.
func sparseRows(rows, cols int) *f32.CSR {
	x := &f32.CSR{Rows: rows, Cols: cols, RowPtr: []int{0}}
	for i := range rows {
		for k := range 3 {
			x.Col = append(x.Col, int32((i*(k+1)+k)%cols))
			x.Val = append(x.Val, 1)
		}
		x.RowPtr = append(x.RowPtr, len(x.Col))
	}
	return x
}

func TestTapeAllocatesNothingInTheSteadyState(t *testing.T) {
	layer := small(NewParams(1), 0.2)
	offsets := Lengths(3, 1, 5)
	words, wholes := []Feature{{Sparse: sparseRows(9, 20)}}, []Feature{{Sparse: sparseRows(3, 10)}}
	infer, train := NewTape(), NewTrainingTape(7)
	run := func(tape *Tape) {
		tape.Reset()
		out := layer.Forward(tape, words, wholes, offsets, NeedLast)
		if tape.Training() {
			tape.AddGrad(out.Embedded, out.Embedded.Mat)
			tape.Backward()
		}
	}
	for range 3 {
		run(infer)
		run(train)
	}
	// What is left are functions that products hand to goroutines, and what the race detector takes out of pools.
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { run(infer) }), 32.0, "inference")
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { run(train) }), 64.0, "training")
}

func TestInferenceComputesOnlyTheRowsThatAreNeeded(t *testing.T) {
	layer := small(NewParams(1), 0.2)
	offsets := Lengths(3, 1, 5)
	words, wholes := []Feature{{Sparse: sparseRows(9, 20)}}, []Feature{{Sparse: sparseRows(3, 10)}}
	all := layer.Forward(NewTape(), words, wholes, offsets, nil)
	last := layer.Forward(NewTape(), words, wholes, offsets, NeedLast)
	assert.Equal(t, 12, all.Embedded.Rows)
	assert.Equal(t, 3, last.Embedded.Rows)
	for i, r := range []int{3, 5, 11} {
		assert.InDeltaSlice(t, all.Embedded.Row(r), last.Embedded.Row(i), 1e-6)
	}
}

func TestManyTapesRunOneNetwork(t *testing.T) {
	layer := small(NewParams(1), 0.2)
	run := func() []float32 {
		tape := NewTape()
		var out []float32
		for _, length := range []int{1, 40, 7} {
			tape.Reset()
			words, wholes := []Feature{{Sparse: sparseRows(length, 20)}}, []Feature{{Sparse: sparseRows(1, 10)}}
			out = append(out, layer.Forward(tape, words, wholes, Lengths(length), NeedLast).Embedded.Row(0)...)
		}
		return out
	}
	want := run()
	results := make([][]float32, 8)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = run() })
	}
	wg.Wait()
	for _, got := range results {
		assert.Equal(t, want, got)
	}
}

package nn

import (
	"testing"

	"github.com/parleybot/parley/internal/ml/f32"
)

// bench is a network of the size DIET has by default.
func bench(p *Params, density float64) *Sequence {
	return NewSequence(p, "text", []FeatureSpec{{Sparse: true, Units: 1000}}, []FeatureSpec{{Sparse: true, Units: 900}}, SequenceOptions{
		FeatureOptions: FeatureOptions{DenseDimension: 128, ConcatDimension: 128, DropRate: 0.2, SparseDropout: true, DenseDropout: true,
			Density: density, L2: 0.002},
		MaskedLM: true,
		Transformer: TransformerOptions{Layers: 2, DropRate: 0.2, L2: 0.002,
			AttentionOptions: AttentionOptions{Units: 256, Heads: 4, Density: density}},
	})
}

// randomRows returns a matrix with n entries a row.
func randomRows(rows, cols, n int, seed uint64) *f32.CSR {
	r := NewRandom(seed)
	x := &f32.CSR{Rows: rows, Cols: cols, RowPtr: []int{0}}
	for range rows {
		for k := range n {
			x.Col = append(x.Col, int32(k*cols/n+r.IntN(cols/n)))
			x.Val = append(x.Val, 1)
		}
		x.RowPtr = append(x.RowPtr, len(x.Col))
	}
	return x
}

func BenchmarkInference(b *testing.B) {
	trained := NewParams(1)
	bench(trained, 0.2)
	weights := source{}
	if err := trained.Save(weights); err != nil {
		b.Fatal(err)
	}
	layer := bench(LoadParams(weights), 0.2)
	offsets := Lengths(8)
	words, wholes := []Feature{{Sparse: randomRows(8, 1000, 20, 1)}}, []Feature{{Sparse: randomRows(1, 900, 60, 2)}}
	tape := NewTape()
	for b.Loop() {
		tape.Reset()
		layer.Forward(tape, words, wholes, offsets, NeedLast)
	}
}

func BenchmarkTrainingStep(b *testing.B) {
	p := NewParams(1)
	layer := bench(p, 0.2)
	lengths := make([]int, 64)
	for i := range lengths {
		lengths[i] = 3 + i%11
	}
	offsets := Lengths(lengths...)
	words := []Feature{{Sparse: randomRows(offsets.Rows(), 1000, 20, 1)}}
	wholes := []Feature{{Sparse: randomRows(64, 900, 60, 2)}}
	tape, adam := NewTrainingTape(1), NewAdam(p, 0.001)
	for b.Loop() {
		tape.Reset()
		out := layer.Forward(tape, words, wholes, offsets, NeedLast)
		tape.AddGrad(out.Embedded, out.Embedded.Mat)
		tape.Backward()
		adam.Step()
	}
}

package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/f32"
)

// randomMat returns a matrix of numbers between -1 and 1.
func randomMat(rows, cols int, seed uint64) f32.Mat {
	m := f32.New(rows, cols)
	NewRandom(seed).Uniform(m.Data, -1, 1)
	return m
}

// network is something with variables, whose output for x is what run returns.
type network struct {
	name string
	in   f32.Mat
	run  func(t *Tape, p *Params, x *Tensor) *Tensor
}

var gradientCases = []network{
	{"dense in tiles", randomMat(3, 40, 1), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return NewDense(p, "d", 40, 20, DenseOptions{Density: 0.4}).Forward(t, x)
	}},
	{"dense, gelu", randomMat(3, 4, 2), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return NewDense(p, "d", 4, 3, DenseOptions{Activation: GELUActivation}).Forward(t, x)
	}},
	{"layer norm", randomMat(4, 6, 3), func(t *Tape, p *Params, x *Tensor) *Tensor { return NewLayerNorm(p, "n", 6).Forward(t, x) }},
	{"gelu of something used twice", randomMat(2, 3, 4), func(t *Tape, _ *Params, x *Tensor) *Tensor {
		return Add(t, GELU(t, x), Concat(t, Gather(t, x, []int{1, 1})))
	}},
	{"concat and append", randomMat(4, 3, 5), func(t *Tape, p *Params, x *Tensor) *Tensor {
		wide := Concat(t, x, NewDense(p, "d", 3, 2, DenseOptions{}).Forward(t, x))
		out, _ := Append(t, wide, Gather(t, wide, []int{3, 0}), Lengths(1, 3))
		return out
	}},
	{"sum of sequences", randomMat(4, 3, 6), func(t *Tape, _ *Params, x *Tensor) *Tensor {
		return GELU(t, SumSequences(t, x, Lengths(1, 0, 3)))
	}},
	{"drop-out", randomMat(9, 7, 7), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return GELU(t, Dropout(t, NewDense(p, "d", 7, 5, DenseOptions{}).Forward(t, x), 0.4))
	}},
	{"input mask", randomMat(40, 2, 8), func(t *Tape, p *Params, x *Tensor) *Tensor {
		out, _ := NewInputMask(p, "m", 2).Forward(t, x, Lengths(10, 3, 27), true)
		return out
	}},
	{"similarities", randomMat(3, 4, 9), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return Similarities(t, x, NewDense(p, "d", 4, 4, DenseOptions{}).Forward(t, Gather(t, x, []int{2, 0})), true)
	}},
	{"features, padded", randomMat(6, 3, 10), func(t *Tape, p *Params, x *Tensor) *Tensor {
		c := NewFeatureCombining(p, "c", []FeatureSpec{{Sparse: true, Units: 9}, {Units: 3}}, []FeatureSpec{{Sparse: true, Units: 5}},
			FeatureOptions{DenseDimension: 4, ConcatDimension: 6, Density: 1, PadBatch: true, SparseDropout: true, DenseDropout: true, DropRate: 0.3})
		out, _ := c.Forward(t, []Feature{{Sparse: sparseRows(6, 9)}, {Dense: x.Mat}}, []Feature{{Sparse: sparseRows(3, 5)}}, Lengths(1, 3, 2))
		return out
	}},
	{"transformer, some rows", randomMat(9, 5, 11), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return NewTransformer(p, "t", 5, TransformerOptions{Layers: 2, DropRate: 0.1, AttentionOptions: AttentionOptions{Units: 8, Heads: 2,
			Density: 0.5, Unidirectional: true, KeyRelative: true, ValueRelative: true, MaxRelative: 2}}).
			Forward(t, x, Lengths(4, 1, 4), []int{2, 3, 8})
	}},
	{"attention with drop-out", randomMat(9, 5, 12), func(t *Tape, p *Params, x *Tensor) *Tensor {
		return NewAttention(p, "a", 5, AttentionOptions{Units: 8, Heads: 2, Density: 1, DropRate: 0.2}).Forward(t, x, Lengths(5, 4), nil)
	}},
}

func TestGradientsAreTheSlopes(t *testing.T) {
	for _, c := range gradientCases {
		t.Run(c.name, func(t *testing.T) {
			p := NewParams(3)
			var up f32.Mat
			// loss is the sum of the outputs, each with a weight. Tapes with the same seed draw the same numbers.
			loss := func(x f32.Mat) float64 {
				tape := NewTrainingTape(5)
				in := tape.Input(x)
				tape.Watch(in)
				total := 0.0
				for i, v := range c.run(tape, p, in).Elements() {
					total += float64(v) * float64(up.Data[i])
				}
				return total
			}
			tape := NewTrainingTape(5)
			x := f32.New(c.in.Rows, c.in.Cols)
			x.CopyFrom(c.in)
			in := tape.Input(x)
			tape.Watch(in)
			out := c.run(tape, p, in)
			up = randomMat(out.Rows, out.Cols, 99)
			tape.AddGrad(out, up)
			tape.Backward()

			slope := func(at *float32) float64 {
				const step = 2e-3
				was := *at
				*at = was + step
				above := loss(x)
				*at = was - step
				below := loss(x)
				*at = was
				return (above - below) / (2 * step)
			}
			compare := func(what string, values, gradient []float32) {
				for i := range values {
					want := slope(&values[i])
					require.InDelta(t, want, gradient[i], 1e-2*max(1, math.Abs(want)), "%s, element %d", what, i)
				}
			}
			if g, ok := tape.Grad(in); ok {
				compare("input", x.Data, g.Elements())
			}
			for _, v := range p.Variables() {
				values, g := v.Value, v.gradient()
				if v.pattern != nil {
					inside := make([]float32, len(values))
					v.pattern.Mask(inside)
					f32.Mul(g, g, inside)
					values, g = onlyInside(values, g, inside)
				}
				compareSampled(compare, v.Name, values, g)
			}
		})
	}
}

// onlyInside is for kernels in tiles that reach over their matrix: an element outside has no slope.
func onlyInside(values, gradient, inside []float32) ([]float32, []float32) {
	for i, in := range inside {
		if in == 0 {
			return values[:i], gradient[:i]
		}
	}
	return values, gradient
}

// compareSampled compares the first elements, which is enough for large kernels.
func compareSampled(compare func(string, []float32, []float32), name string, values, gradient []float32) {
	n := min(len(values), 24)
	compare(name, values[:n], gradient[:n])
}

func TestLossesOfManyTapesAddUp(t *testing.T) {
	p := NewParams(1)
	d := NewDense(p, "d", 2, 2, DenseOptions{})
	tape := NewTrainingTape(1)
	y := d.Forward(tape, tape.Input(randomMat(3, 2, 1)))
	once := func() []float32 {
		g := append([]float32(nil), p.Variable("d/kernel").gradient()...)
		p.Variable("d/kernel").touched = false
		return g
	}
	tape.AddGrad(y, y.Mat)
	tape.Backward()
	single := once()
	tape.Reset()
	y = d.Forward(tape, tape.Input(randomMat(3, 2, 1)))
	tape.AddGrad(y, y.Mat)
	tape.AddGrad(y, y.Mat)
	tape.Backward()
	for i, g := range once() {
		assert.InDelta(t, 2*single[i], g, 1e-6)
	}
}

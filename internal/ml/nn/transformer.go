package nn

import (
	"math"
	"strconv"
	"sync/atomic"

	"github.com/parleybot/parley/internal/ml/f32"
)

// TransformerOptions are those of transformer.py TransformerEncoder; the inner layer of a feed-forward block is four times
// as wide as Units.
type TransformerOptions struct {
	AttentionOptions
	Layers int
	// DropRate is the drop-out of activations; AttentionOptions.DropRate the one of attention.
	DropRate float64
	// L2 is the regularisation factor of the kernel that brings the input to Units. Rasa regularises no other one here.
	L2 float64
}

// Transformer is a stack of encoder layers over sequences.
type Transformer struct {
	TransformerOptions
	embedding *Dense
	layers    []encoderLayer
	norm      *LayerNorm
	positions atomic.Pointer[f32.Mat]
}

type encoderLayer struct {
	norm      *LayerNorm
	attention *Attention
	ffnNorm   *LayerNorm
	ffnIn     *Dense
	ffnOut    *Dense
}

// NewTransformer creates or reads the layers at path. in may be 0 when they are read.
func NewTransformer(p *Params, path string, in int, o TransformerOptions) *Transformer {
	e := &Transformer{TransformerOptions: o}
	e.embedding = NewDense(p, path+"/_embedding", in, o.Units, DenseOptions{Density: exactly(o.Density), L2: o.L2})
	for i := range o.Layers {
		at := path + "/_enc_layers/" + strconv.Itoa(i)
		e.layers = append(e.layers, encoderLayer{
			norm:      NewLayerNorm(p, at+"/_layer_norm", o.Units),
			attention: NewAttention(p, at+"/_mha", o.Units, o.AttentionOptions),
			ffnNorm:   NewLayerNorm(p, at+"/_ffn_layers/0", o.Units),
			ffnIn: NewDense(p, at+"/_ffn_layers/1", o.Units, 4*o.Units,
				DenseOptions{Density: exactly(o.Density), Activation: GELUActivation}),
			ffnOut: NewDense(p, at+"/_ffn_layers/3", 4*o.Units, o.Units, DenseOptions{Density: exactly(o.Density)}),
		})
	}
	e.norm = NewLayerNorm(p, path+"/_layer_norm", o.Units)
	return e
}

// In returns the width of the input.
func (e *Transformer) In() int { return e.embedding.In() }

// Forward returns one row of Units for each of the rows of x that are needed, all of them when rows is nil: the last layer
// does nothing for the others. rows ascend; they must not change until the tape is reset.
func (e *Transformer) Forward(t *Tape, x *Tensor, offsets Offsets, rows []int) *Tensor {
	y := e.place(t, e.embedding.Forward(t, x), offsets)
	y = Dropout(t, y, e.DropRate)
	for i := range e.layers {
		var needed []int
		if i == len(e.layers)-1 {
			needed = rows
		}
		y = e.layers[i].forward(t, y, offsets, needed, e.DropRate)
	}
	if len(e.layers) == 0 && rows != nil {
		y = Gather(t, y, rows)
	}
	return e.norm.Forward(t, y)
}

func (l *encoderLayer) forward(t *Tape, x *Tensor, offsets Offsets, rows []int, rate float64) *Tensor {
	seen := l.attention.Forward(t, l.norm.Forward(t, x), offsets, rows)
	if rows != nil {
		x = Gather(t, x, rows)
	}
	x = addTo(t, Dropout(t, seen, rate), x)
	y := l.ffnIn.Forward(t, l.ffnNorm.Forward(t, x))
	y = l.ffnOut.Forward(t, Dropout(t, y, rate))
	return addTo(t, Dropout(t, y, rate), x)
}

// place scales the embedded input and adds to each row what says where it stands in its sequence. It works in x's memory.
func (e *Transformer) place(t *Tape, x *Tensor, offsets Offsets) *Tensor {
	out := t.inPlace(x)
	scale := float32(math.Sqrt(float64(e.Units)))
	f32.Scale(out.Elements(), scale, x.Elements())
	positions := e.encodings(offsets.MaxLen())
	for s := range offsets.Len() {
		from, to := offsets.Bounds(s)
		for r := from; r < to; r++ {
			row := out.Row(r)
			f32.Add(row, row, positions.Row(r-from))
		}
	}
	if n := t.record(placeBack, out, false, x); n != nil {
		n.factor = scale
	}
	return out
}

func placeBack(t *Tape, n *node) {
	own := n.out.grad.Elements()
	f32.Scale(own, n.factor, own)
	t.pass(n.out, n.a)
}

// encodings returns the sines and cosines of at least n positions (transformer.py _positional_encoding).
func (e *Transformer) encodings(n int) f32.Mat {
	if known := e.positions.Load(); known != nil && known.Rows >= n {
		return *known
	}
	m := f32.New(max(2*n, 32), e.Units)
	for j := range e.Units {
		angle := float32(1 / math.Pow(10000, float64(j/2*2)/float64(float32(e.Units))))
		for i := range m.Rows {
			x := float64(float32(i) * angle)
			if j%2 == 0 {
				m.Set(i, j, float32(math.Sin(x)))
			} else {
				m.Set(i, j, float32(math.Cos(x)))
			}
		}
	}
	e.positions.Store(&m)
	return m
}

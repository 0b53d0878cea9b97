package nn

import "github.com/parleybot/parley/internal/ml/f32"

// The shares of layers.py InputMask: of the positions 15 % are masked, of these 70 % by the mask vector and 10 % by another
// position's row; the rest keep theirs.
const (
	maskFrom    = 0.85
	vectorShare = 0.7
	otherShare  = 0.1
)

// InputMask hides some positions of its input while it trains. Its variable is path/mask_vector.
type InputMask struct{ vector *Variable }

// NewInputMask creates or reads the layer at path.
func NewInputMask(p *Params, path string, units int) *InputMask {
	return &InputMask{vector: p.variable(path+"/mask_vector", glorot, 0, 1, 1, units)}
}

// What a row of a masked input is made of, instead of the number of the row it is a copy of.
const (
	fromVector = -1
	fromNoise  = -2
)

// Forward returns x with masked positions, and the rows that are masked, ascending. keepLast says that the last row of each
// sequence stands for the whole of it and is never masked. While it infers, x itself and nothing is returned.
func (m *InputMask) Forward(t *Tape, x *Tensor, offsets Offsets, keepLast bool) (*Tensor, []int) {
	if !t.training {
		return x, nil
	}
	tail := 0
	if keepLast {
		tail = 1
	}
	shuffle := newShuffling(t, offsets, tail)
	from := t.indices.take(x.Rows)
	masked := t.indices.take(x.Rows)[:0]
	for s := range offsets.Len() {
		first, end := offsets.Bounds(s)
		for r := first; r < end; r++ {
			from[r] = r
			if r >= end-tail || t.random.Float32() < maskFrom {
				continue
			}
			masked = append(masked, r)
			switch u := t.random.Float32(); {
			case u < vectorShare:
				from[r] = fromVector
			case u < vectorShare+otherShare:
				from[r] = shuffle.source(s, r-first)
			}
		}
	}
	out := t.Tensor(x.Rows, x.Cols)
	m.fill(t, out.Mat, x.Mat, from)
	if n := t.record(inputMaskBack, out, m.vector.grad != nil, x); n != nil {
		n.layer, n.rows = m, from
	}
	return out, masked
}

func (m *InputMask) fill(t *Tape, out, x f32.Mat, from []int) {
	var low, high float32
	bounded := false
	for r, source := range from {
		switch {
		case source >= 0:
			copy(out.Row(r), x.Row(source))
		case source == fromVector:
			copy(out.Row(r), m.vector.Value)
		default:
			if !bounded {
				low, high = -f32.Max(negated(t, x)), f32.Max(x.Elements())
				bounded = true
			}
			t.random.Uniform(out.Row(r), low, high)
		}
	}
}

func negated(t *Tape, x f32.Mat) []float32 {
	out := t.floats.take(x.Rows * x.Cols)
	f32.Scale(out, -1, x.Elements())
	return out
}

// inputMaskBack: rows that stem from elsewhere have no gradient, TensorFlow's shuffle is no way back.
func inputMaskBack(t *Tape, n *node) {
	m := n.layer.(*InputMask)
	var dx f32.Mat
	if n.a.needs {
		dx = t.zeroGradOf(n.a)
	}
	for r, source := range n.rows {
		d := n.out.grad.Row(r)
		switch {
		case source == r && n.a.needs:
			f32.Add(dx.Row(r), dx.Row(r), d)
		case source == fromVector && m.vector.grad != nil:
			g := m.vector.gradient()
			f32.Add(g, g, d)
		}
	}
}

// shuffling says which row another one is replaced by: Rasa shuffles the padded batch first by sequences, then by positions.
type shuffling struct {
	offsets             Offsets
	sequence, positions []int
	tail                int
}

func newShuffling(t *Tape, offsets Offsets, tail int) shuffling {
	permutation := func(n int) []int {
		p := t.indices.take(n)
		for i := range p {
			p[i] = i
			j := t.random.IntN(i + 1)
			p[i], p[j] = p[j], i
		}
		return p
	}
	return shuffling{offsets: offsets, sequence: permutation(offsets.Len()), positions: permutation(offsets.MaxLen()), tail: tail}
}

// source returns the row that replaces the one at position i of sequence s; what was padding is noise.
func (s shuffling) source(sequence, i int) int {
	from, to := s.offsets.Bounds(s.sequence[sequence])
	if at := from + s.positions[i]; at < to-s.tail {
		return at
	}
	return fromNoise
}

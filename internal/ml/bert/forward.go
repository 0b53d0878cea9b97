package bert

import (
	"fmt"
	"math"
	"sync"

	"github.com/parleybot/parley/internal/ml/f32"
)

// activations change a matrix in place.
var activations = map[string]func(x []float32){
	"gelu": func(x []float32) { f32.GELU(x, x) },
	"relu": func(x []float32) { f32.ReLU(x, x) },
	"gelu_new": func(x []float32) {
		for i, v := range x {
			z := float64(v)
			x[i] = float32(0.5 * z * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(z+0.044715*z*z*z))))
		}
	},
}

// scratch is the memory of one pass.
type scratch struct {
	x, query, key, value, mixed, other, wide []float32
	scores                                   []float32
	// turnedX and turnedY are the input and output of a layer with rows and columns exchanged.
	turnedX, turnedY []float32
}

type scratchPool struct{ sync.Pool }

func (p *scratchPool) take(rows, longest int, c *Config) *scratch {
	s, ok := p.Get().(*scratch)
	if !ok {
		s = &scratch{}
	}
	for _, list := range []*[]float32{&s.x, &s.query, &s.key, &s.value, &s.mixed, &s.other} {
		*list = resized(*list, rows*c.Hidden)
	}
	s.wide = resized(s.wide, rows*c.Intermediate)
	if rows < fewRows {
		widest := max(c.Hidden, c.Intermediate)
		s.turnedX, s.turnedY = resized(s.turnedX, rows*widest), resized(s.turnedY, rows*widest)
	}
	s.scores = resized(s.scores, longest*longest)
	return s
}

func resized(list []float32, size int) []float32 {
	if cap(list) < size {
		return make([]float32, size)
	}
	return list[:size]
}

// Encode returns the last hidden states of sequences of tokens, a row a token, all sequences in one matrix one behind
// the other. Sequences must not be empty or longer than Positions, and tokens must be in the vocabulary.
func (m *Model) Encode(sequences [][]int) (f32.Mat, error) {
	total, longest := 0, 0
	for _, tokens := range sequences {
		if len(tokens) == 0 || len(tokens) > m.Positions {
			return f32.Mat{}, fmt.Errorf("encoding %d tokens: there must be 1 to %d", len(tokens), m.Positions)
		}
		for _, t := range tokens {
			if t < 0 || t >= m.Vocabulary {
				return f32.Mat{}, fmt.Errorf("encoding token %d: the vocabulary has %d", t, m.Vocabulary)
			}
		}
		total += len(tokens)
		longest = max(longest, len(tokens))
	}
	s := m.scratch.take(total, longest, &m.Config)
	defer m.scratch.Put(s)
	out := f32.New(total, m.Hidden)
	x := f32.Wrap(total, m.Hidden, s.x)
	m.embed(sequences, x)
	for i := range m.layers {
		m.layers[i].forward(m, sequences, x, s)
	}
	out.CopyFrom(x)
	return out, nil
}

// embed stores the embeddings of the tokens in x.
func (m *Model) embed(sequences [][]int, x f32.Mat) {
	i := 0
	for _, tokens := range sequences {
		for position, token := range tokens {
			row := x.Row(i)
			f32.Add(row, m.words.Row(token), m.positions.Row(position))
			if m.types != nil {
				f32.Add(row, row, m.types)
			}
			i++
		}
	}
	m.embedNorm.apply(x, m.Epsilon)
}

// forward replaces x by the output of the layer.
func (l *layer) forward(m *Model, sequences [][]int, x f32.Mat, s *scratch) {
	rows, hidden := x.Rows, m.Hidden
	wrap := func(list []float32) f32.Mat { return f32.Wrap(rows, hidden, list) }
	query, key, value, mixed, other := wrap(s.query), wrap(s.key), wrap(s.value), wrap(s.mixed), wrap(s.other)
	l.query.apply(query, x, s)
	l.key.apply(key, x, s)
	l.value.apply(value, x, s)
	f32.Scale(s.query, float32(1/math.Sqrt(float64(hidden/m.Heads))), s.query)
	size := hidden / m.Heads
	from := 0
	for _, tokens := range sequences {
		n := len(tokens)
		scores := f32.Wrap(n, n, s.scores[:n*n])
		for h := range m.Heads {
			part := func(a f32.Mat) f32.Mat { return a.SliceRows(from, from+n).SliceCols(h*size, (h+1)*size) }
			f32.MatMulT(scores, part(query), part(key), false)
			f32.Softmax(scores, scores)
			f32.MatMul(part(mixed), scores, part(value), false)
		}
		from += n
	}
	l.output.apply(other, mixed, s)
	f32.Add(s.x, s.x, s.other)
	l.attentionNorm.apply(x, m.Epsilon)
	wide := f32.Wrap(rows, m.Intermediate, s.wide)
	l.expand.apply(wide, x, s)
	activations[m.Activation](s.wide)
	l.shrink.apply(other, wide, s)
	f32.Add(s.x, s.x, s.other)
	l.outputNorm.apply(x, m.Epsilon)
}

// fewRows is the number of rows from which on it is cheaper to turn the weights than input and output.
const fewRows = 128

func (d *dense) apply(dst, x f32.Mat, s *scratch) {
	if x.Rows < fewRows {
		turnedX, turnedY := f32.Wrap(x.Cols, x.Rows, s.turnedX[:x.Cols*x.Rows]), f32.Wrap(dst.Cols, x.Rows, s.turnedY[:dst.Cols*x.Rows])
		x.Transpose(turnedX)
		f32.MatMul(turnedY, d.weight, turnedX, false)
		turnedY.Transpose(dst)
	} else {
		f32.MatMulT(dst, x, d.weight, false)
	}
	f32.AddRow(dst, d.bias)
}

func (n *layerNorm) apply(x f32.Mat, epsilon float32) {
	f32.LayerNorm(x, x, n.gamma, n.beta, epsilon, nil, nil)
}

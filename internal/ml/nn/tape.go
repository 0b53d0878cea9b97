package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Tensor is a matrix that layers read or have computed, one row a position. It lives until the tape's next Reset.
type Tensor struct {
	f32.Mat
	grad f32.Mat
	// has says that grad holds something; before, it is memory of the last batch.
	has bool
	// needs says that a gradient at this tensor is of use.
	needs bool
}

// A node is one operation that was done: back computes the gradients at a, b, c and the variables of layer
// from the one at out. Nodes are plain data instead of closures, so that recording allocates nothing.
type node struct {
	back      func(t *Tape, n *node)
	layer     any
	out       *Tensor
	a, b, c   *Tensor
	parts     []*Tensor
	mats      [3]f32.Mat
	floats    []float32
	more      []float32
	rows      []int
	offsets   Offsets
	sequences Offsets
	starts    []int
	sparse    f32.CSR
	factor    float32
}

// Tape runs layers and owns the memory of what they compute. It belongs to one goroutine.
type Tape struct {
	training bool
	random   *Random
	masks    *f32.Rand
	floats   slab[float32]
	doubles  slab[float64]
	indices  slab[int]
	columns  slab[int32]
	tensors  slab[Tensor]
	pointers slab[*Tensor]
	nodes    []node
}

// NewTape returns a tape that infers: nothing is dropped out, there is no way back.
func NewTape() *Tape { return &Tape{random: NewRandom(0)} }

// NewTrainingTape returns a tape that trains; seed is for drop-out and whatever else layers decide at random.
func NewTrainingTape(seed uint64) *Tape {
	return &Tape{training: true, random: NewRandom(seed), masks: f32.NewRand(seed)}
}

// Training reports whether the tape drops out and can go back.
func (t *Tape) Training() bool { return t.training }

// Random returns the source of what layers decide at random.
func (t *Tape) Random() *Random { return t.random }

// Reset forgets everything that was computed; the memory is used again.
func (t *Tape) Reset() {
	t.floats.reset()
	t.doubles.reset()
	t.indices.reset()
	t.columns.reset()
	t.tensors.reset()
	t.pointers.reset()
	clear(t.nodes)
	t.nodes = t.nodes[:0]
}

// Tensor returns a matrix whose elements are whatever they were before.
func (t *Tape) Tensor(rows, cols int) *Tensor {
	x := &t.tensors.take(1)[0]
	*x = Tensor{Mat: t.mat(rows, cols)}
	return x
}

// Input returns m as a tensor to which no gradient goes.
func (t *Tape) Input(m f32.Mat) *Tensor {
	x := &t.tensors.take(1)[0]
	*x = Tensor{Mat: m}
	return x
}

// Floats returns n numbers that are whatever they were before, for as long as the tensors.
func (t *Tape) Floats(n int) []float32 { return t.floats.take(n) }

// Ints is Floats for whole numbers.
func (t *Tape) Ints(n int) []int { return t.indices.take(n) }

// Backward computes the gradients of everything that was recorded since Reset, from the losses on, and adds those of the
// variables to their Grad.
func (t *Tape) Backward() {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		if n.out == nil || n.out.has {
			n.back(t, n)
		}
	}
}

// Grad returns the gradient at x, as far as it is known; false when there is none.
func (t *Tape) Grad(x *Tensor) (f32.Mat, bool) { return x.grad, x.has }

// Watch makes x, an input, receive a gradient.
func (t *Tape) Watch(x *Tensor) { x.needs = true }

// AddGrad adds g to the gradient at x, for losses that are computed outside of this package.
func (t *Tape) AddGrad(x *Tensor, g f32.Mat) {
	if !x.needs {
		return
	}
	dx, add := t.gradOf(x)
	if !add {
		dx.CopyFrom(g)
		return
	}
	for i := range dx.Rows {
		row := dx.Row(i)
		f32.Add(row, row, g.Row(i))
	}
}

func (t *Tape) mat(rows, cols int) f32.Mat { return f32.Wrap(rows, cols, t.floats.take(rows*cols)) }

// record appends a node, whose output needs a gradient if its inputs or the variables do. It returns nil when there is
// nothing to go back to.
func (t *Tape) record(back func(*Tape, *node), out *Tensor, learns bool, from ...*Tensor) *node {
	if !t.training {
		return nil
	}
	for _, x := range from {
		learns = learns || x != nil && x.needs
	}
	if !learns {
		return nil
	}
	if out != nil {
		out.needs = true
	}
	t.nodes = append(t.nodes, node{back: back, out: out})
	n := &t.nodes[len(t.nodes)-1]
	switch len(from) {
	case 3:
		n.c = from[2]
		fallthrough
	case 2:
		n.b = from[1]
		fallthrough
	case 1:
		n.a = from[0]
	}
	return n
}

// gradOf returns where to put the gradient at x, and whether to add to what is there.
func (t *Tape) gradOf(x *Tensor) (dx f32.Mat, add bool) {
	if x.grad.Data == nil {
		x.grad = t.mat(x.Rows, x.Cols)
	}
	add, x.has = x.has, true
	return x.grad, add
}

// zeroGradOf returns the gradient at x to add to, starting from zeros.
func (t *Tape) zeroGradOf(x *Tensor) f32.Mat {
	dx, add := t.gradOf(x)
	if !add {
		dx.Zero()
	}
	return dx
}

// slab hands out pieces of memory that are all taken back at once.
type slab[T any] struct {
	chunk []T
	used  int
	// full counts what earlier, smaller chunks held since the last reset.
	full int
}

func (s *slab[T]) take(n int) []T {
	if s.used+n > len(s.chunk) {
		s.full += s.used
		s.chunk = make([]T, max(n, 2*len(s.chunk), 64))
		s.used = 0
	}
	out := s.chunk[s.used : s.used+n : s.used+n]
	s.used += n
	return out
}

func (s *slab[T]) reset() {
	if s.full > 0 {
		s.chunk = make([]T, s.full+s.used+(s.full+s.used)/8)
		s.full = 0
	}
	s.used = 0
}

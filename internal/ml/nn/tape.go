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
	// owned says that no other tensor shares the memory of the elements.
	owned bool
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
	random    f32.Rand
}

// Tape runs layers and owns the memory of what they compute. It belongs to one goroutine.
type Tape struct {
	training bool
	random   *Random
	masks    *f32.Rand
	floats   slab[float32]
	indices  slab[int]
	columns  slab[int32]
	tensors  slab[Tensor]
	pointers slab[*Tensor]
	nodes    []node
	spares   spares
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
	t.indices.reset()
	t.columns.reset()
	t.tensors.reset()
	t.pointers.reset()
	t.spares.free = t.spares.free[:0]
	clear(t.nodes)
	t.nodes = t.nodes[:0]
}

// Tensor returns a matrix whose elements are whatever they were before.
func (t *Tape) Tensor(rows, cols int) *Tensor {
	x := &t.tensors.take(1)[0]
	*x = Tensor{Mat: t.mat(rows, cols), owned: true}
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
// variables to their Grad. What was computed is used up: afterwards only inputs, and the gradients of those that are watched,
// may be read.
func (t *Tape) Backward() {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		if n.out == nil {
			n.back(t, n)
			continue
		}
		if n.out.has {
			n.back(t, n)
			t.spares.put(n.out.grad.Data)
			n.out.grad.Data, n.out.has = nil, false
			if n.out.owned {
				t.spares.put(n.out.Data)
			}
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

// inPlace returns a tensor that takes over the memory of x, whose value is not read any more.
func (t *Tape) inPlace(x *Tensor) *Tensor {
	out := t.Input(x.Mat)
	out.owned, x.owned = x.owned, false
	return out
}

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
		x.grad = f32.Wrap(x.Rows, x.Cols, t.room(x.Rows*x.Cols))
	}
	add, x.has = x.has, true
	return x.grad, add
}

// room returns memory for a gradient.
func (t *Tape) room(n int) []float32 {
	if spare := t.spares.take(n); spare != nil {
		return spare
	}
	return t.floats.take(n)
}

// pass hands the gradient at out, whatever it was made of, on to x: the memory changes hands unless x has a gradient already.
func (t *Tape) pass(out, x *Tensor) {
	switch {
	case !x.needs:
	case x.has:
		t.AddGrad(x, out.grad)
	default:
		x.grad, x.has = out.grad, true
		out.grad.Data = nil
	}
}

// zeroGradOf returns the gradient at x to add to, starting from zeros.
func (t *Tape) zeroGradOf(x *Tensor) f32.Mat {
	dx, add := t.gradOf(x)
	if !add {
		dx.Zero()
	}
	return dx
}

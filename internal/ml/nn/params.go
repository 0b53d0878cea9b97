package nn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
)

// Source holds the variables of a trained network. The slice may be read-only memory. Shape returns nil for a variable it
// doesn't have and for a single number; Float32 takes -1 for a dimension of any size, its error names the variable.
type Source interface {
	Float32(name string, shape ...int) ([]float32, error)
	Shape(name string) []int
}

// Sink takes the variables of a trained network.
type Sink interface {
	PutFloat32(name string, data []float32, shape ...int) error
}

// Variable is one array of weights.
type Variable struct {
	Name string
	// Shape is [rows, columns] for a kernel, [units] for a bias.
	Shape []int
	// Value has the elements row by row. It is read-only memory when the network was loaded for inference.
	Value []float32

	// grad is the sum of gradients since the last step; nil when the variable doesn't learn.
	grad []float32
	// touched says that something was added to grad since the last step.
	touched bool
	// l2 is the factor of the sum of squares that is added to the loss.
	l2 float32
	// pattern is set when Value holds only the tiles that are connected; Shape is the whole matrix then.
	pattern *f32.Pattern
	// mask has 0 for elements that are kept at zero; nil when there are none, or the pattern says it.
	mask []float32
	m, v []float32
}

// Rows returns the first dimension, 1 for a vector.
func (v *Variable) Rows() int {
	if len(v.Shape) < 2 {
		return 1
	}
	return v.Shape[0]
}

// Cols returns the last dimension.
func (v *Variable) Cols() int { return v.Shape[len(v.Shape)-1] }

// Grad returns the gradient gathered since the last step, nil when v doesn't learn.
func (v *Variable) Grad() []float32 { return v.grad }

// whole returns the elements of the whole matrix.
func (v *Variable) whole() []float32 {
	if v.pattern == nil {
		return v.Value
	}
	w := f32.New(v.Rows(), v.Cols())
	v.pattern.Scatter(w, v.Value)
	return w.Data
}

// mat returns the elements as a matrix.
func (v *Variable) mat() f32.Mat { return f32.Wrap(v.Rows(), v.Cols(), v.Value) }

// gradient returns the gradient to add to, zeros at first.
func (v *Variable) gradient() []float32 {
	if !v.touched {
		clear(v.grad)
		v.touched = true
	}
	return v.grad
}

// initial says how a variable starts.
type initial int

const (
	glorot initial = iota
	zeros
	ones
)

// Params are the variables of a network while it is being built and afterwards. Building is for one goroutine.
type Params struct {
	seed   uint64
	source Source
	learns bool
	vars   []*Variable
	byName map[string]*Variable
	// kernels are those of layers with a mask, by the layer's path, for layers that share them.
	kernels map[string]kernel
	grown   map[string][2][]int
	errs    []error
	// scattered says that connections are drawn one by one.
	scattered bool
}

// Scatter makes the connections of new layers with a density be drawn one by one, as Rasa does, instead of in tiles, and
// lets them start with larger weights, as there are fewer. That costs what full layers cost, but small networks learn in
// fewer steps. It must be called before layers are built.
func (p *Params) Scatter() { p.scattered = true }

// NewParams returns variables that are drawn at random, the same for the same seed, and learn.
func NewParams(seed uint64) *Params { return newParams(nil, seed, true) }

// LoadParams returns variables that are read from source and don't learn. They refer to its memory.
func LoadParams(source Source) *Params { return newParams(source, 0, false) }

// TuneParams returns variables that are read from source as a copy and learn on. The seed is for variables that Grow enlarges.
func TuneParams(source Source, seed uint64) *Params { return newParams(source, seed, true) }

func newParams(source Source, seed uint64, learns bool) *Params {
	return &Params{seed: seed, source: source, learns: learns, byName: map[string]*Variable{}, kernels: map[string]kernel{},
		grown: map[string][2][]int{}}
}

// Learns reports whether the variables can be trained.
func (p *Params) Learns() bool { return p.learns }

// Err returns everything that was wrong with the source: which variables are missing, which have another shape.
func (p *Params) Err() error { return errors.Join(p.errs...) }

// Variables lists the variables in the order in which they were created.
func (p *Params) Variables() []*Variable { return p.vars }

// Variable returns the variable with this name, or nil.
func (p *Params) Variable(name string) *Variable { return p.byName[name] }

// Save hands all variables to sink, as whole matrices.
func (p *Params) Save(sink Sink) error {
	for _, v := range p.vars {
		if err := sink.PutFloat32(v.Name, v.whole(), v.Shape...); err != nil {
			return fmt.Errorf("saving variable %s: %w", v.Name, err)
		}
	}
	return nil
}

// Grow says that the rows of the kernel called name, which a source has with sizes from, shall be read as sizes to: each
// part gets its additional rows at its end, normally distributed like the kernel's elements
// (rasa_layers.py _replace_dense_for_sparse_layer). It must be called before the layer is built.
func (p *Params) Grow(name string, from, to []int) {
	p.grown[name] = [2][]int{slices.Clone(from), slices.Clone(to)}
}

// random returns the source of the initial values of one variable: it depends on the seed and the name only, so that
// another layer doesn't change the values.
func (p *Params) random(name string) *Random {
	h := p.seed ^ 0xcbf29ce484222325
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return NewRandom(h)
}

// variable creates or reads a variable. The first dimension may be 0 when it is read: then it is the source's.
func (p *Params) variable(name string, from initial, l2 float64, shape ...int) *Variable {
	if known := p.byName[name]; known != nil {
		return known
	}
	v := &Variable{Name: name, Shape: slices.Clone(shape), l2: float32(l2)}
	if p.source == nil {
		v.Value = make([]float32, count(shape))
		p.fill(v, from)
	} else {
		p.read(v)
	}
	if p.learns {
		v.grad = make([]float32, len(v.Value))
	}
	p.add(v)
	return v
}

func (p *Params) add(v *Variable) {
	p.vars = append(p.vars, v)
	p.byName[v.Name] = v
}

func (p *Params) fail(name string, err error) {
	p.errs = append(p.errs, fmt.Errorf("reading variable %s: %w", name, err))
}

func (p *Params) fill(v *Variable, from initial) {
	switch from {
	case ones:
		for i := range v.Value {
			v.Value[i] = 1
		}
	case glorot:
		limit := glorotLimit(v.Shape)
		p.random(v.Name).Uniform(v.Value, -limit, limit)
	}
}

// read takes v from the source; a variable that isn't there is remembered as an error and all zeros.
func (p *Params) read(v *Variable) {
	grown, grows := p.grown[v.Name]
	want := slices.Clone(v.Shape)
	if have := p.source.Shape(v.Name); v.Shape[0] == 0 && len(have) == len(v.Shape) {
		v.Shape[0], want[0] = have[0], have[0]
	}
	if grows {
		want[0] = sum(grown[0])
	}
	data, err := p.source.Float32(v.Name, want...)
	if err != nil {
		p.fail(v.Name, err)
		v.Value = make([]float32, count(v.Shape))
		return
	}
	switch {
	case grows:
		v.Shape[0] = sum(grown[1])
		v.Value = p.grow(v, data, grown[0], grown[1])
	case p.learns:
		v.Value = slices.Clone(data)
	default:
		v.Value = data
	}
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}

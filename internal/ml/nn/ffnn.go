package nn

import "strconv"

// Ffnn is a stack of GELU layers with drop-out after each (layers.py Ffnn). Its variables are path/_ffn_layers/0/kernel,
// path/_ffn_layers/2/kernel and so on: the drop-outs between have the odd numbers.
type Ffnn struct {
	layers   []*Dense
	dropRate float64
}

// NewFfnn creates or reads the layers at path; without sizes it returns its input. in may be 0 when they are read.
func NewFfnn(p *Params, path string, in int, sizes []int, dropRate, l2, density float64) *Ffnn {
	f := &Ffnn{dropRate: dropRate}
	for i, units := range sizes {
		f.layers = append(f.layers, NewDense(p, path+"/_ffn_layers/"+strconv.Itoa(2*i), in, units,
			DenseOptions{Activation: GELUActivation, Density: exactly(density), L2: l2}))
		in = units
	}
	return f
}

// Units returns the width of the output for an input of width in.
func (f *Ffnn) Units(in int) int {
	if len(f.layers) == 0 {
		return in
	}
	return f.layers[len(f.layers)-1].Units
}

// Forward returns one row for each of x.
func (f *Ffnn) Forward(t *Tape, x *Tensor) *Tensor {
	for _, l := range f.layers {
		x = Dropout(t, l.Forward(t, x), f.dropRate)
	}
	return x
}

// NewEmbed creates or reads a layer that embeds its input for comparison (layers.py Embed): a fully connected Dense layer
// with the variables path/_dense/kernel and path/_dense/bias.
func NewEmbed(p *Params, path string, in, units int, l2 float64) *Dense {
	return NewDense(p, path+"/_dense", in, units, DenseOptions{L2: l2})
}

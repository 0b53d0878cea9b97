package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Activation is what a layer applies to each of its outputs.
type Activation int

// None leaves outputs as they are; GELUActivation is tf.nn.gelu without approximation, the only other one Rasa uses.
const (
	None Activation = iota
	GELUActivation
)

// DenseOptions say how a Dense layer differs from a plain one.
type DenseOptions struct {
	Activation Activation
	NoBias     bool
	// Density is the share of inputs each unit is connected to. The zero value connects everything, as 1 does; for a
	// density of 0, each unit with as little as possible, give a negative one.
	Density float64
	// L2 is the regularisation factor of the kernel.
	L2 float64
}

// Dense is y = activation(x·kernel + bias): tf.keras.layers.Dense, and RandomlyConnectedDense of layers.py when it has a
// density below 1. Its variables are path/kernel, path/kernel_mask and path/bias.
type Dense struct {
	kernel     kernel
	bias       *Variable
	activation Activation
	// Units is the width of the output.
	Units int
}

// NewDense creates or reads the layer at path. in may be 0 when it is read: then the kernel says it.
func NewDense(p *Params, path string, in, units int, o DenseOptions) *Dense {
	d := &Dense{activation: o.Activation, Units: units}
	density := o.Density
	if density == 0 {
		density = 1
	}
	d.kernel = p.masked(path, o.L2, max(density, 0), in, units)
	if !o.NoBias {
		d.bias = p.variable(path+"/bias", zeros, 0, units)
	}
	return d
}

// In returns the width of the input.
func (d *Dense) In() int { return d.kernel.Rows() }

// Forward returns [x.Rows, Units].
func (d *Dense) Forward(t *Tape, x *Tensor) *Tensor {
	pre := t.Tensor(x.Rows, d.Units)
	d.kernel.mul(pre.Mat, x.Mat)
	if d.bias != nil {
		f32.AddRow(pre.Mat, d.bias.Value)
	}
	out := pre
	if d.activation == GELUActivation {
		out = t.gelu(pre.Mat, pre.Mat)
	}
	if n := t.record(denseBack, out, d.kernel.grad != nil, x); n != nil {
		n.layer = d
		n.mats[0] = pre.Mat
	}
	return out
}

func denseBack(t *Tape, n *node) {
	d := n.layer.(*Dense)
	dz := n.out.grad
	if d.activation == GELUActivation {
		f32.Mul(dz.Elements(), dz.Elements(), n.mats[0].Elements())
		t.spares.put(n.mats[0].Data)
	}
	if d.bias != nil && d.bias.grad != nil {
		f32.SumRows(d.bias.gradient(), dz, true)
	}
	d.kernel.backward(t, n.a, dz)
}

// gelu returns gelu(x) and puts its derivative into slope, which may be x; while it infers only the first.
func (t *Tape) gelu(x, slope f32.Mat) *Tensor {
	out := t.Tensor(x.Rows, x.Cols)
	if t.training {
		f32.GELUSlope(out.Elements(), slope.Elements(), x.Elements())
	} else {
		f32.GELU(out.Elements(), x.Elements())
	}
	return out
}

// GELU returns gelu(x), element by element.
func GELU(t *Tape, x *Tensor) *Tensor {
	slope := x.Mat
	if t.training {
		slope = t.mat(x.Rows, x.Cols)
	}
	out := t.gelu(x.Mat, slope)
	if n := t.record(geluBack, out, false, x); n != nil {
		n.mats[0] = slope
	}
	return out
}

func geluBack(t *Tape, n *node) {
	d := n.out.grad.Elements()
	f32.Mul(d, d, n.mats[0].Elements())
	t.pass(n.out, n.a)
}

package nn

import "github.com/parleybot/parley/internal/ml/f32"

// normEpsilon is what transformer.py gives to tf.keras.layers.LayerNormalization.
const normEpsilon = 1e-6

// LayerNorm brings every row to mean beta and deviation gamma. Its variables are path/gamma and path/beta.
type LayerNorm struct{ gamma, beta *Variable }

// NewLayerNorm creates or reads the layer at path.
func NewLayerNorm(p *Params, path string, units int) *LayerNorm {
	return &LayerNorm{gamma: p.variable(path+"/gamma", ones, 0, units), beta: p.variable(path+"/beta", zeros, 0, units)}
}

// Forward returns the shape of x.
func (l *LayerNorm) Forward(t *Tape, x *Tensor) *Tensor {
	out := t.Tensor(x.Rows, x.Cols)
	if !t.training {
		f32.LayerNorm(out.Mat, x.Mat, l.gamma.Value, l.beta.Value, normEpsilon, nil, nil)
		return out
	}
	mean, inv := t.floats.take(x.Rows), t.floats.take(x.Rows)
	f32.LayerNorm(out.Mat, x.Mat, l.gamma.Value, l.beta.Value, normEpsilon, mean, inv)
	if n := t.record(normBack, out, l.gamma.grad != nil, x); n != nil {
		n.layer, n.floats, n.more = l, mean, inv
	}
	return out
}

func normBack(t *Tape, n *node) {
	l := n.layer.(*LayerNorm)
	dx := n.out.grad
	f32.LayerNormGrad(dx, l.gamma.gradient(), l.beta.gradient(), n.a.Mat, n.out.grad, l.gamma.Value, n.floats, n.more)
	t.pass(n.out, n.a)
}

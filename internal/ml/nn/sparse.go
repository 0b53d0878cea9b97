package nn

import "github.com/parleybot/parley/internal/ml/f32"

// DenseForSparse is y = x·kernel + bias for sparse x (layers.py DenseForSparse). Its variables are path/kernel and path/bias.
type DenseForSparse struct {
	kernel kernel
	bias   *Variable
	// Units is the width of the output.
	Units int
}

// NewDenseForSparse creates or reads the layer at path. in may be 0 when it is read: then the kernel says it.
func NewDenseForSparse(p *Params, path string, in, units int, l2 float64) *DenseForSparse {
	return &DenseForSparse{
		kernel: p.kernel(path+"/kernel", l2, in, units),
		bias:   p.variable(path+"/bias", zeros, 0, units),
		Units:  units,
	}
}

// In returns the width of the input.
func (d *DenseForSparse) In() int { return d.kernel.Rows() }

// Forward returns [x.Rows, Units]. x must live as long as the tape isn't reset.
func (d *DenseForSparse) Forward(t *Tape, x f32.CSR) *Tensor {
	out := t.Tensor(x.Rows, d.Units)
	x.Mul(out.Mat, d.kernel.mat(), false)
	f32.AddRow(out.Mat, d.bias.Value)
	if n := t.record(sparseBack, out, d.kernel.grad != nil); n != nil {
		n.layer, n.sparse = d, x
	}
	return out
}

func sparseBack(_ *Tape, n *node) {
	d := n.layer.(*DenseForSparse)
	f32.SumRows(d.bias.gradient(), n.out.grad, true)
	n.sparse.TMulAdd(f32.Wrap(d.kernel.Rows(), d.kernel.Cols(), d.kernel.gradient()), n.out.grad)
}

package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Dropout sets a share of the elements to zero while it trains, and scales the others so that the mean stays
// (tf.keras.layers.Dropout). While it infers it returns x itself.
func Dropout(t *Tape, x *Tensor, rate float64) *Tensor {
	if !t.training || rate <= 0 {
		return x
	}
	out := t.Tensor(x.Rows, x.Cols)
	mask := t.floats.take(x.Rows * x.Cols)
	t.masks.Dropout(mask, float32(rate))
	f32.Mul(out.Elements(), x.Elements(), mask)
	if n := t.record(dropoutBack, out, false, x); n != nil {
		n.floats = mask
	}
	return out
}

func dropoutBack(t *Tape, n *node) {
	dx, add := t.gradOf(n.a)
	if add {
		f32.MulAdd(dx.Elements(), n.out.grad.Elements(), n.floats)
		return
	}
	f32.Mul(dx.Elements(), n.out.grad.Elements(), n.floats)
}

// SparseDropout removes a share of the entries while it trains; unlike Dropout it doesn't scale the others
// (layers.py SparseDropout). The result lives until the tape's next Reset.
func SparseDropout(t *Tape, x f32.CSR, rate float64) f32.CSR {
	if !t.training || rate <= 0 {
		return x
	}
	first, last := x.RowPtr[0], x.RowPtr[x.Rows]
	mask := t.floats.take(last - first)
	t.masks.Dropout(mask, float32(rate))
	out := f32.CSR{Rows: x.Rows, Cols: x.Cols, RowPtr: t.indices.take(x.Rows + 1),
		Col: t.columns.take(last - first), Val: t.floats.take(last - first)}
	kept := 0
	for i := range x.Rows {
		out.RowPtr[i] = kept
		for e := x.RowPtr[i]; e < x.RowPtr[i+1]; e++ {
			if mask[e-first] != 0 {
				out.Col[kept], out.Val[kept] = x.Col[e], x.Val[e]
				kept++
			}
		}
	}
	out.RowPtr[x.Rows] = kept
	return out
}

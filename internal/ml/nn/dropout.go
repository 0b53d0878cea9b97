package nn

import "github.com/parleybot/parley/internal/ml/f32"

// dropoutPiece is for how many elements a mask is made at a time.
const dropoutPiece = 4096

// Dropout sets a share of the elements to zero while it trains, and scales the others so that the mean stays
// (tf.keras.layers.Dropout). It works in x's memory: x must not be used any more, by another layer either. While it infers it
// returns x itself.
func Dropout(t *Tape, x *Tensor, rate float64) *Tensor {
	if !t.training || rate <= 0 {
		return x
	}
	out := t.inPlace(x)
	if n := t.record(dropoutBack, out, false, x); n != nil {
		n.random, n.factor = *t.masks, float32(rate)
	}
	dropElements(t, t.masks, out.Elements(), float32(rate))
	return out
}

// dropElements drops elements of x. The same state of random drops the same ones again.
func dropElements(t *Tape, random *f32.Rand, x []float32, rate float32) {
	mask := t.room(dropoutPiece)
	for len(x) > 0 {
		n := min(len(x), dropoutPiece)
		random.Dropout(mask[:n], rate)
		f32.Mul(x[:n], x[:n], mask[:n])
		x = x[n:]
	}
	t.spares.put(mask)
}

// dropoutBack makes the mask once more instead of keeping it.
func dropoutBack(t *Tape, n *node) {
	dropElements(t, &n.random, n.out.grad.Elements(), n.factor)
	t.pass(n.out, n.a)
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

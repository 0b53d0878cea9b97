package nn

import "github.com/parleybot/parley/internal/ml/f32"

// SumSequences returns one row a sequence: the sum of its rows, zeros when it has none.
func SumSequences(t *Tape, x *Tensor, offsets Offsets) *Tensor {
	out := t.Tensor(offsets.Len(), x.Cols)
	for i := range offsets.Len() {
		from, to := offsets.Bounds(i)
		f32.SumRows(out.Row(i), x.SliceRows(from, to), false)
	}
	if n := t.record(sumSequencesBack, out, false, x); n != nil {
		n.offsets = offsets
	}
	return out
}

func sumSequencesBack(t *Tape, n *node) {
	dx := t.zeroGradOf(n.a)
	for i := range n.offsets.Len() {
		from, to := n.offsets.Bounds(i)
		for r := from; r < to; r++ {
			row := dx.Row(r)
			f32.Add(row, row, n.out.grad.Row(i))
		}
	}
}

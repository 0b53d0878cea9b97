package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Add returns a + b.
func Add(t *Tape, a, b *Tensor) *Tensor {
	out := t.Tensor(a.Rows, a.Cols)
	f32.Add(out.Elements(), a.Elements(), b.Elements())
	t.record(addBack, out, false, a, b)
	return out
}

// addTo returns x + b in the memory of x, which must not be used any more.
func addTo(t *Tape, x, b *Tensor) *Tensor {
	out := t.inPlace(x)
	f32.Add(out.Elements(), out.Elements(), b.Elements())
	t.record(addBack, out, false, b, x)
	return out
}

func addBack(t *Tape, n *node) {
	t.AddGrad(n.a, n.out.grad)
	t.pass(n.out, n.b)
}

// Gather returns the given rows of x, in this order; a row may be taken several times. rows must not change until the
// tape is reset.
func Gather(t *Tape, x *Tensor, rows []int) *Tensor {
	out := t.Tensor(len(rows), x.Cols)
	for i, r := range rows {
		copy(out.Row(i), x.Row(r))
	}
	if n := t.record(gatherBack, out, false, x); n != nil {
		n.rows = rows
	}
	return out
}

func gatherBack(t *Tape, n *node) {
	dx := t.zeroGradOf(n.a)
	for i, r := range n.rows {
		row := dx.Row(r)
		f32.Add(row, row, n.out.grad.Row(i))
	}
}

// Concat returns the columns of all parts side by side.
func Concat(t *Tape, parts ...*Tensor) *Tensor {
	if len(parts) == 1 {
		return parts[0]
	}
	cols := 0
	for _, p := range parts {
		cols += p.Cols
	}
	out := t.Tensor(parts[0].Rows, cols)
	from, needs := 0, false
	for _, p := range parts {
		out.SliceCols(from, from+p.Cols).CopyFrom(p.Mat)
		from += p.Cols
		needs = needs || p.needs
	}
	if n := t.record(concatBack, out, needs); n != nil {
		n.parts = t.pointers.take(len(parts))
		copy(n.parts, parts)
	}
	return out
}

func concatBack(t *Tape, n *node) {
	from := 0
	for _, p := range n.parts {
		t.AddGrad(p, n.out.grad.SliceCols(from, from+p.Cols))
		from += p.Cols
	}
}

// Append returns the rows of a, packed sequences, with row i of b after sequence i, and the offsets of the result. They
// live until the tape's next Reset.
func Append(t *Tape, a, b *Tensor, offsets Offsets) (*Tensor, Offsets) {
	longer := Offsets(t.indices.take(len(offsets)))
	out := t.Tensor(a.Rows+b.Rows, a.Cols)
	for i := range offsets.Len() {
		from, to := offsets.Bounds(i)
		longer[i] = from + i
		out.SliceRows(from+i, to+i).CopyFrom(a.SliceRows(from, to))
		copy(out.Row(to+i), b.Row(i))
	}
	longer[len(offsets)-1] = offsets.Rows() + offsets.Len()
	if n := t.record(appendBack, out, false, a, b); n != nil {
		n.offsets = longer
	}
	return out, longer
}

func appendBack(t *Tape, n *node) {
	var da, db f32.Mat
	if n.a.needs {
		da = t.zeroGradOf(n.a)
	}
	if n.b.needs {
		db = t.zeroGradOf(n.b)
	}
	for i := range n.offsets.Len() {
		from, to := n.offsets.Bounds(i)
		for r := from; r < to-1 && n.a.needs; r++ {
			row := da.Row(r - i)
			f32.Add(row, row, n.out.grad.Row(r))
		}
		if n.b.needs {
			row := db.Row(i)
			f32.Add(row, row, n.out.grad.Row(to-1))
		}
	}
}

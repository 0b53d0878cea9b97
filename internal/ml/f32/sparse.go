package f32

// CSR is a sparse matrix in compressed rows: entry e of row i, for RowPtr[i] <= e < RowPtr[i+1], stands in column Col[e]
// and has the value Val[e]. RowPtr need not start at 0, so a view of some rows shares the rest.
type CSR struct {
	Rows, Cols int
	RowPtr     []int
	Col        []int32
	Val        []float32
}

// SliceRows returns a view of the rows from <= i < to.
func (s CSR) SliceRows(from, to int) CSR {
	return CSR{Rows: to - from, Cols: s.Cols, RowPtr: s.RowPtr[from : to+1], Col: s.Col, Val: s.Val}
}

// Row returns the columns and values of row i.
func (s CSR) Row(i int) ([]int32, []float32) {
	from, to := s.RowPtr[i], s.RowPtr[i+1]
	return s.Col[from:to], s.Val[from:to]
}

// Mul sets dst = s·w, or dst += s·w; w is Cols x n.
func (s CSR) Mul(dst, w Mat, add bool) {
	checkProduct("CSR.Mul", dst, s.Rows, s.Cols, w.Rows, w.Cols)
	if !add {
		dst.Zero()
	}
	work := s.entries() * w.Cols
	if workers(work) == 1 {
		s.mulRows(dst, w, 0, s.Rows)
		return
	}
	Parallel(s.Rows, 1, work, func(from, to int) { s.mulRows(dst, w, from, to) })
}

func (s CSR) mulRows(dst, w Mat, from, to int) {
	for i := from; i < to; i++ {
		cols, vals := s.Row(i)
		sparseRow(dst.Row(i), cols, vals, w)
	}
}

// TMulAdd adds sᵀ·dy to grad, which is Cols x n: the gradient of w in Mul. Only rows of grad whose column has an entry
// are read or written.
func (s CSR) TMulAdd(grad, dy Mat) {
	checkProduct("CSR.TMulAdd", grad, s.Cols, s.Rows, dy.Rows, dy.Cols)
	work := s.entries() * dy.Cols
	if workers(work) == 1 {
		s.scatterCols(grad, dy)
		return
	}
	Parallel(dy.Cols, 32, work, func(from, to int) { s.scatterCols(grad.SliceCols(from, to), dy.SliceCols(from, to)) })
}

func (s CSR) scatterCols(grad, dy Mat) {
	for i := range s.Rows {
		cols, vals := s.Row(i)
		sparseScatter(grad, cols, vals, dy.Row(i))
	}
}

func (s CSR) entries() int {
	if s.Rows == 0 {
		return 0
	}
	return s.RowPtr[s.Rows] - s.RowPtr[0]
}

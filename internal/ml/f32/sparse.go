package f32

import "fmt"

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

// Compressed is a dense layer's weights of which most are zero, as columns without the zeros. It serves few rows
// at a time (one message) with fewer operations and less memory traffic than the dense product. It is immutable.
type Compressed struct {
	rows, cols int
	colPtr     []int32
	row        []uint16
	val        []float32
}

// Compress returns w without its zeros. It panics when w has more than 65536 rows.
func Compress(w Mat) *Compressed {
	if w.Rows > 1<<16 {
		panic(fmt.Sprintf("f32: Compress of %d rows", w.Rows))
	}
	c := &Compressed{rows: w.Rows, cols: w.Cols, colPtr: make([]int32, 1, w.Cols+1)}
	for j := range w.Cols {
		for i := range w.Rows {
			if v := w.At(i, j); v != 0 {
				c.row = append(c.row, uint16(i))
				c.val = append(c.val, v)
			}
		}
		c.colPtr = append(c.colPtr, int32(len(c.val)))
	}
	c.row, c.val = append([]uint16(nil), c.row...), append([]float32(nil), c.val...)
	return c
}

// Dims returns the shape of the weights.
func (c *Compressed) Dims() (rows, cols int) { return c.rows, c.cols }

// Density returns the share of weights that are not zero.
func (c *Compressed) Density() float64 {
	if c.rows*c.cols == 0 {
		return 0
	}
	return float64(len(c.val)) / float64(c.rows*c.cols)
}

// Mul sets dst = x·w, or dst += x·w. It is made for up to some 50 rows of x; with more the dense product or
// Pattern.Mul is faster.
func (c *Compressed) Mul(dst, x Mat, add bool) {
	checkProduct("Compressed.Mul", dst, x.Rows, x.Cols, c.rows, c.cols)
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	compressedMul(c, dst, x, add)
}

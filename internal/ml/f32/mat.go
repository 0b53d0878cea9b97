package f32

import "fmt"

// Mat is a matrix in rows: element (i, j) is Data[i*Stride+j]. It is a view: a copy shares the data. The last row may
// end before its stride does.
type Mat struct {
	Rows, Cols int
	// Stride is the distance between rows, at least Cols.
	Stride int
	Data   []float32
}

// New returns a matrix of zeros.
func New(rows, cols int) Mat {
	return Mat{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
}

// Wrap returns a matrix over data, rows next to one another. It panics when data has not rows*cols elements.
func Wrap(rows, cols int, data []float32) Mat {
	if len(data) != rows*cols {
		panic(fmt.Sprintf("f32: %d elements for %d rows of %d", len(data), rows, cols))
	}
	return Mat{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// Row returns row i.
func (m Mat) Row(i int) []float32 {
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// At returns element (i, j).
func (m Mat) At(i, j int) float32 { return m.Data[i*m.Stride+j] }

// Set changes element (i, j).
func (m Mat) Set(i, j int, v float32) { m.Data[i*m.Stride+j] = v }

// SliceRows returns a view of the rows from <= i < to.
func (m Mat) SliceRows(from, to int) Mat {
	if from == to {
		return Mat{Cols: m.Cols, Stride: m.Stride}
	}
	return Mat{Rows: to - from, Cols: m.Cols, Stride: m.Stride, Data: m.Data[from*m.Stride : (to-1)*m.Stride+m.Cols]}
}

// SliceCols returns a view of the columns from <= j < to.
func (m Mat) SliceCols(from, to int) Mat {
	if m.Rows == 0 || from == to {
		return Mat{Rows: m.Rows, Cols: to - from, Stride: m.Stride}
	}
	return Mat{Rows: m.Rows, Cols: to - from, Stride: m.Stride, Data: m.Data[from : (m.Rows-1)*m.Stride+to]}
}

// Contiguous reports whether the rows are next to one another, so that Data[:Rows*Cols] is the whole matrix.
func (m Mat) Contiguous() bool { return m.Stride == m.Cols || m.Rows <= 1 }

// Elements returns the elements of a contiguous matrix.
func (m Mat) Elements() []float32 { return m.Data[:m.Rows*m.Cols] }

// Zero sets every element to 0.
func (m Mat) Zero() {
	if m.Contiguous() {
		clear(m.Elements())
		return
	}
	for i := range m.Rows {
		clear(m.Row(i))
	}
}

// CopyFrom copies src, which has the same shape.
func (m Mat) CopyFrom(src Mat) {
	sameShape("CopyFrom", m, src)
	if m.Contiguous() && src.Contiguous() {
		copy(m.Elements(), src.Elements())
		return
	}
	for i := range m.Rows {
		copy(m.Row(i), src.Row(i))
	}
}

// Transpose sets dst, Cols x Rows, to the transposed m.
func (m Mat) Transpose(dst Mat) {
	if dst.Rows != m.Cols || dst.Cols != m.Rows {
		panic(fmt.Sprintf("f32: Transpose of %dx%d to %dx%d", m.Rows, m.Cols, dst.Rows, dst.Cols))
	}
	transpose(dst, m)
}

func sameShape(op string, a, b Mat) {
	if a.Rows != b.Rows || a.Cols != b.Cols {
		panic(fmt.Sprintf("f32: %s of %dx%d and %dx%d", op, a.Rows, a.Cols, b.Rows, b.Cols))
	}
}

func sameLen(op string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("f32: %s of vectors of %d and %d elements", op, a, b))
	}
}

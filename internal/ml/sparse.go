package ml

// Sparse is a matrix in compressed rows. Entry k of row i, for RowPtr[i] <= k < RowPtr[i+1], stands in column Col[k]
// and has the value Val[k]; columns ascend within a row. It must not be changed once it is shared.
type Sparse struct {
	// Rows is len(RowPtr)-1.
	Rows, Cols int
	RowPtr     []int
	Col        []int32
	Val        []float64
}

// NewSparse returns a matrix without rows; AddRow appends them. nonZero is a hint of how many entries will come.
func NewSparse(cols, rows, nonZero int) *Sparse {
	return &Sparse{
		Cols:   cols,
		RowPtr: append(make([]int, 0, rows+1), 0),
		Col:    make([]int32, 0, nonZero),
		Val:    make([]float64, 0, nonZero),
	}
}

// Add appends an entry to the row being built; columns must ascend. EndRow finishes the row.
func (s *Sparse) Add(col int, v float64) {
	s.Col = append(s.Col, int32(col))
	s.Val = append(s.Val, v)
}

// EndRow finishes the row being built, which may be empty.
func (s *Sparse) EndRow() {
	s.Rows++
	s.RowPtr = append(s.RowPtr, len(s.Col))
}

// Row returns the columns and values of row i.
func (s *Sparse) Row(i int) ([]int32, []float64) {
	from, to := s.RowPtr[i], s.RowPtr[i+1]
	return s.Col[from:to], s.Val[from:to]
}

// Dense returns the matrix with its zeros, one slice a row.
func (s *Sparse) Dense() [][]float64 {
	out := make([][]float64, s.Rows)
	for i := range out {
		out[i] = make([]float64, s.Cols)
		cols, vals := s.Row(i)
		for k, c := range cols {
			out[i][c] += vals[k]
		}
	}
	return out
}

// EndRowUnsorted finishes a row whose entries were added in any order, without repetition.
func (s *Sparse) EndRowUnsorted() {
	from := s.RowPtr[s.Rows]
	cols, vals := s.Col[from:], s.Val[from:]
	for i := 1; i < len(cols); i++ {
		for j := i; j > 0 && cols[j-1] > cols[j]; j-- {
			cols[j-1], cols[j] = cols[j], cols[j-1]
			vals[j-1], vals[j] = vals[j], vals[j-1]
		}
	}
	s.EndRow()
}

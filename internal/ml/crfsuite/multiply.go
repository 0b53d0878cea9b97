package crfsuite

// operand is a matrix whose elements [row, column] lie at row*rowStride + column*columnStride.
type operand struct {
	data                    []float64
	rowStride, columnStride int
}

// multiplyGo is multiply without assembly.
func multiplyGo(a operand, b, c []float64, m, n, depth int, add bool) {
	for i := range m {
		row := c[i*n : (i+1)*n]
		if !add {
			clear(row)
		}
		for k := range depth {
			if v := a.data[i*a.rowStride+k*a.columnStride]; v != 0 {
				axpy(v, b[k*n:(k+1)*n], row)
			}
		}
	}
}

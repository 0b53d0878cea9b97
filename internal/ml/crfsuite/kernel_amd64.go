//go:build !purego

package crfsuite

import (
	"math"

	"golang.org/x/sys/cpu"
)

var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// multiply stores the product of a, [m, depth], and b, [depth, n], in c, [m, n], or adds it to c. m is a multiple of
// rows and n of block.
func multiply(a operand, b, c []float64, m, n, depth int, add bool) {
	if !accelerated {
		multiplyGo(a, b, c, m, n, depth, add)
		return
	}
	_, _, _ = a.data[(m-1)*a.rowStride+(depth-1)*a.columnStride], b[depth*n-1], c[m*n-1]
	for j := 0; j < n; j += block {
		for i := 0; i < m; i += rows {
			kernel(depth, &a.data[i*a.rowStride], a.rowStride, a.columnStride, &b[j], &c[i*n+j], n, add)
		}
	}
}

// kernel works on a block of 4 rows and 12 columns of c. b and c have n columns.
//
//go:noescape
func kernel(depth int, a *float64, rowStride, columnStride int, b, c *float64, n int, add bool)

// expInPlace replaces the elements by e to them. Their number is a multiple of 4.
func expInPlace(x []float64) {
	if !accelerated {
		for i, v := range x {
			x[i] = math.Exp(v)
		}
		return
	}
	expVectors(&x[0], len(x)/4)
}

// expVectors replaces count times 4 numbers by e to them, limited to finite numbers other than 0.
//
//go:noescape
func expVectors(x *float64, count int)

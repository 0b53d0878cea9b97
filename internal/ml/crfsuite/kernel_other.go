//go:build !amd64 || purego

package crfsuite

import "math"

func multiply(a operand, b, c []float64, m, n, depth int, add bool) {
	multiplyGo(a, b, c, m, n, depth, add)
}

func expInPlace(x []float64) {
	for i, v := range x {
		x[i] = math.Exp(v)
	}
}

package f32

import "fmt"

// MatMul sets dst = a·b, or dst += a·b when add is true; a is m x k, b is k x n. The terms of an element are added in
// ascending order of k, each with one rounding where the processor has FMA, so a row of dst does not depend on how many
// others there are.
func MatMul(dst, a, b Mat, add bool) {
	checkProduct("MatMul", dst, a.Rows, a.Cols, b.Rows, b.Cols)
	gemm(dst, a, b, plain, add)
}

// MatMulT sets dst = a·bᵀ, or dst += a·bᵀ; a is m x k, b is n x k.
func MatMulT(dst, a, b Mat, add bool) {
	checkProduct("MatMulT", dst, a.Rows, a.Cols, b.Cols, b.Rows)
	gemm(dst, a, b, bTransposed, add)
}

// MatTMul sets dst = aᵀ·b, or dst += aᵀ·b; a is k x m, b is k x n.
func MatTMul(dst, a, b Mat, add bool) {
	checkProduct("MatTMul", dst, a.Cols, a.Rows, b.Rows, b.Cols)
	gemm(dst, a, b, aTransposed, add)
}

// layout says which operand of a product is stored transposed.
type layout int

const (
	plain layout = iota
	aTransposed
	bTransposed
)

func checkProduct(op string, dst Mat, m, k, k2, n int) {
	if k != k2 || dst.Rows != m || dst.Cols != n {
		panic(fmt.Sprintf("f32: %s of %dx%d and %dx%d to %dx%d", op, m, k, k2, n, dst.Rows, dst.Cols))
	}
}

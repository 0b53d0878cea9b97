package f32

import "math"

// Add sets dst = a + b.
func Add(dst, a, b []float32) {
	sameLen("Add", len(dst), len(a))
	sameLen("Add", len(a), len(b))
	vecAdd(dst, a, b)
}

// Sub sets dst = a - b.
func Sub(dst, a, b []float32) {
	sameLen("Sub", len(dst), len(a))
	sameLen("Sub", len(a), len(b))
	vecSub(dst, a, b)
}

// Mul sets dst = a * b, element by element.
func Mul(dst, a, b []float32) {
	sameLen("Mul", len(dst), len(a))
	sameLen("Mul", len(a), len(b))
	vecMul(dst, a, b)
}

// MulAdd sets dst += a * b, element by element.
func MulAdd(dst, a, b []float32) {
	sameLen("MulAdd", len(dst), len(a))
	sameLen("MulAdd", len(a), len(b))
	vecMulAdd(dst, a, b)
}

// Axpy sets dst += alpha * x.
func Axpy(dst []float32, alpha float32, x []float32) {
	sameLen("Axpy", len(dst), len(x))
	vecAxpy(dst, x, alpha)
}

// Scale sets dst = alpha * x.
func Scale(dst []float32, alpha float32, x []float32) {
	sameLen("Scale", len(dst), len(x))
	vecScale(dst, x, alpha)
}

// Dot returns the sum of a[i] * b[i]. How the terms are grouped depends on the processor, not on the data.
func Dot(a, b []float32) float32 {
	sameLen("Dot", len(a), len(b))
	return vecDot(a, b)
}

// Sum returns the sum of x, in groups as Dot.
func Sum(x []float32) float32 { return vecSum(x) }

// SumSquares returns the sum of x[i]².
func SumSquares(x []float32) float32 { return vecDot(x, x) }

// Max returns the largest element of x, -Inf when x is empty. NaN is not looked for: with a NaN in x the result is NaN
// or the largest of some of the others.
func Max(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	return vecMax(x)
}

// Exp sets dst = e^x, within 2e-7 of the true value relatively; below -87.3 the result is 0, above 88.7 +Inf.
func Exp(dst, x []float32) {
	sameLen("Exp", len(dst), len(x))
	vecExp(dst, x)
}

// Sigmoid sets dst = 1 / (1 + e^-x).
func Sigmoid(dst, x []float32) {
	sameLen("Sigmoid", len(dst), len(x))
	vecSigmoid(dst, x)
}

// Tanh sets dst = tanh(x), within 3e-7.
func Tanh(dst, x []float32) {
	sameLen("Tanh", len(dst), len(x))
	vecTanh(dst, x)
}

// ReLU sets dst = max(x, 0).
func ReLU(dst, x []float32) {
	sameLen("ReLU", len(dst), len(x))
	vecReLU(dst, x)
}

// ReLUGrad sets dx = dy where x > 0, otherwise 0. x may be the input or the output of ReLU.
func ReLUGrad(dx, x, dy []float32) {
	sameLen("ReLUGrad", len(dx), len(x))
	sameLen("ReLUGrad", len(x), len(dy))
	vecReLUGrad(dx, x, dy)
}

// GELU sets dst = x * Φ(x) with the error function, as tf.nn.gelu without approximation; within 3e-7 of it times |x|.
func GELU(dst, x []float32) {
	sameLen("GELU", len(dst), len(x))
	vecGELU(dst, x)
}

// GELUGrad sets dx = dy * (Φ(x) + x*φ(x)), where x is the input of GELU.
func GELUGrad(dx, x, dy []float32) {
	sameLen("GELUGrad", len(dx), len(x))
	sameLen("GELUGrad", len(x), len(dy))
	vecGELUGrad(dx, x, dy)
}

// GELUSlope sets dst = GELU(x) and slope to its derivative: GELUGrad is slope * dy then. slope may be x.
func GELUSlope(dst, slope, x []float32) {
	sameLen("GELUSlope", len(dst), len(x))
	sameLen("GELUSlope", len(slope), len(x))
	vecGELUSlope(dst, slope, x)
}

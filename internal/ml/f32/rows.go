package f32

import "math"

// AddRow adds bias to every row of m.
func AddRow(m Mat, bias []float32) {
	sameLen("AddRow", m.Cols, len(bias))
	for i := range m.Rows {
		row := m.Row(i)
		vecAdd(row, row, bias)
	}
}

// SumRows sets dst to the sum of the rows of m, or adds it; from the first row to the last.
func SumRows(dst []float32, m Mat, add bool) {
	sameLen("SumRows", m.Cols, len(dst))
	if !add {
		clear(dst)
	}
	for i := range m.Rows {
		vecAdd(dst, dst, m.Row(i))
	}
}

// Softmax sets every row of dst to the soft-max of that of src. A row of -Inf alone becomes NaN.
func Softmax(dst, src Mat) {
	sameShape("Softmax", dst, src)
	for i := range src.Rows {
		SoftmaxRow(dst.Row(i), src.Row(i))
	}
}

// SoftmaxRow sets dst to the soft-max of src.
func SoftmaxRow(dst, src []float32) {
	sameLen("SoftmaxRow", len(dst), len(src))
	if len(src) == 0 {
		return
	}
	sum := vecExpSum(dst, src, vecMax(src))
	vecScale(dst, dst, 1/sum)
}

// SoftmaxGrad sets dx to the gradient at the input of Softmax; y is its output, dy the gradient there.
func SoftmaxGrad(dx, y, dy Mat) {
	sameShape("SoftmaxGrad", dx, y)
	sameShape("SoftmaxGrad", y, dy)
	for i := range y.Rows {
		vecSoftmaxGrad(dx.Row(i), y.Row(i), dy.Row(i), vecDot(y.Row(i), dy.Row(i)))
	}
}

// LogSumExp returns log(sum of e^x) without overflow, and sets probs to the soft-max of x. probs may be x.
func LogSumExp(probs, x []float32) float32 {
	sameLen("LogSumExp", len(probs), len(x))
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	top := vecMax(x)
	sum := vecExpSum(probs, x, top)
	vecScale(probs, probs, 1/sum)
	return top + float32(math.Log(float64(sum)))
}

// LayerNorm sets every row of dst to (x - mean) / sqrt(variance + eps) * gamma + beta. mean and inv (the reciprocal of
// the square root), one element a row, are what LayerNormGrad needs; nil when there is no backward pass.
func LayerNorm(dst, x Mat, gamma, beta []float32, eps float32, mean, inv []float32) {
	sameShape("LayerNorm", dst, x)
	sameLen("LayerNorm", len(gamma), x.Cols)
	sameLen("LayerNorm", len(beta), x.Cols)
	n := float32(x.Cols)
	for i := range x.Rows {
		row := x.Row(i)
		mu := vecSum(row) / n
		scale := float32(1 / math.Sqrt(float64(vecSumSquaredDiff(row, mu)/n+eps)))
		if mean != nil {
			mean[i], inv[i] = mu, scale
		}
		vecNormalize(dst.Row(i), row, gamma, beta, mu, scale)
	}
}

// LayerNormGrad sets dx to the gradient at the input of LayerNorm and adds those of gamma and beta to dGamma and dBeta.
// mean and inv are those of the forward pass. dx may be dy.
func LayerNormGrad(dx Mat, dGamma, dBeta []float32, x, dy Mat, gamma, mean, inv []float32) {
	sameShape("LayerNormGrad", dx, x)
	sameShape("LayerNormGrad", x, dy)
	for _, v := range [][]float32{gamma, dGamma, dBeta} {
		sameLen("LayerNormGrad", len(v), x.Cols)
	}
	n := float32(x.Cols)
	for i := range x.Rows {
		a, b := vecNormGradSums(dGamma, dBeta, x.Row(i), dy.Row(i), gamma, mean[i], inv[i])
		vecNormGrad(dx.Row(i), x.Row(i), dy.Row(i), gamma, mean[i], inv[i], a/n, b/n)
	}
}

// L2Normalize sets every row of dst to x / sqrt(max(sum of x², eps)), as tf.nn.l2_normalize, whose eps is 1e-12. inv,
// one element a row, receives the factors for L2NormalizeGrad; nil when there is no backward pass.
func L2Normalize(dst, x Mat, eps float32, inv []float32) {
	sameShape("L2Normalize", dst, x)
	for i := range x.Rows {
		row := x.Row(i)
		f := float32(1 / math.Sqrt(float64(max(vecDot(row, row), eps))))
		if inv != nil {
			inv[i] = f
		}
		vecScale(dst.Row(i), row, f)
	}
}

// L2NormalizeGrad sets dx to the gradient at the input of L2Normalize; y is its output, dy the gradient there. Rows that
// eps kept from being normalised are treated as the others. dx may be dy.
func L2NormalizeGrad(dx, y, dy Mat, inv []float32) {
	sameShape("L2NormalizeGrad", dx, y)
	sameShape("L2NormalizeGrad", y, dy)
	for i := range y.Rows {
		d := vecDot(y.Row(i), dy.Row(i))
		out := dx.Row(i)
		vecScale(out, dy.Row(i), inv[i])
		vecAxpy(out, y.Row(i), -d*inv[i])
	}
}

//go:build amd64 && !purego

package f32

import "unsafe"

func vecAdd(dst, a, b []float32) {
	if haveAVX2 {
		addAVX(dst, a, b)
		return
	}
	addGo(dst, a, b)
}

func vecSub(dst, a, b []float32) {
	if haveAVX2 {
		subAVX(dst, a, b)
		return
	}
	subGo(dst, a, b)
}

func vecMul(dst, a, b []float32) {
	if haveAVX2 {
		mulAVX(dst, a, b)
		return
	}
	mulGo(dst, a, b)
}

func vecMulAdd(dst, a, b []float32) {
	if haveAVX2 {
		mulAddAVX(dst, a, b)
		return
	}
	mulAddGo(dst, a, b)
}

func vecAxpy(dst, x []float32, alpha float32) {
	if haveAVX2 {
		axpyAVX(dst, x, alpha)
		return
	}
	axpyGo(dst, x, alpha)
}

func vecScale(dst, x []float32, alpha float32) {
	if haveAVX2 {
		scaleAVX(dst, x, alpha)
		return
	}
	scaleGo(dst, x, alpha)
}

func vecDot(a, b []float32) float32 {
	if haveAVX2 {
		return dotAVX(a, b)
	}
	return dotGo(a, b)
}

func vecSum(x []float32) float32 {
	if haveAVX2 {
		return sumAVX(x)
	}
	return sumGo(x)
}

func vecSumSquaredDiff(x []float32, mean float32) float32 {
	if haveAVX2 {
		return sumSquaredDiffAVX(x, mean)
	}
	return sumSquaredDiffGo(x, mean)
}

func vecMax(x []float32) float32 {
	if haveAVX2 {
		return maxAVX(x)
	}
	return maxGo(x)
}

func vecExp(dst, x []float32) {
	if haveAVX2 {
		expAVX(dst, x)
		return
	}
	expGo(dst, x)
}

func vecSigmoid(dst, x []float32) {
	if haveAVX2 {
		sigmoidAVX(dst, x)
		return
	}
	sigmoidGo(dst, x)
}

func vecTanh(dst, x []float32) {
	if haveAVX2 {
		tanhAVX(dst, x)
		return
	}
	tanhGo(dst, x)
}

func vecReLU(dst, x []float32) {
	if haveAVX2 {
		reluAVX(dst, x)
		return
	}
	reluGo(dst, x)
}

func vecReLUGrad(dx, x, dy []float32) {
	if haveAVX2 {
		reluGradAVX(dx, x, dy)
		return
	}
	reluGradGo(dx, x, dy)
}

func vecGELU(dst, x []float32) {
	if haveAVX2 {
		geluAVX(dst, x)
		return
	}
	geluGo(dst, x)
}

func vecGELUSlope(dst, slope, x []float32) {
	if haveAVX2 {
		geluSlopeAVX(dst, slope, x)
		return
	}
	geluSlopeGo(dst, slope, x)
}

func vecGELUGrad(dx, x, dy []float32) {
	if haveAVX2 {
		geluGradAVX(dx, x, dy)
		return
	}
	geluGradGo(dx, x, dy)
}

func vecExpSum(dst, x []float32, top float32) float32 {
	if haveAVX2 {
		return expSumAVX(dst, x, top)
	}
	return expSumGo(dst, x, top)
}

func vecSoftmaxGrad(dx, y, dy []float32, dot float32) {
	if haveAVX2 {
		softmaxGradAVX(dx, y, dy, dot)
		return
	}
	softmaxGradGo(dx, y, dy, dot)
}

func vecNormalize(dst, x, gamma, beta []float32, mean, inv float32) {
	if haveAVX2 {
		normalizeAVX(dst, x, gamma, beta, mean, inv)
		return
	}
	normalizeGo(dst, x, gamma, beta, mean, inv)
}

func vecNormGradSums(dGamma, dBeta, x, dy, gamma []float32, mean, inv float32) (a, b float32) {
	if haveAVX2 {
		return normGradSumsAVX(dGamma, dBeta, x, dy, gamma, mean, inv)
	}
	return normGradSumsGo(dGamma, dBeta, x, dy, gamma, mean, inv)
}

func vecNormGrad(dx, x, dy, gamma []float32, mean, inv, a, b float32) {
	if haveAVX2 {
		normGradAVX(dx, x, dy, gamma, mean, inv, a, b)
		return
	}
	normGradGo(dx, x, dy, gamma, mean, inv, a, b)
}

func vecAdam(param, grad, m, v []float32, c *adamConst) {
	if haveAVX2 {
		adamAVX(param, grad, m, v, &c.alpha)
		return
	}
	adamGo(param, grad, m, v, c)
}

func randDropout(state *[4][lanes]uint32, mask []float32, threshold uint32, keep float32) {
	if haveAVX2 {
		whole := len(mask) &^ (2*lanes - 1)
		dropoutAVX(&state[0][0], mask[:whole], threshold, keep)
		mask = mask[whole:]
	}
	randDropoutGo(state, mask, threshold, keep)
}

// transpose takes blocks of 8x8 from src; those at its edges overlap others. What is smaller than a block is for Go.
func transpose(dst, src Mat) {
	if !haveAVX2 || src.Rows < 8 || src.Cols < 8 {
		transposeGo(dst, src)
		return
	}
	for j := 0; j < src.Cols; j += 8 {
		j := min(j, src.Cols-8)
		transposeAVX(&dst.Data[j*dst.Stride], uintptr(dst.Stride)*4, &src.Data[j], uintptr(src.Stride)*4, src.Rows/8)
		if i := src.Rows - 8; src.Rows%8 > 0 {
			transposeAVX(&dst.Data[j*dst.Stride+i], uintptr(dst.Stride)*4, &src.Data[i*src.Stride+j], uintptr(src.Stride)*4, 1)
		}
	}
}

func sparseRow(dst []float32, cols []int32, vals []float32, w Mat) {
	if !haveAVX2 || len(cols) == 0 {
		sparseRowGo(dst, cols, vals, w)
		return
	}
	sparseRowAVX(dst, cols, unsafe.SliceData(vals), unsafe.SliceData(w.Data), uintptr(w.Stride)*4)
}

func sparseScatter(grad Mat, cols []int32, vals, dy []float32) {
	if !haveAVX2 || len(cols) == 0 {
		sparseScatterGo(grad, cols, vals, dy)
		return
	}
	sparseScatterAVX(dy, cols, unsafe.SliceData(vals), unsafe.SliceData(grad.Data), uintptr(grad.Stride)*4)
}

// kernel names the instructions in use.
func kernel() string {
	switch {
	case haveAVX512:
		return "avx512"
	case haveAVX2:
		return "avx2"
	}
	return "go"
}

// fmaLoop runs n times twelve independent multiply-adds of the returned width.
func fmaLoop(n int) (width int) {
	switch {
	case haveAVX512:
		peak512(n)
		return 16
	case haveAVX2:
		peak256(n)
		return 8
	}
	return fmaLoopGo(n)
}

//go:noescape
func addAVX(dst, a, b []float32)

//go:noescape
func subAVX(dst, a, b []float32)

//go:noescape
func mulAVX(dst, a, b []float32)

//go:noescape
func mulAddAVX(dst, a, b []float32)

//go:noescape
func axpyAVX(dst, x []float32, alpha float32)

//go:noescape
func scaleAVX(dst, x []float32, alpha float32)

//go:noescape
func dotAVX(a, b []float32) float32

//go:noescape
func sumAVX(x []float32) float32

//go:noescape
func sumSquaredDiffAVX(x []float32, mean float32) float32

//go:noescape
func maxAVX(x []float32) float32

//go:noescape
func expAVX(dst, x []float32)

//go:noescape
func sigmoidAVX(dst, x []float32)

//go:noescape
func tanhAVX(dst, x []float32)

//go:noescape
func reluAVX(dst, x []float32)

//go:noescape
func reluGradAVX(dx, x, dy []float32)

//go:noescape
func geluAVX(dst, x []float32)

//go:noescape
func geluSlopeAVX(dst, slope, x []float32)

//go:noescape
func geluGradAVX(dx, x, dy []float32)

//go:noescape
func expSumAVX(dst, x []float32, top float32) float32

//go:noescape
func softmaxGradAVX(dx, y, dy []float32, dot float32)

//go:noescape
func normalizeAVX(dst, x, gamma, beta []float32, mean, inv float32)

//go:noescape
func normGradSumsAVX(dGamma, dBeta, x, dy, gamma []float32, mean, inv float32) (a, b float32)

//go:noescape
func normGradAVX(dx, x, dy, gamma []float32, mean, inv, a, b float32)

//go:noescape
func adamAVX(param, grad, m, v []float32, c *float32)

//go:noescape
func dropoutAVX(state *uint32, mask []float32, threshold uint32, keep float32)

//go:noescape
func copyPanel(dst, src *float32, rows int, stride uintptr, width16 int)

//go:noescape
func transposeAVX(dst *float32, dstStride uintptr, src *float32, srcStride uintptr, n int)

//go:noescape
func sparseRowAVX(dst []float32, cols []int32, vals *float32, w *float32, stride uintptr)

//go:noescape
func sparseScatterAVX(dst []float32, cols []int32, vals *float32, w *float32, stride uintptr)

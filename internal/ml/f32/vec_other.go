//go:build !amd64 || purego

package f32

func vecAdd(dst, a, b []float32)                       { addGo(dst, a, b) }
func vecSub(dst, a, b []float32)                       { subGo(dst, a, b) }
func vecMul(dst, a, b []float32)                       { mulGo(dst, a, b) }
func vecMulAdd(dst, a, b []float32)                    { mulAddGo(dst, a, b) }
func vecAxpy(dst, x []float32, alpha float32)          { axpyGo(dst, x, alpha) }
func vecScale(dst, x []float32, alpha float32)         { scaleGo(dst, x, alpha) }
func vecDot(a, b []float32) float32                    { return dotGo(a, b) }
func vecSum(x []float32) float32                       { return sumGo(x) }
func vecSumSquaredDiff(x []float32, m float32) float32 { return sumSquaredDiffGo(x, m) }
func vecMax(x []float32) float32                       { return maxGo(x) }
func vecExp(dst, x []float32)                          { expGo(dst, x) }
func vecSigmoid(dst, x []float32)                      { sigmoidGo(dst, x) }
func vecTanh(dst, x []float32)                         { tanhGo(dst, x) }
func vecReLU(dst, x []float32)                         { reluGo(dst, x) }
func vecReLUGrad(dx, x, dy []float32)                  { reluGradGo(dx, x, dy) }
func vecGELU(dst, x []float32)                         { geluGo(dst, x) }
func vecGELUSlope(dst, slope, x []float32)             { geluSlopeGo(dst, slope, x) }
func vecGELUGrad(dx, x, dy []float32)                  { geluGradGo(dx, x, dy) }

func vecExpSum(dst, x []float32, top float32) float32 { return expSumGo(dst, x, top) }

func vecSoftmaxGrad(dx, y, dy []float32, dot float32) { softmaxGradGo(dx, y, dy, dot) }

func vecNormalize(dst, x, gamma, beta []float32, mean, inv float32) {
	normalizeGo(dst, x, gamma, beta, mean, inv)
}

func vecNormGradSums(dGamma, dBeta, x, dy, gamma []float32, mean, inv float32) (a, b float32) {
	return normGradSumsGo(dGamma, dBeta, x, dy, gamma, mean, inv)
}

func vecNormGrad(dx, x, dy, gamma []float32, mean, inv, a, b float32) {
	normGradGo(dx, x, dy, gamma, mean, inv, a, b)
}

func vecAdam(param, grad, m, v []float32, c *adamConst) { adamGo(param, grad, m, v, c) }

func randDropout(state *[4][lanes]uint32, mask []float32, threshold uint32, keep float32) {
	randDropoutGo(state, mask, threshold, keep)
}

func transpose(dst, src Mat) { transposeGo(dst, src) }

func gemm(dst, a, b Mat, l layout, add bool) { gemmGo(dst, a, b, l, add) }

func sparseRow(dst []float32, cols []int32, vals []float32, w Mat) {
	sparseRowGo(dst, cols, vals, w)
}

func sparseScatter(grad Mat, cols []int32, vals, dy []float32) {
	sparseScatterGo(grad, cols, vals, dy)
}

func compressedMul(c *Compressed, dst, x Mat, add bool) { compressedMulGo(c, dst, x, add) }

func tilesMul(dst, x Mat, w []float32, ptr, block []int32, add bool) {
	tilesMulGo(dst, x, w, ptr, block, add)
}

func tilesGrad(dw []float32, x, dy Mat, p *Pattern) { tilesGradGo(dw, x, dy, p) }

// kernel names the instructions in use.
func kernel() string { return "go" }

func fmaLoop(n int) (width int) { return fmaLoopGo(n) }

package f32

import (
	"math"
	"runtime"
)

// The vector operations in Go: what assembly is tested against, and what runs without it.

func addGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func mulAddGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func axpyGo(dst, x []float32, alpha float32) {
	for i, v := range x {
		dst[i] += alpha * v
	}
}

func scaleGo(dst, x []float32, alpha float32) {
	for i, v := range x {
		dst[i] = alpha * v
	}
}

func dotGo(a, b []float32) float32 {
	var s [4]float32
	n := len(a) &^ 3
	for i := 0; i < n; i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumGo(x []float32) float32 {
	var s [4]float32
	for i, v := range x {
		s[i&3] += v
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumSquaredDiffGo(x []float32, mean float32) float32 {
	var s [4]float32
	for i, v := range x {
		s[i&3] += (v - mean) * (v - mean)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func maxGo(x []float32) float32 {
	top := x[0]
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

func expGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp32(v)
	}
}

func exp32(v float32) float32 {
	if v < expLow {
		return 0
	}
	return float32(math.Exp(float64(v)))
}

// expLow is where results would be denormal.
const expLow = -87.3365447505

func expSumGo(dst, x []float32, top float32) float32 {
	var sum float32
	for i, v := range x {
		dst[i] = exp32(v - top)
		sum += dst[i]
	}
	return sum
}

func sigmoidGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(1 / (1 + math.Exp(-float64(v))))
	}
}

func tanhGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(math.Tanh(float64(v)))
	}
}

func reluGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = max(v, 0)
	}
}

func reluGradGo(dx, x, dy []float32) {
	for i, v := range x {
		if v > 0 {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
}

func geluGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * float32(0.5*(1+math.Erf(float64(v)*math.Sqrt2/2)))
	}
}

func geluSlopeGo(dst, slope, x []float32) {
	const norm = 0.3989422804014327
	for i, v := range x {
		f := float64(v)
		cdf := 0.5 * (1 + math.Erf(f*math.Sqrt2/2))
		dst[i], slope[i] = v*float32(cdf), float32(cdf+f*norm*math.Exp(-0.5*f*f))
	}
}

func geluGradGo(dx, x, dy []float32) {
	const norm = 0.3989422804014327
	for i, v := range x {
		f := float64(v)
		dx[i] = dy[i] * float32(0.5*(1+math.Erf(f*math.Sqrt2/2))+f*norm*math.Exp(-0.5*f*f))
	}
}

func softmaxGradGo(dx, y, dy []float32, dot float32) {
	for i := range dx {
		dx[i] = y[i] * (dy[i] - dot)
	}
}

func normalizeGo(dst, x, gamma, beta []float32, mean, inv float32) {
	for i, v := range x {
		dst[i] = (v-mean)*inv*gamma[i] + beta[i]
	}
}

// normGradSumsGo adds a row's share to dGamma and dBeta and returns the sums of dy*gamma and of dy*gamma*normalised x.
func normGradSumsGo(dGamma, dBeta, x, dy, gamma []float32, mean, inv float32) (a, b float32) {
	for i, d := range dy {
		h := (x[i] - mean) * inv
		dGamma[i] += d * h
		dBeta[i] += d
		a += d * gamma[i]
		b += d * gamma[i] * h
	}
	return a, b
}

func normGradGo(dx, x, dy, gamma []float32, mean, inv, a, b float32) {
	for i, d := range dy {
		h := (x[i] - mean) * inv
		dx[i] = inv * (d*gamma[i] - a - h*b)
	}
}

func adamGo(param, grad, m, v []float32, c *adamConst) {
	for i, p := range param {
		g := grad[i]
		if g > c.gate {
			g += c.l2 * p
		}
		m[i] += (g - m[i]) * c.oneMinusBeta1
		v[i] += (g*g - v[i]) * c.oneMinusBeta2
		param[i] = p - c.alpha*m[i]/(float32(math.Sqrt(float64(v[i])))+c.epsilon)
	}
}

// randDropoutGo takes two masks from each 32 bits: of the 16 elements of a step, element i < 8 the low half of lane i,
// element i+8 the high half.
func randDropoutGo(state *[4][lanes]uint32, mask []float32, threshold uint32, keep float32) {
	for len(mask) > 0 {
		for j := range lanes {
			bits := state[0][j] + state[3][j]
			t := state[1][j] << 9
			state[2][j] ^= state[0][j]
			state[3][j] ^= state[1][j]
			state[1][j] ^= state[2][j]
			state[0][j] ^= state[3][j]
			state[2][j] ^= t
			state[3][j] = state[3][j]<<11 | state[3][j]>>21
			setMask(mask, j, bits&0xffff, threshold, keep)
			setMask(mask, j+lanes, bits>>16, threshold, keep)
		}
		mask = mask[min(2*lanes, len(mask)):]
	}
}

func setMask(mask []float32, i int, bits, threshold uint32, keep float32) {
	if i >= len(mask) {
		return
	}
	mask[i] = keep
	if bits < threshold {
		mask[i] = 0
	}
}

// fmaLoopGo runs n times twelve independent multiplications and additions of the returned width.
func fmaLoopGo(n int) (width int) {
	var s [12]float32
	for range n {
		for i := range s {
			s[i] += s[i] * 0.5
		}
	}
	runtime.KeepAlive(&s)
	return 1
}

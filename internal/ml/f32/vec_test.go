package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// operands returns n elements with large, small and special places among normal values.
func operands(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64()) * float32(math.Exp(rng.NormFloat64()))
	}
	return x
}

// requireClose checks |want-got| <= tolerance*(1+|want|).
func requireClose(t *testing.T, what string, want func(i int) float64, got []float32, tolerance float64) {
	t.Helper()
	for i, g := range got {
		w := want(i)
		if !(math.Abs(w-float64(g)) <= tolerance*(1+math.Abs(w))) {
			t.Fatalf("%s of %d elements: element %d is %v, want %v", what, len(got), i, g, w)
		}
	}
}

func TestElementwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	phi := func(x float64) float64 { return 0.5 * (1 + math.Erf(x/math.Sqrt2)) }
	onEveryKernel(t, func(t *testing.T) {
		for n := range 70 {
			a, b, c := operands(rng, n), operands(rng, n), operands(rng, n)
			x := func(i int) float64 { return float64(a[i]) }
			y := func(i int) float64 { return float64(b[i]) }
			old := func(i int) float64 { return float64(c[i]) }
			for name, test := range map[string]struct {
				run  func(dst []float32)
				want func(i int) float64
			}{
				"Add":       {func(d []float32) { Add(d, a, b) }, func(i int) float64 { return x(i) + y(i) }},
				"Sub":       {func(d []float32) { Sub(d, a, b) }, func(i int) float64 { return x(i) - y(i) }},
				"Mul":       {func(d []float32) { Mul(d, a, b) }, func(i int) float64 { return x(i) * y(i) }},
				"MulAdd":    {func(d []float32) { MulAdd(d, a, b) }, func(i int) float64 { return old(i) + x(i)*y(i) }},
				"Axpy":      {func(d []float32) { Axpy(d, 0.7, a) }, func(i int) float64 { return old(i) + 0.7*x(i) }},
				"Scale":     {func(d []float32) { Scale(d, -3, a) }, func(i int) float64 { return -3 * x(i) }},
				"Exp":       {func(d []float32) { Exp(d, a) }, func(i int) float64 { return math.Exp(x(i)) }},
				"Sigmoid":   {func(d []float32) { Sigmoid(d, a) }, func(i int) float64 { return 1 / (1 + math.Exp(-x(i))) }},
				"Tanh":      {func(d []float32) { Tanh(d, a) }, func(i int) float64 { return math.Tanh(x(i)) }},
				"ReLU":      {func(d []float32) { ReLU(d, a) }, func(i int) float64 { return max(x(i), 0) }},
				"GELU":      {func(d []float32) { GELU(d, a) }, func(i int) float64 { return x(i) * phi(x(i)) }},
				"GELUSlope": {func(d []float32) { GELUSlope(d, make([]float32, n), a) }, func(i int) float64 { return x(i) * phi(x(i)) }},
				"slope": {func(d []float32) { GELUSlope(make([]float32, n), d, a) }, func(i int) float64 {
					return phi(x(i)) + x(i)*math.Exp(-x(i)*x(i)/2)/math.Sqrt(2*math.Pi)
				}},
				"ReLUGrad": {func(d []float32) { ReLUGrad(d, a, b) }, func(i int) float64 {
					if x(i) > 0 {
						return y(i)
					}
					return 0
				}},
				"GELUGrad": {func(d []float32) { GELUGrad(d, a, b) }, func(i int) float64 {
					return y(i) * (phi(x(i)) + x(i)*math.Exp(-x(i)*x(i)/2)/math.Sqrt(2*math.Pi))
				}},
			} {
				dst := append(append([]float32{}, c...), 42)
				test.run(dst[:n:n])
				requireClose(t, name, test.want, dst[:n], 1e-6)
				require.Equal(t, float32(42), dst[n], "%s wrote behind its end", name)
			}
		}
	})
}

func TestReductions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	onEveryKernel(t, func(t *testing.T) {
		for n := range 100 {
			a, b := operands(rng, n), operands(rng, n)
			var dot, sum float64
			top := math.Inf(-1)
			for i := range a {
				dot += float64(a[i]) * float64(b[i])
				sum += float64(a[i])
				top = max(top, float64(a[i]))
			}
			require.InDelta(t, dot, float64(Dot(a, b)), 1e-3)
			require.InDelta(t, sum, float64(Sum(a)), 1e-4)
			require.Equal(t, top, float64(Max(a)))
		}
	})
}

func TestExpAtItsLimits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	onEveryKernel(t, func(t *testing.T) {
		x := []float32{0, -inf, inf, nan, -87.3, -88, 88.7, 89, 1000, -1000, 1e-10}
		got := make([]float32, len(x))
		Exp(got, x)
		require.Equal(t, []float32{1, 0, inf}, got[:3])
		require.True(t, math.IsNaN(float64(got[3])))
		require.InEpsilon(t, math.Exp(float64(x[4])), float64(got[4]), 3e-7)
		require.Zero(t, got[5])
		require.InEpsilon(t, math.Exp(float64(x[6])), float64(got[6]), 3e-7)
		require.Equal(t, []float32{inf, inf, 0, 1}, got[7:])
		for v := float32(-87); v < 88; v += 0.0137 {
			Exp(got[:1], []float32{v})
			require.InEpsilon(t, math.Exp(float64(v)), float64(got[0]), 3e-7, "e^%v", v)
		}
	})
}

func TestSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	onEveryKernel(t, func(t *testing.T) {
		for n := 1; n < 40; n++ {
			x, y := randomMat(rng, 3, n, 1), New(3, n)
			x.Set(1, n/2, float32(math.Inf(-1)))
			Softmax(y, x)
			for i := range 3 {
				var sum float64
				for _, v := range x.Row(i) {
					sum += math.Exp(float64(v))
				}
				if sum == 0 {
					require.True(t, math.IsNaN(float64(y.At(i, 0))))
					continue
				}
				requireClose(t, "Softmax", func(j int) float64 { return math.Exp(float64(x.At(i, j))) / sum }, y.Row(i), 1e-6)
				require.InDelta(t, math.Log(sum), float64(LogSumExp(make([]float32, n), x.Row(i))), 1e-5)
			}
		}
	})
}

// requireGradient compares the gradient of the sum of weight*f(x) with finite differences.
func requireGradient(t *testing.T, what string, x, weight Mat, f func() Mat, got Mat) {
	t.Helper()
	value := func() (sum float64) {
		y := f()
		for i := range y.Rows {
			for j := range y.Cols {
				sum += float64(y.At(i, j)) * float64(weight.At(i, j))
			}
		}
		return sum
	}
	const h = 1e-2
	for i := range x.Rows {
		for j := range x.Cols {
			at := x.At(i, j)
			x.Set(i, j, at+h)
			up := value()
			x.Set(i, j, at-h)
			down := value()
			x.Set(i, j, at)
			require.InDelta(t, (up-down)/(2*h), float64(got.At(i, j)), 5e-3, "%s (%d, %d)", what, i, j)
		}
	}
}

func TestRowGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 9))
	onEveryKernel(t, func(t *testing.T) {
		for _, n := range []int{3, 8, 19} {
			x, dy, y, dx := randomMat(rng, 2, n, 0), randomMat(rng, 2, n, 0), New(2, n), New(2, n)
			inv, mean := make([]float32, 2), make([]float32, 2)

			softmax := func() Mat { Softmax(y, x); return y }
			SoftmaxGrad(dx, softmax(), dy)
			requireGradient(t, "Softmax", x, dy, softmax, dx)

			norm := func() Mat { L2Normalize(y, x, 1e-12, inv); return y }
			L2NormalizeGrad(dx, norm(), dy, inv)
			requireGradient(t, "L2Normalize", x, dy, norm, dx)

			gamma, beta := randomMat(rng, 1, n, 0), randomMat(rng, 1, n, 0)
			dGamma, dBeta := New(1, n), New(1, n)
			layer := func() Mat { LayerNorm(y, x, gamma.Data, beta.Data, 1e-6, mean, inv); return y }
			layer()
			LayerNormGrad(dx, dGamma.Data, dBeta.Data, x, dy, gamma.Data, mean, inv)
			requireGradient(t, fmt.Sprint("LayerNorm ", n), x, dy, layer, dx)
			requireGradient(t, "gamma", gamma, dy, layer, dGamma)
			requireGradient(t, "beta", beta, dy, layer, dBeta)
		}
	})
}

func TestAdamIsKeras(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		testAdam(t, false)
		testAdam(t, true)
	})
}

func testAdam(t *testing.T, gated bool) {
	for _, n := range []int{1, 8, 21} {
		param, m, v := make([]float32, n), make([]float32, n), make([]float32, n)
		want, wm, wv := 1.0, 0.0, 0.0
		for i := range param {
			param[i] = 1
		}
		a := NewAdam(0.01)
		for step := 1; step <= 5; step++ {
			grad := make([]float32, n)
			for i := range grad {
				grad[i] = float32(step) - 2.5
			}
			g := float64(step) - 2.5
			if !gated || g > 0 {
				g += 0.1 * want
			}
			if gated {
				a.StepGatedL2(param, grad, m, v, step, 0.1)
			} else {
				a.StepL2(param, grad, m, v, step, 0.1)
			}
			wm += (g - wm) * 0.1
			wv += (g*g - wv) * 0.001
			alpha := 0.01 * math.Sqrt(1-math.Pow(0.999, float64(step))) / (1 - math.Pow(0.9, float64(step)))
			want -= wm * alpha / (math.Sqrt(wv) + 1e-7)
		}
		requireClose(t, "Adam", func(int) float64 { return want }, param, 1e-5)
	}
}

func TestDropoutIsTheSameOnEveryKernel(t *testing.T) {
	var want []float32
	onEveryKernel(t, func(t *testing.T) {
		r := NewRand(7)
		mask := make([]float32, 10_007)
		r.Dropout(mask[:13], 0.25)
		r.Dropout(mask[13:], 0.25)
		if want == nil {
			want = mask
		}
		require.Equal(t, want, mask)
		kept := 0
		for _, v := range mask {
			if v != 0 {
				require.Equal(t, float32(1/0.75), v)
				kept++
			}
		}
		require.InDelta(t, 0.75, float64(kept)/float64(len(mask)), 0.02)
		other := make([]float32, 100)
		r.Dropout(other, 0)
		require.Equal(t, float32(100), Sum(other))
		r.Dropout(other, 1)
		require.Zero(t, Sum(other))
	})
}

func TestTranspose(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	onEveryKernel(t, func(t *testing.T) {
		for rows := range 20 {
			for cols := range 20 {
				m, dst := randomMat(rng, rows, cols, 2), randomMat(rng, cols, rows, 3)
				m.Transpose(dst)
				for i := range rows {
					require.Equal(t, m.Row(i), column(dst, i))
				}
				requirePadding(t, "Transpose", dst)
			}
		}
	})
}

func column(m Mat, j int) []float32 {
	out := make([]float32, m.Rows)
	for i := range out {
		out[i] = m.At(i, j)
	}
	return out
}

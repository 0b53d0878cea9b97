package f32

import (
	"math/rand/v2"
	"time"
)

// Kernel names the instructions the products run on here: "avx512", "avx2" or "go".
func Kernel() string { return kernel() }

// MeasurePeak returns how many billions of floating-point operations a second (a multiply-add is two) one core does in a
// loop of independent multiply-adds that touches no memory. It takes about d.
func MeasurePeak(d time.Duration) float64 {
	const n = 10_000
	return measure(d, func() float64 { return float64(2 * n * 12 * fmaLoop(n)) })
}

// MeasureMatMul returns the rate of MatMul of m x k and k x n matrices, in the unit of MeasurePeak.
func MeasureMatMul(d time.Duration, m, k, n int) float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	a, b, dst := New(m, k), New(k, n), New(m, n)
	for _, x := range []Mat{a, b} {
		for i := range x.Data {
			x.Data[i] = rng.Float32()
		}
	}
	return measure(d, func() float64 {
		MatMul(dst, a, b, false)
		return 2 * float64(m) * float64(k) * float64(n)
	})
}

// measure repeats f, which returns how many operations it did, and returns the best rate of all windows in d of processor
// time. Several cores that work at once count several times: it is the rate of one.
func measure(d time.Duration, f func() float64) float64 {
	const window = 300 * time.Microsecond
	f()
	var best float64
	for begin := clock(); clock()-begin < d; {
		var operations float64
		start := clock()
		for clock()-start < window {
			operations += f()
		}
		best = max(best, operations/float64((clock()-start).Nanoseconds()))
	}
	return best
}

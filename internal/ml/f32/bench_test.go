package f32

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkGemm reports each product's rate and its share of the peak measured beside it.
func BenchmarkGemm(b *testing.B) {
	shapes := [][2]int{{256, 256}, {256, 1024}, {1024, 256}, {128, 256}}
	for _, rows := range []int{1, 8, 64, 256, 1024} {
		for _, s := range shapes {
			k, n := s[0], s[1]
			rng := rand.New(rand.NewPCG(1, 1))
			x, y, w := randomMat(rng, rows, k, 0), randomMat(rng, rows, n, 0), randomMat(rng, k, n, 0)
			b.Run(fmt.Sprintf("ab/%dx%dx%d", rows, k, n), func(b *testing.B) {
				report(b, 2*rows*k*n, func() { MatMul(y, x, w, false) })
			})
			b.Run(fmt.Sprintf("abT/%dx%dx%d", rows, k, n), func(b *testing.B) {
				report(b, 2*rows*k*n, func() { MatMulT(x, y, w, false) })
			})
			b.Run(fmt.Sprintf("aTb/%dx%dx%d", rows, k, n), func(b *testing.B) {
				report(b, 2*rows*k*n, func() { MatTMul(w, x, y, true) })
			})
		}
	}
}

// BenchmarkPattern is BenchmarkGemm for weights of which a fifth is not zero; operations are those of the tiles.
func BenchmarkPattern(b *testing.B) {
	for _, rows := range []int{64, 256, 1024} {
		for _, s := range [][2]int{{256, 256}, {256, 1024}, {1024, 256}} {
			rng := rand.New(rand.NewPCG(1, 1))
			x, y := randomMat(rng, rows, s[0], 0), randomMat(rng, rows, s[1], 0)
			p := NewPattern(s[0], s[1], 0.2, rng)
			w := make([]float32, p.Len())
			p.Gather(w, randomMat(rng, s[0], s[1], 0))
			b.Run(fmt.Sprintf("forward/%dx%dx%d", rows, s[0], s[1]), func(b *testing.B) {
				report(b, 2*rows*p.Len(), func() { p.Mul(y, x, w, false) })
			})
			b.Run(fmt.Sprintf("input/%dx%dx%d", rows, s[0], s[1]), func(b *testing.B) {
				report(b, 2*rows*p.Len(), func() { p.MulT(x, y, w, false) })
			})
			dw := make([]float32, p.Len())
			b.Run(fmt.Sprintf("weights/%dx%dx%d", rows, s[0], s[1]), func(b *testing.B) {
				report(b, 2*rows*p.Len(), func() { p.Grad(dw, x, y) })
			})
		}
	}
}

// BenchmarkCompressed compares a message's product in both forms of weights of which a fifth is not zero.
func BenchmarkCompressed(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	w := sparseWeights(rng, 256, 1024, 0.2)
	c := Compress(w)
	for _, rows := range []int{1, 8, 16, 20, 40} {
		x, y := randomMat(rng, rows, 256, 0), New(rows, 1024)
		b.Run(fmt.Sprintf("compressed/%d", rows), func(b *testing.B) {
			for b.Loop() {
				c.Mul(y, x, false)
			}
		})
		b.Run(fmt.Sprintf("dense/%d", rows), func(b *testing.B) {
			for b.Loop() {
				MatMul(y, x, w, false)
			}
		})
	}
}

func BenchmarkVector(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, y, z := randomMat(rng, 1, 4096, 0).Data, randomMat(rng, 1, 4096, 0).Data, make([]float32, 4096)
	m, v := make([]float32, 4096), make([]float32, 4096)
	r := NewRand(1)
	for name, f := range map[string]func(){
		"Add":      func() { Add(z, x, y) },
		"Exp":      func() { Exp(z, x) },
		"GELU":     func() { GELU(z, x) },
		"GELUGrad": func() { GELUGrad(z, x, y) },
		"Softmax":  func() { SoftmaxRow(z, x) },
		"Adam":     func() { NewAdam(0.001).Step(z, x, m, v, 1) },
		"Dropout":  func() { r.Dropout(z, 0.2) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/element")
		})
	}
}

// report runs f and reports its rate and share of the peak, both where the machine was least busy.
func report(b *testing.B, operations int, f func()) {
	peak := MeasurePeak(20 * time.Millisecond)
	rate := measure(60*time.Millisecond, func() float64 { f(); return float64(operations) })
	for b.Loop() {
		f()
	}
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/peak, "%peak")
}

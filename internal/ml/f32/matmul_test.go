package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomMat returns a matrix of normal values, its rows pad elements apart, NaN between them.
func randomMat(rng *rand.Rand, rows, cols, pad int) Mat {
	m := Mat{Rows: rows, Cols: cols, Stride: cols + pad, Data: make([]float32, rows*(cols+pad))}
	for i := range m.Data {
		m.Data[i] = float32(math.NaN())
	}
	for i := range rows {
		for j := range cols {
			m.Set(i, j, float32(rng.NormFloat64()))
		}
	}
	return m
}

func clone(m Mat) Mat {
	m.Data = append([]float32(nil), m.Data...)
	return m
}

// naive is a·b in float64 for operands read through at functions.
func naive(dst Mat, k int, a, b func(i, j int) float32, start Mat, add bool) {
	for i := range dst.Rows {
		for j := range dst.Cols {
			var sum float64
			if add {
				sum = float64(start.At(i, j))
			}
			for p := range k {
				sum += float64(a(i, p)) * float64(b(p, j))
			}
			dst.Set(i, j, float32(sum))
		}
	}
}

func requireNear(t *testing.T, what string, want, got Mat, tolerance float64) {
	t.Helper()
	for i := range want.Rows {
		for j := range want.Cols {
			if d := math.Abs(float64(want.At(i, j) - got.At(i, j))); !(d <= tolerance) {
				t.Fatalf("%s: (%d, %d) is %v, want %v", what, i, j, got.At(i, j), want.At(i, j))
			}
		}
	}
}

// requirePadding checks that nothing was written between the rows.
func requirePadding(t *testing.T, what string, m Mat) {
	t.Helper()
	for i := range m.Rows {
		for j := i*m.Stride + m.Cols; j < (i+1)*m.Stride; j++ {
			if !math.IsNaN(float64(m.Data[j])) {
				t.Fatalf("%s: wrote behind row %d", what, i)
			}
		}
	}
}

func transposed(m Mat) func(i, j int) float32 {
	return func(i, j int) float32 { return m.At(j, i) }
}

func checkProducts(t *testing.T, rng *rand.Rand, m, k, n, pad int) {
	t.Helper()
	for _, add := range []bool{false, true} {
		start := randomMat(rng, m, n, pad)
		want := New(m, n)
		a, b := randomMat(rng, m, k, pad), randomMat(rng, k, n, pad)
		at, bt := randomMat(rng, k, m, pad), randomMat(rng, n, k, pad)
		what := fmt.Sprintf("%dx%dx%d pad %d add %v", m, k, n, pad, add)
		tolerance := 1e-5 * math.Sqrt(float64(k+1))

		got := clone(start)
		MatMul(got, a, b, add)
		naive(want, k, a.At, b.At, start, add)
		requireNear(t, "MatMul "+what, want, got, tolerance)
		requirePadding(t, "MatMul "+what, got)

		got = clone(start)
		MatMulT(got, a, bt, add)
		naive(want, k, a.At, transposed(bt), start, add)
		requireNear(t, "MatMulT "+what, want, got, tolerance)
		requirePadding(t, "MatMulT "+what, got)

		got = clone(start)
		MatTMul(got, at, b, add)
		naive(want, k, transposed(at), b.At, start, add)
		requireNear(t, "MatTMul "+what, want, got, tolerance)
		requirePadding(t, "MatTMul "+what, got)
	}
}

func TestProductsOfAllSmallShapes(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for m := 0; m <= 40; m += 1 + rng.IntN(2) {
			for k := rng.IntN(4); k <= 40; k += 1 + rng.IntN(16) {
				for n := rng.IntN(4); n <= 40; n += 1 + rng.IntN(10) {
					checkProducts(t, rng, m, k, n, rng.IntN(3))
				}
			}
		}
	})
}

func TestProductsOfLargeShapes(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, s := range [][3]int{{33, 128, 256}, {65, 1024, 10}, {3, 700, 130}, {30, 513, 33}, {1, 256, 1024}, {13, 1100, 7}, {129, 40, 300}} {
			checkProducts(t, rng, s[0], s[1], s[2], 3)
		}
		// Rows at distances that caches dislike are copied first.
		checkProducts(t, rng, 512, 600, 9, 0)
	})
}

func TestBitsDoNotDependOnCores(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		a, b, p := randomMat(rng, 151, 600, 0), randomMat(rng, 600, 111, 0), NewPattern(600, 111, 0.5, rng)
		w := make([]float32, p.Len())
		p.Gather(w, b)
		var want []Mat
		for _, cores := range []int{1, 2, 3} {
			before := runtime.GOMAXPROCS(cores)
			got := []Mat{New(151, 111), New(151, 600), New(600, 111), New(151, 111), New(1, p.Len())}
			MatMul(got[0], a, b, false)
			MatMulT(got[1], got[0], b, false)
			MatTMul(got[2], a, got[0], false)
			p.Mul(got[3], a, w, false)
			p.Grad(got[4].Data, a, got[0])
			runtime.GOMAXPROCS(before)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got)
		}
	})
}

// TestRowsDoNotDependOnOthers: a message alone gets the same numbers as among others.
func TestRowsDoNotDependOnOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	a, b := randomMat(rng, 61, 600, 0), randomMat(rng, 600, 70, 0)
	all := New(61, 70)
	MatMul(all, a, b, false)
	for _, i := range []int{0, 12, 59, 60} {
		one := New(1, 70)
		MatMul(one, a.SliceRows(i, i+1), b, false)
		require.Equal(t, all.Row(i), one.Data)
	}
}

func FuzzProducts(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(4), uint8(5), uint8(1))
	f.Add(uint64(2), uint8(25), uint8(70), uint8(33), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, m, k, n, pad uint8) {
		checkProducts(t, rand.New(rand.NewPCG(seed, 1)), int(m), int(k), int(n), int(pad%8))
	})
}

func TestProductRefusesShapesThatDoNotFit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a 2x3 matrix times a 2x3 matrix was computed")
		}
	}()
	MatMul(New(2, 3), New(2, 3), New(2, 3), false)
}

func TestInferenceDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x, w, y := randomMat(rng, 9, 256, 0), randomMat(rng, 256, 256, 0), New(9, 256)
	c, s, p := Compress(w), csrOf(sparseWeights(rng, 9, 256, 0.1)), NewPattern(256, 256, 0.2, rng)
	tiles := make([]float32, p.Len())
	allocations := testing.AllocsPerRun(50, func() {
		MatMul(y, x, w, false)
		MatMulT(y, x, w, false)
		c.Mul(y, x, false)
		s.Mul(y, w, false)
		p.Mul(y, x, tiles, false)
	})
	require.Less(t, allocations, 1.0)
}

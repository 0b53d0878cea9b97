package f32

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func sparseWeights(rng *rand.Rand, rows, cols int, density float64) Mat {
	w := randomMat(rng, rows, cols, 0)
	for i := range w.Data {
		if rng.Float64() >= density {
			w.Data[i] = 0
		}
	}
	return w
}

func csrOf(m Mat) CSR {
	s := CSR{Rows: m.Rows, Cols: m.Cols, RowPtr: []int{0}}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			if v != 0 {
				s.Col, s.Val = append(s.Col, int32(j)), append(s.Val, v)
			}
		}
		s.RowPtr = append(s.RowPtr, len(s.Col))
	}
	return s
}

func TestCSRProductsAreTheDenseOnes(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, cols := range []int{0, 1, 7, 8, 20, 64, 71, 128, 130} {
			dense := sparseWeights(rng, 9, 50, 0.1)
			s := csrOf(dense)
			w, dy := randomMat(rng, 50, cols, 2), randomMat(rng, 9, cols, 1)
			for _, add := range []bool{false, true} {
				want := randomMat(rng, 9, cols, 3)
				got := clone(want)
				MatMul(want, dense, w, add)
				s.Mul(got, w, add)
				requireNear(t, fmt.Sprint("Mul ", cols), want, got, 1e-5)
				requirePadding(t, "Mul", got)
			}
			want := randomMat(rng, 50, cols, 1)
			got := clone(want)
			MatTMul(want, dense, dy, true)
			s.TMulAdd(got, dy)
			requireNear(t, fmt.Sprint("TMulAdd ", cols), want, got, 1e-5)
			requirePadding(t, "TMulAdd", got)

			part := New(4, cols)
			s.SliceRows(3, 7).Mul(part, w, false)
			all := New(9, cols)
			s.Mul(all, w, false)
			requireNear(t, "SliceRows", all.SliceRows(3, 7), part, 0)
		}
	})
}

func TestCompressedProductIsTheDenseOne(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, s := range [][3]int{{1, 40, 30}, {8, 256, 100}, {16, 33, 17}, {17, 20, 9}, {37, 5, 64}, {3, 0, 4}, {0, 3, 4}} {
			for _, density := range []float64{0, 0.2, 1} {
				w := sparseWeights(rng, s[1], s[2], density)
				c := Compress(w)
				x := randomMat(rng, s[0], s[1], 2)
				for _, add := range []bool{false, true} {
					want := randomMat(rng, s[0], s[2], 1)
					got := clone(want)
					MatMul(want, x, w, add)
					c.Mul(got, x, add)
					requireNear(t, fmt.Sprint(s, density, add), want, got, 1e-4)
					requirePadding(t, "Compressed", got)
				}
			}
		}
	})
}

func TestPatternProductsAreTheDenseOnes(t *testing.T) {
	onEveryKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, s := range [][3]int{{1, 16, 16}, {5, 64, 48}, {30, 100, 70}, {64, 256, 96}, {13, 20, 3}, {7, 3, 40}, {30, 512, 20}, {0, 20, 20}, {50, 31, 33}} {
			p := NewPattern(s[1], s[2], 0.3, rng)
			w := make([]float32, p.Len())
			p.Gather(w, randomMat(rng, s[1], s[2], 0))
			dense := New(s[1], s[2])
			p.Scatter(dense, w)
			x, dy := randomMat(rng, s[0], s[1], s[0]%2), randomMat(rng, s[0], s[2], 2)
			for _, add := range []bool{false, true} {
				want := randomMat(rng, s[0], s[2], 1)
				got := clone(want)
				MatMul(want, x, dense, add)
				p.Mul(got, x, w, add)
				requireNear(t, fmt.Sprint("Mul ", s, add), want, got, 1e-4)
				requirePadding(t, "Mul", got)

				want = randomMat(rng, s[0], s[1], 1)
				got = clone(want)
				MatMulT(want, dy, dense, add)
				p.MulT(got, dy, w, add)
				requireNear(t, fmt.Sprint("MulT ", s, add), want, got, 1e-4)
				requirePadding(t, "MulT", got)
			}
			full := New(s[1], s[2])
			MatTMul(full, x, dy, false)
			want, got := make([]float32, p.Len()), make([]float32, p.Len())
			p.Gather(want, full)
			p.Grad(got, x, dy)
			require.InDeltaSlice(t, want, got, 1e-4, "Grad %v", s)
		}
	})
}

func TestNewPatternSharesTilesOutEvenly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := NewPattern(256, 1024, 0.2, rng)
	require.InDelta(t, 0.2, p.Density(), 0.001)
	for name, ptr := range map[string][]int32{"column": p.colPtr, "row": p.rowPtr} {
		low, high := int32(1<<30), int32(0)
		for i := range len(ptr) - 1 {
			low, high = min(low, ptr[i+1]-ptr[i]), max(high, ptr[i+1]-ptr[i])
		}
		require.LessOrEqual(t, high-low, int32(1), "%s blocks have between %d and %d tiles", name, low, high)
		require.Positive(t, low)
	}
	p = NewPattern(20, 300, 0, rng)
	require.Equal(t, 19, len(p.tileRow), "every column block has a tile")
}

func TestPatternOfIsThePatternThatWasScattered(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	p := NewPattern(50, 70, 0.4, rng)
	w := make([]float32, p.Len())
	p.Mask(w)
	dense := New(50, 70)
	p.Scatter(dense, w)
	require.Equal(t, p, PatternOf(dense))
	back := make([]float32, p.Len())
	p.Gather(back, dense)
	require.Equal(t, w, back)
}

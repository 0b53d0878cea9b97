package f32

import (
	"fmt"
	"math/rand/v2"
)

// Tile is the side of the square tiles of a Pattern.
const Tile = 16

const tileLen = Tile * Tile

// Pattern says which Tile x Tile tiles of a Rows x Cols weight matrix may differ from zero. Weights, gradients and an
// optimiser's moments are slices of Len elements in the pattern's order: tile by tile, the tiles of the first
// columns first, each tile in rows. Elements of tiles that reach over the edge of the matrix are zero and stay zero.
// The products cost the pattern's share of the dense ones. A Pattern is immutable.
type Pattern struct {
	Rows, Cols int
	// colPtr and tileRow: tiles colPtr[j]..colPtr[j+1] stand in column block j, tile t in row block tileRow[t].
	colPtr, tileRow []int32
	// rowPtr, tileCol and rowTile list the same tiles by row block: column block, and number in the order above.
	rowPtr, tileCol, rowTile []int32
}

// NewPattern returns a random pattern with about density*Rows*Cols elements: every column block has the same number of
// tiles, or one more, and so do the row blocks as far as that allows; at least one a block.
func NewPattern(rows, cols int, density float64, rng *rand.Rand) *Pattern {
	rb, cb := blocks(rows), blocks(cols)
	want := max(int(density*float64(rb*cb)+0.5), rb, cb)
	want = min(want, rb*cb)
	used := make([]bool, rb*cb)
	load := make([]int, rb)
	order := make([]int, rb)
	columns := rng.Perm(cb)
	for n, j := range columns {
		count := want*(n+1)/cb - want*n/cb
		copy(order, rng.Perm(rb))
		for range count {
			best := -1
			for _, i := range order {
				if !used[i*cb+j] && (best < 0 || load[i] < load[best]) {
					best = i
				}
			}
			used[best*cb+j] = true
			load[best]++
		}
	}
	return newPattern(rows, cols, func(i, j int) bool { return used[i*cb+j] })
}

// PatternOf returns the pattern of the tiles of w that are not all zero.
func PatternOf(w Mat) *Pattern {
	return newPattern(w.Rows, w.Cols, func(bi, bj int) bool {
		for i := bi * Tile; i < min((bi+1)*Tile, w.Rows); i++ {
			for _, v := range w.Row(i)[bj*Tile : min((bj+1)*Tile, w.Cols)] {
				if v != 0 {
					return true
				}
			}
		}
		return false
	})
}

func newPattern(rows, cols int, has func(i, j int) bool) *Pattern {
	p := &Pattern{Rows: rows, Cols: cols, colPtr: []int32{0}, rowPtr: []int32{0}}
	rb, cb := blocks(rows), blocks(cols)
	number := make([]int32, rb*cb)
	for j := range cb {
		for i := range rb {
			if has(i, j) {
				number[i*cb+j] = int32(len(p.tileRow)) + 1
				p.tileRow = append(p.tileRow, int32(i))
			}
		}
		p.colPtr = append(p.colPtr, int32(len(p.tileRow)))
	}
	for i := range rb {
		for j := range cb {
			if t := number[i*cb+j]; t > 0 {
				p.tileCol = append(p.tileCol, int32(j))
				p.rowTile = append(p.rowTile, t-1)
			}
		}
		p.rowPtr = append(p.rowPtr, int32(len(p.tileCol)))
	}
	return p
}

func blocks(n int) int { return (n + Tile - 1) / Tile }

// Len returns the number of elements of weights in this pattern, zeros over the edges included.
func (p *Pattern) Len() int { return len(p.tileRow) * tileLen }

// Density returns the share of tiles that are in the pattern.
func (p *Pattern) Density() float64 {
	if p.Rows*p.Cols == 0 {
		return 0
	}
	return float64(len(p.tileRow)) / float64(blocks(p.Rows)*blocks(p.Cols))
}

// Mask sets dst, Len elements, to 1 for elements inside the matrix and 0 for those over its edges.
func (p *Pattern) Mask(dst []float32) {
	p.each(dst, func(_, _ int, v *float32) { *v = 1 })
}

// Gather sets dst, Len elements, to the elements of w that are in the pattern.
func (p *Pattern) Gather(dst []float32, w Mat) {
	p.checkDense("Gather", w)
	p.each(dst, func(i, j int, v *float32) { *v = w.At(i, j) })
}

// Scatter sets w to the matrix with the elements of src and zeros elsewhere.
func (p *Pattern) Scatter(w Mat, src []float32) {
	p.checkDense("Scatter", w)
	w.Zero()
	sameLen("Pattern.Scatter", len(src), p.Len())
	for j := range blocks(p.Cols) {
		for t := p.colPtr[j]; t < p.colPtr[j+1]; t++ {
			tile := src[int(t)*tileLen:]
			for r := range min(Tile, p.Rows-int(p.tileRow[t])*Tile) {
				row := w.Row(int(p.tileRow[t])*Tile + r)[j*Tile : min((j+1)*Tile, p.Cols)]
				copy(row, tile[r*Tile:])
			}
		}
	}
}

// each zeroes dst and calls f with the place of each element inside the matrix.
func (p *Pattern) each(dst []float32, f func(i, j int, v *float32)) {
	sameLen("Pattern", len(dst), p.Len())
	clear(dst)
	for bj := range blocks(p.Cols) {
		for t := p.colPtr[bj]; t < p.colPtr[bj+1]; t++ {
			bi := int(p.tileRow[t])
			for i := bi * Tile; i < min((bi+1)*Tile, p.Rows); i++ {
				for j := bj * Tile; j < min((bj+1)*Tile, p.Cols); j++ {
					f(i, j, &dst[int(t)*tileLen+(i-bi*Tile)*Tile+j-bj*Tile])
				}
			}
		}
	}
}

func (p *Pattern) checkDense(op string, w Mat) {
	if w.Rows != p.Rows || w.Cols != p.Cols {
		panic(fmt.Sprintf("f32: Pattern.%s of %dx%d and %dx%d", op, p.Rows, p.Cols, w.Rows, w.Cols))
	}
}

// Mul sets dst = x·w, or dst += x·w, for the weights w in this pattern; x is m x Rows, dst m x Cols.
func (p *Pattern) Mul(dst, x Mat, w []float32, add bool) {
	checkProduct("Pattern.Mul", dst, x.Rows, x.Cols, p.Rows, p.Cols)
	sameLen("Pattern.Mul", len(w), p.Len())
	tilesMul(dst, x, w, p.colPtr, p.tileRow, add)
}

// MulT sets dst = dy·wᵀ, or dst += dy·wᵀ: the gradient of x in Mul; dy is m x Cols, dst m x Rows.
func (p *Pattern) MulT(dst, dy Mat, w []float32, add bool) {
	checkProduct("Pattern.MulT", dst, dy.Rows, dy.Cols, p.Cols, p.Rows)
	sameLen("Pattern.MulT", len(w), p.Len())
	scratch := getScratch(p.Len())
	for n, t := range p.rowTile {
		transpose(Wrap(Tile, Tile, scratch.data[n*tileLen:(n+1)*tileLen]), Wrap(Tile, Tile, w[int(t)*tileLen:(int(t)+1)*tileLen]))
	}
	tilesMul(dst, dy, scratch.data, p.rowPtr, p.tileCol, add)
	scratch.put()
}

// Grad adds xᵀ·dy to dw, for the elements of the pattern: the gradient of w in Mul.
func (p *Pattern) Grad(dw []float32, x, dy Mat) {
	if x.Rows != dy.Rows || x.Cols != p.Rows || dy.Cols != p.Cols {
		panic(fmt.Sprintf("f32: Pattern.Grad of %dx%d and %dx%d to %dx%d", x.Rows, x.Cols, dy.Rows, dy.Cols, p.Rows, p.Cols))
	}
	sameLen("Pattern.Grad", len(dw), p.Len())
	tilesGrad(dw, x, dy, p)
}

package f32

import (
	"cmp"
	"fmt"
	"slices"
)

// Compressed is a dense layer's weights of which most are zero, as columns without the zeros. It serves few rows
// at a time (one message) with fewer operations and less memory traffic than the dense product. It is immutable.
type Compressed struct {
	rows, cols int
	// entries is how many weights are not zero.
	entries int
	// The columns lie in the order of their lengths, which a processor foresees best: the i-th is column place[i] and
	// has the entries colPtr[i] <= e < colPtr[i+1], filled up with zeros to a multiple of four.
	place, colPtr []int32
	row           []uint16
	val           []float32
}

// Compress returns w without its zeros. It panics when w has more than 65536 rows.
func Compress(w Mat) *Compressed {
	if w.Rows > 1<<16 {
		panic(fmt.Sprintf("f32: Compress of %d rows", w.Rows))
	}
	c := &Compressed{rows: w.Rows, cols: w.Cols, place: make([]int32, w.Cols), colPtr: make([]int32, 1, w.Cols+1)}
	counts := make([]int, w.Cols)
	for i := range w.Rows {
		for j, v := range w.Row(i) {
			if v != 0 {
				counts[j]++
			}
		}
	}
	total := 0
	for j, n := range counts {
		c.place[j] = int32(j)
		c.entries += n
		total += (n + 3) &^ 3
	}
	slices.SortStableFunc(c.place, func(a, b int32) int { return cmp.Compare(counts[a], counts[b]) })
	c.row, c.val = make([]uint16, 0, total), make([]float32, 0, total)
	for _, j := range c.place {
		for i := range w.Rows {
			if v := w.At(i, int(j)); v != 0 {
				c.row, c.val = append(c.row, uint16(i)), append(c.val, v)
			}
		}
		for len(c.val)%4 != 0 {
			c.row, c.val = append(c.row, 0), append(c.val, 0)
		}
		c.colPtr = append(c.colPtr, int32(len(c.val)))
	}
	return c
}

// Dims returns the shape of the weights.
func (c *Compressed) Dims() (rows, cols int) { return c.rows, c.cols }

// Density returns the share of weights that are not zero.
func (c *Compressed) Density() float64 {
	if c.rows*c.cols == 0 {
		return 0
	}
	return float64(c.entries) / float64(c.rows*c.cols)
}

// Mul sets dst = x·w, or dst += x·w. It is made for up to some 50 rows of x; with more the dense product or
// Pattern.Mul is faster.
func (c *Compressed) Mul(dst, x Mat, add bool) {
	checkProduct("Compressed.Mul", dst, x.Rows, x.Cols, c.rows, c.cols)
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	compressedMul(c, dst, x, add)
}

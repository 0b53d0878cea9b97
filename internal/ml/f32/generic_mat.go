package f32

// The products in Go: what assembly is tested against, and what runs without it.

func transposeGo(dst, src Mat) {
	const block = 8
	for i0 := 0; i0 < src.Rows; i0 += block {
		for j := range src.Cols {
			out := dst.Data[j*dst.Stride+i0:]
			for i := i0; i < min(i0+block, src.Rows); i++ {
				out[i-i0] = src.Data[i*src.Stride+j]
			}
		}
	}
}

func gemmGo(dst, a, b Mat, l layout, add bool) {
	if !add {
		dst.Zero()
	}
	k := a.Cols
	switch l {
	case aTransposed:
		k = a.Rows
	case bTransposed:
		s := getScratch(b.Rows * b.Cols)
		defer s.put()
		bt := Wrap(b.Cols, b.Rows, s.data)
		transposeGo(bt, b)
		b = bt
	}
	g := goProduct{dst: dst, a: a, b: b, k: k, transposed: l == aTransposed}
	if work := dst.Rows * dst.Cols * k; workers(work) > 1 {
		g.parallel(work)
		return
	}
	g.rows(0, dst.Rows)
}

type goProduct struct {
	dst, a, b  Mat
	k          int
	transposed bool
}

func (g goProduct) parallel(work int) { Parallel(g.dst.Rows, 4, work, g.rows) }

func (g goProduct) rows(from, to int) {
	for i := from; i < to; i++ {
		gemmRowGo(g.dst.Row(i), g.a, g.b, i, g.k, g.transposed)
	}
}

// gemmRowGo adds row i of a (column i when a is transposed) times b to out, four rows of b at a time.
func gemmRowGo(out []float32, a, b Mat, i, k int, transposed bool) {
	at := func(p int) float32 {
		if transposed {
			return a.Data[p*a.Stride+i]
		}
		return a.Data[i*a.Stride+p]
	}
	p := 0
	for ; p+4 <= k; p += 4 {
		a0, a1, a2, a3 := at(p), at(p+1), at(p+2), at(p+3)
		b0, b1, b2, b3 := b.Row(p)[:len(out)], b.Row(p + 1)[:len(out)], b.Row(p + 2)[:len(out)], b.Row(p + 3)[:len(out)]
		for j, v := range out {
			v += a0 * b0[j]
			v += a1 * b1[j]
			v += a2 * b2[j]
			v += a3 * b3[j]
			out[j] = v
		}
	}
	for ; p < k; p++ {
		axpyGo(out, b.Row(p)[:len(out)], at(p))
	}
}

func sparseRowGo(dst []float32, cols []int32, vals []float32, w Mat) {
	for e, c := range cols {
		vecAxpy(dst, w.Row(int(c)), vals[e])
	}
}

func sparseScatterGo(grad Mat, cols []int32, vals, dy []float32) {
	for e, c := range cols {
		vecAxpy(grad.Row(int(c)), dy, vals[e])
	}
}

func compressedMulGo(c *Compressed, dst, x Mat, add bool) {
	for i := range x.Rows {
		in, out := x.Row(i), dst.Row(i)
		for n, j := range c.place {
			var sum float32
			if add {
				sum = out[j]
			}
			for e := c.colPtr[n]; e < c.colPtr[n+1]; e++ {
				sum += c.val[e] * in[c.row[e]]
			}
			out[j] = sum
		}
	}
}

// tilesMulGo sets dst (+)= x·w, where the tiles ptr[j]..ptr[j+1] of w stand in column block j and row block block[t].
func tilesMulGo(dst, x Mat, w []float32, ptr, block []int32, add bool) {
	if !add {
		dst.Zero()
	}
	for j := range len(ptr) - 1 {
		from, to := j*Tile, min((j+1)*Tile, dst.Cols)
		for t := ptr[j]; t < ptr[j+1]; t++ {
			first := int(block[t]) * Tile
			depth := min(Tile, x.Cols-first)
			tile := Mat{Rows: depth, Cols: to - from, Stride: Tile, Data: w[int(t)*tileLen:]}
			for i := range dst.Rows {
				gemmRowGo(dst.Row(i)[from:to], x.SliceCols(first, first+depth), tile, i, depth, false)
			}
		}
	}
}

func tilesGradGo(dw []float32, x, dy Mat, p *Pattern) {
	for j := range len(p.colPtr) - 1 {
		from, to := j*Tile, min((j+1)*Tile, dy.Cols)
		for t := p.colPtr[j]; t < p.colPtr[j+1]; t++ {
			tile := dw[int(t)*tileLen : (int(t)+1)*tileLen]
			first := int(p.tileRow[t]) * Tile
			depth := min(Tile, x.Cols-first)
			xs := x.SliceCols(first, first+depth)
			for r := range depth {
				gemmRowGo(tile[r*Tile:r*Tile+to-from], xs, dy.SliceCols(from, to), r, x.Rows, true)
			}
		}
	}
}

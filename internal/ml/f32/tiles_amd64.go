//go:build amd64 && !purego

package f32

func tilesMul(dst, x Mat, w []float32, ptr, block []int32, add bool) {
	if !haveAVX2 {
		tilesMulGo(dst, x, w, ptr, block, add)
		return
	}
	p := tileProduct{dst: dst, x: x, w: w, ptr: ptr, block: block, add: add}
	work := dst.Rows * len(w)
	if workers(work) == 1 {
		p.rows(0, dst.Rows)
		return
	}
	Parallel(dst.Rows, 12, work, p.rows)
}

type tileProduct struct {
	dst, x     Mat
	w          []float32
	ptr, block []int32
	add        bool
}

// tileRows is how many rows of x are multiplied by all tiles before the next: they stay in the first-level cache.
const tileRows = 24

func (p tileProduct) rows(from, to int) {
	var spread *scratch
	if p.x.Stride%512 == 0 && to-from > 1 {
		spread = getScratch(tileRows * (p.x.Cols + Tile))
	}
	x := p.x
	for ; from < to; from += tileRows {
		rows := min(tileRows, to-from)
		p.x = x.SliceRows(from, from+rows)
		if spread != nil {
			p.x = spread.spread(p.x)
		}
		p.columns(from, rows)
	}
	if spread != nil {
		spread.put()
	}
}

// columns computes rows of dst that start at from; p.x holds their rows of x.
func (p *tileProduct) columns(from, rows int) {
	args := tileArgs{a: &p.x.Data[0], rs: uintptr(p.x.Stride) * 4, ldc: uintptr(p.dst.Stride) * 4, add: addFlag(p.add)}
	c := p.dst.Data[from*p.dst.Stride:]
	partial := int32(-1)
	if p.x.Cols%Tile > 0 {
		partial = int32(p.x.Cols / Tile)
	}
	for j := range len(p.ptr) - 1 {
		first, last := p.ptr[j], p.ptr[j+1]
		cols := min(Tile, p.dst.Cols-j*Tile)
		// A tile over the edge of x is the last of its column: it is a product of its own.
		edge := last > first && p.block[last-1] == partial
		if edge {
			last--
		}
		switch {
		case last > first:
			args.blocks, args.tiles, args.b, args.c = &p.block[first], uintptr(last-first), &p.w[int(first)*tileLen], &c[j*Tile]
			args.mask, args.masks = 1<<uint(cols)-1, &maskTable[32-cols]
			args.run(rows)
		case !p.add:
			p.dst.SliceRows(from, from+rows).SliceCols(j*Tile, j*Tile+cols).Zero()
		}
		if edge {
			rest := gemmArgs{a: &p.x.Data[int(partial)*Tile], rs: args.rs, cs: 4, k: uintptr(p.x.Cols % Tile),
				b: &p.w[int(last)*tileLen], bs: Tile * 4, c: &c[j*Tile], ldc: args.ldc, add: 1}
			runPanel(&rest, rows, cols)
		}
	}
}

// spread copies rows whose distance is a multiple of a cache way, so that they would push one another out of it.
func (s *scratch) spread(x Mat) Mat {
	out := Mat{Rows: x.Rows, Cols: x.Cols, Stride: x.Cols + Tile, Data: s.data}
	for i := range x.Rows {
		copy(out.Row(i), x.Row(i))
	}
	return out
}

// run computes one column block for a number of rows.
func (args *tileArgs) run(rows int) {
	args.offA, args.offC = 0, 0
	limit := 6
	if haveAVX512 {
		limit = 12
	}
	passes := (rows + limit - 1) / limit
	each, more := rows/passes, rows%passes
	if more > 0 {
		args.rows, args.passes = uintptr(each+1), uintptr(more)
		runTileKernel(args)
	}
	args.rows, args.passes = uintptr(each), uintptr(passes-more)
	runTileKernel(args)
}

func runTileKernel(args *tileArgs) {
	if haveAVX512 {
		tiles512(args)
	} else {
		tiles256(args)
	}
}

func tilesGrad(dw []float32, x, dy Mat, p *Pattern) {
	if !haveAVX2 {
		tilesGradGo(dw, x, dy, p)
		return
	}
	if x.Rows == 0 {
		return
	}
	g := tileGradient{dw: dw, x: x, dy: dy, p: p}
	if workers(x.Rows*len(dw)) == 1 {
		g.columns(0, blocks(p.Cols))
		return
	}
	Parallel(blocks(p.Cols), 1, x.Rows*len(dw), g.columns)
}

type tileGradient struct {
	dw    []float32
	x, dy Mat
	p     *Pattern
}

// columns adds to the tiles of the column blocks from <= j < to. dy's columns are packed: all tiles of a block read
// them, and AVX2 may read over their edge.
func (g tileGradient) columns(from, to int) {
	s := getScratch(g.x.Rows * Tile)
	for j := from; j < to; j++ {
		cols := min(Tile, g.dy.Cols-j*Tile)
		packPanel(s.data, Tile, g.dy, 0, g.dy.Rows, j*Tile, j*Tile+cols, false)
		for t := g.p.colPtr[j]; t < g.p.colPtr[j+1]; t++ {
			first := int(g.p.tileRow[t]) * Tile
			args := gemmArgs{a: &g.x.Data[first], rs: 4, cs: uintptr(g.x.Stride) * 4, k: uintptr(g.x.Rows),
				b: &s.data[0], bs: Tile * 4, c: &g.dw[int(t)*tileLen], ldc: Tile * 4, add: 1}
			runPanel(&args, min(Tile, g.x.Cols-first), cols)
		}
	}
	s.put()
}

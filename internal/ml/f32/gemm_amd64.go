//go:build amd64 && !purego

package f32

// The products with assembly, after Goto and van de Geijn (Anatomy of high-performance matrix multiplication, 2008):
// blocks of b are packed into panels as wide as a kernel, and every kernel call makes one panel's columns of all rows.
// Rows and columns of a are read where they are.

const (
	blockDepth = 512 // rows of b that are packed at a time
	blockCols  = 256 // columns of b that are packed at a time
	// directRows is the number of rows of a up to which b is read where it is.
	directRows = 24
	// dotRows is the same for a transposed b.
	dotRows = 4
)

func gemm(dst, a, b Mat, l layout, add bool) {
	if !haveAVX2 {
		gemmGo(dst, a, b, l, add)
		return
	}
	p := product{dst: dst, a: a, b: b, k: a.Cols, l: l, add: add, panel: 16}
	if haveAVX512 {
		p.panel = 32
	}
	if l == aTransposed {
		p.k = a.Rows
	}
	switch {
	case dst.Rows == 0 || dst.Cols == 0:
	case p.k == 0:
		if !add {
			dst.Zero()
		}
	case dst.Rows <= directRows && l != bTransposed:
		p.direct()
	case dst.Rows <= dotRows && l == bTransposed:
		p.dots()
	default:
		p.packed()
	}
}

// dots computes few rows of a product with a transposed b, whose rows lie along those of a.
func (p product) dots() {
	for i := range p.dst.Rows {
		x, out := p.a.Row(i), p.dst.Row(i)
		for j := range out {
			sum := vecDot(x, p.b.Row(j))
			if p.add {
				sum += out[j]
			}
			out[j] = sum
		}
	}
}

type product struct {
	dst, a, b Mat
	k         int
	l         layout
	add       bool
	panel     int // columns of a panel
	skip      int // first row of b whose column or row of a is in a
}

func (p product) work() int { return p.dst.Rows * p.dst.Cols * p.k }

// operand fills in where a and its rows are.
func (p *product) operand(args *gemmArgs, row, depth int) {
	if p.l == aTransposed {
		args.a = &p.a.Data[depth*p.a.Stride+row]
		args.rs, args.cs = 4, uintptr(p.a.Stride)*4
		return
	}
	args.a = &p.a.Data[row*p.a.Stride+depth]
	args.rs, args.cs = uintptr(p.a.Stride)*4, 4
}

// direct computes few rows without packing b.
func (p product) direct() {
	if workers(p.work()) == 1 {
		p.directCols(0, p.dst.Cols)
		return
	}
	Parallel(p.dst.Cols, 2*p.panel, p.work(), p.directCols)
}

func (p product) directCols(from, to int) {
	wide := p.panel
	if p.dst.Rows <= p.panel/16*3 {
		wide *= 2
	}
	var args gemmArgs
	for j := from; j < to; j += wide {
		cols := min(wide, to-j)
		p.operand(&args, 0, 0)
		args.k = uintptr(p.k)
		args.b, args.bs = &p.b.Data[j], uintptr(p.b.Stride)*4
		args.c, args.ldc = &p.dst.Data[j], uintptr(p.dst.Stride)*4
		args.add = addFlag(p.add)
		if haveAVX512 || cols%8 == 0 {
			runPanel(&args, p.dst.Rows, cols)
			continue
		}
		p.directEdge(&args, j, cols)
	}
}

// directEdge is for AVX2, which would read over the edge of b: the last columns are packed.
func (p product) directEdge(args *gemmArgs, j, cols int) {
	width := (cols + 7) &^ 7
	s := getScratch(width * p.k)
	packPanel(s.data, width, p.b, 0, p.k, j, j+cols, false)
	args.b, args.bs = &s.data[0], uintptr(width)*4
	runPanel(args, p.dst.Rows, cols)
	s.put()
}

// packed packs blocks of b and multiplies all rows of a by each.
func (p product) packed() {
	depth, cols := min(p.k, blockDepth), min(p.dst.Cols, blockCols)
	s := getScratch(depth * (cols + p.panel))
	whole, spread := p.a, (*scratch)(nil)
	if p.l == aTransposed && whole.Stride%512 == 0 {
		spread = getScratch(depth * (whole.Cols + Tile))
	}
	for d := 0; d < p.k; d += blockDepth {
		if spread != nil {
			// The rows of a would push one another out of the cache where they are.
			p.a, p.skip = spread.spread(whole.SliceRows(d, min(d+blockDepth, p.k))), d
		}
		for j := 0; j < p.dst.Cols; j += blockCols {
			blk := block{product: p, packed: s.data, fromK: d, toK: min(d+blockDepth, p.k), fromJ: j, toJ: min(j+blockCols, p.dst.Cols)}
			blk.run()
		}
	}
	s.put()
	if spread != nil {
		spread.put()
	}
}

// block is the share of a packed block of b in a product.
type block struct {
	product
	packed                 []float32
	fromK, toK, fromJ, toJ int
}

func (b block) run() {
	work := b.dst.Rows * (b.toJ - b.fromJ) * (b.toK - b.fromK)
	if workers(work) == 1 {
		b.pack(0, b.toJ-b.fromJ)
		b.rows(0, b.dst.Rows)
		return
	}
	Parallel(b.toJ-b.fromJ, b.panel, work, b.pack)
	Parallel(b.dst.Rows, 12, work, b.rows)
}

// pack packs the columns from <= j < to of the block.
func (b block) pack(from, to int) {
	depth := b.toK - b.fromK
	for j := b.fromJ + from; j < b.fromJ+to; j += b.panel {
		out := b.packed[(j-b.fromJ)*depth:]
		packPanel(out, b.panel, b.b, b.fromK, b.toK, j, min(j+b.panel, b.toJ), b.l == bTransposed)
	}
}

func (b block) rows(from, to int) {
	depth := b.toK - b.fromK
	var args gemmArgs
	for j := b.fromJ; j < b.toJ; j += b.panel {
		b.operand(&args, from, b.fromK-b.skip)
		args.k = uintptr(depth)
		args.b, args.bs = &b.packed[(j-b.fromJ)*depth], uintptr(b.panel)*4
		args.c, args.ldc = &b.dst.Data[from*b.dst.Stride+j], uintptr(b.dst.Stride)*4
		args.add = addFlag(b.add || b.fromK > 0)
		runPanel(&args, to-from, min(b.panel, b.toJ-j))
	}
}

func addFlag(add bool) uintptr {
	if add {
		return 1
	}
	return 0
}

// packPanel copies the rows fromK <= p < toK, columns from <= j < to, of b (its transposed when transposed) to rows of
// width elements.
func packPanel(out []float32, width int, b Mat, fromK, toK, from, to int, transposed bool) {
	panel := Mat{Rows: toK - fromK, Cols: to - from, Stride: width, Data: out}
	if transposed {
		rows := b.SliceRows(from, to).SliceCols(fromK, toK)
		if rows.Rows >= 8 {
			transpose(panel, rows)
			return
		}
		s := getScratch(8 * rows.Cols)
		raise(out, width, rows, s.data)
		s.put()
		return
	}
	if to-from == width && width%16 == 0 {
		copyPanel(&out[0], &b.Data[fromK*b.Stride+from], toK-fromK, uintptr(b.Stride)*4, width/16)
		return
	}
	for i := range panel.Rows {
		copy(panel.Row(i), b.Data[(fromK+i)*b.Stride+from:])
	}
}

// runPanel multiplies rows rows of a by a panel of b, in passes of about the same number of rows.
func runPanel(args *gemmArgs, rows, cols int) {
	vecs, limit := kernelFor(cols)
	args.mask = 1<<uint(cols) - 1
	args.masks = &maskTable[32-min(cols, 32)]
	args.offA, args.offC = 0, 0
	passes := (rows + limit - 1) / limit
	each, more := rows/passes, rows%passes
	if more > 0 {
		args.rows, args.passes = uintptr(each+1), uintptr(more)
		runKernel(args, vecs)
	}
	args.rows, args.passes = uintptr(each), uintptr(passes-more)
	runKernel(args, vecs)
}

// kernelFor returns how many vectors the kernel for a panel has, and its largest number of rows.
func kernelFor(cols int) (vecs, limit int) {
	if haveAVX512 {
		switch {
		case cols <= 16:
			return 1, 16
		case cols <= 32:
			return 2, 12
		}
		return 4, 6
	}
	switch {
	case cols <= 8:
		return 1, 6
	case cols <= 16:
		return 2, 6
	}
	return 4, 2
}

func runKernel(args *gemmArgs, vecs int) {
	switch {
	case haveAVX512 && vecs == 1:
		gemm512x1(args)
	case haveAVX512 && vecs == 2:
		gemm512x2(args)
	case haveAVX512:
		gemm512x4(args)
	case vecs == 1:
		gemm256x1(args)
	case vecs == 2:
		gemm256x2(args)
	default:
		gemm256x4(args)
	}
}

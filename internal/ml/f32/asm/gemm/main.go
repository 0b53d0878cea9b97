// Command gemm writes the inner loops of the matrix products: gemm_amd64.s and its stubs.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of gemmArgs and tileArgs, whose first fields are the same.
const (
	argA      = 0
	argRS     = 8
	argCS     = 16
	argK      = 24
	argB      = 32
	argBS     = 40
	argC      = 48
	argLDC    = 56
	argRows   = 64
	argPasses = 72
	argAdd    = 80
	argMask   = 88
	argMasks  = 96
	argOffA   = 104
	argOffC   = 112

	// tileArgs: argK counts tiles, and instead of argCS there are the tiles' blocks.
	argBlocks = argCS
)

// isa is a set of instructions: registers, and how an accumulator moves and multiplies.
type isa struct {
	name   string
	bytes  int
	vector func(i int) reg.VecPhysical
}

var (
	avx512 = isa{name: "512", bytes: 64, vector: func(i int) reg.VecPhysical {
		return []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10,
			reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15, reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22,
			reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}[i]
	}}
	avx2 = isa{name: "256", bytes: 32, vector: func(i int) reg.VecPhysical {
		return []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10,
			reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}[i]
	}}
)

var masks = []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4}

func main() {
	ConstraintExpr("amd64,!purego")
	kernel{isa: avx512, vecs: 4, maxRows: 6}.products()
	kernel{isa: avx512, vecs: 2, maxRows: 12}.products()
	kernel{isa: avx512, vecs: 1, maxRows: 16}.products()
	kernel{isa: avx2, vecs: 4, maxRows: 2}.products()
	kernel{isa: avx2, vecs: 2, maxRows: 6}.products()
	kernel{isa: avx2, vecs: 1, maxRows: 6}.products()
	kernel{isa: avx512, vecs: 1, maxRows: 12}.tiles()
	kernel{isa: avx2, vecs: 2, maxRows: 6}.tiles()
	compressed(avx512)
	compressed(avx2)
	peak(avx512)
	peak(avx2)
	Generate()
}

// kernel is a family of loops: rows x vecs accumulators, for 1 <= rows <= maxRows.
type kernel struct {
	isa
	vecs, maxRows int
}

func (g kernel) acc(row, vec int) reg.VecPhysical { return g.vector(row*g.vecs + vec) }

// b and broadcast are the registers behind the accumulators of the largest loop.
func (g kernel) b(vec int) reg.VecPhysical { return g.vector(g.maxRows*g.vecs + vec) }

func (g kernel) broadcast(row int) reg.VecPhysical {
	free := g.bytes/2 - g.maxRows*g.vecs - g.vecs
	return g.vector(g.maxRows*g.vecs + g.vecs + row%min(free, 4))
}

// pointers are the addresses of every third row of a; a row is one of them plus 0, 1 or 2 strides.
type pointers struct {
	base   []reg.GPVirtual
	stride reg.GPVirtual
}

func loadPointers(args Mem, rows int) pointers {
	p := pointers{stride: GP64()}
	MOVQ(args.Offset(argRS), p.stride)
	for i := 0; i < rows; i += 3 {
		r := GP64()
		if i == 0 {
			MOVQ(args.Offset(argA), r)
			ADDQ(args.Offset(argOffA), r)
		} else {
			LEAQ(Mem{Base: p.base[len(p.base)-1], Index: p.stride, Scale: 2}, r)
			ADDQ(p.stride, r)
		}
		p.base = append(p.base, r)
	}
	return p
}

func (p pointers) row(i int) Mem {
	m := Mem{Base: p.base[i/3]}
	if i%3 > 0 {
		m.Index, m.Scale = p.stride, uint8(i%3)
	}
	return m
}

// products writes a function that computes `passes` times `rows` rows of a panel of vecs vectors.
func (g kernel) products() {
	TEXT(fmt.Sprintf("gemm%sx%d", g.name, g.vecs), NOSPLIT, "func(args *byte)")
	args := Mem{Base: Load(Param("args"), GP64())}
	g.loadMasks(args)
	g.forRows(args, func(rows int, label string) {
		Label("pass" + label)
		g.loadC(args, rows, label)
		a := loadPointers(args, rows)
		k, b, bs, cs := GP64(), GP64(), GP64(), GP64()
		MOVQ(args.Offset(argK), k)
		MOVQ(args.Offset(argB), b)
		MOVQ(args.Offset(argBS), bs)
		MOVQ(args.Offset(argCS), cs)
		Label("k" + label)
		g.step(rows, func(row int) Mem { return a.row(row) }, Mem{Base: b}, true)
		for _, p := range a.base {
			ADDQ(cs, p)
		}
		ADDQ(bs, b)
		DECQ(k)
		JNZ(LabelRef("k" + label))
		g.storeC(args, rows)
		g.nextPass(args, rows, label)
	})
}

// tiles writes a function as products does, for a panel of 16 columns whose k runs over tiles: argK of them, 16 rows each
// next to one another at b, the columns of a they stand for in argBlocks. Rows of a have their elements side by side.
func (g kernel) tiles() {
	TEXT("tiles"+g.name, NOSPLIT, "func(args *byte)")
	args := Mem{Base: Load(Param("args"), GP64())}
	g.loadMasks(args)
	const unroll = 4
	g.forRows(args, func(rows int, label string) {
		Label("pass" + label)
		g.loadC(args, rows, label)
		b, blocks, n, steps := GP64(), GP64(), GP64(), GP64()
		MOVQ(args.Offset(argK), n)
		MOVQ(args.Offset(argB), b)
		MOVQ(args.Offset(argBlocks), blocks)
		Label("tile" + label)
		a := loadPointers(args, rows)
		MOVLQSX(Mem{Base: blocks}, steps)
		ADDQ(Imm(4), blocks)
		SHLQ(Imm(6), steps)
		for _, p := range a.base {
			ADDQ(steps, p)
		}
		MOVQ(U32(16/unroll), steps)
		Label("k" + label)
		for u := range unroll {
			g.step(rows, func(row int) Mem { return a.row(row).Offset(4 * u) }, Mem{Base: b}.Offset(64*u), false)
		}
		for _, p := range a.base {
			ADDQ(Imm(4*unroll), p)
		}
		ADDQ(U32(64*unroll), b)
		DECQ(steps)
		JNZ(LabelRef("k" + label))
		DECQ(n)
		JNZ(LabelRef("tile" + label))
		g.storeC(args, rows)
		g.nextPass(args, rows, label)
	})
}

// step adds column k of a times row k of b to the accumulators.
func (g kernel) step(rows int, a func(row int) Mem, b Mem, masked bool) {
	for v := range g.vecs {
		if masked && g.bytes == 64 {
			VMOVUPS_Z(b.Offset(v*g.bytes), masks[v], g.b(v))
		} else {
			VMOVUPS(b.Offset(v*g.bytes), g.b(v))
		}
	}
	for row := range rows {
		if g.vecs == 1 && g.bytes == 64 {
			VFMADD231PS_BCST(a(row), g.b(0), g.acc(row, 0))
			continue
		}
		x := g.broadcast(row)
		VBROADCASTSS(a(row), x)
		for v := range g.vecs {
			VFMADD231PS(g.b(v), x, g.acc(row, v))
		}
	}
}

// loadMasks fetches which columns of the panel exist; AVX2 fetches them again at each use.
func (g kernel) loadMasks(args Mem) {
	if g.bytes != 64 {
		return
	}
	bits := GP64()
	MOVQ(args.Offset(argMask), bits)
	for v := range g.vecs {
		KMOVW(bits.As32(), masks[v])
		SHRQ(Imm(16), bits)
	}
}

// forRows writes the code for every number of rows, and the choice among them.
func (g kernel) forRows(args Mem, code func(rows int, label string)) {
	n := GP64()
	MOVQ(args.Offset(argRows), n)
	for rows := g.maxRows; rows > 1; rows-- {
		CMPQ(n, Imm(uint64(rows)))
		JEQ(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	for rows := 1; rows <= g.maxRows; rows++ {
		Label(fmt.Sprintf("rows%d", rows))
		code(rows, fmt.Sprint(rows))
	}
}

func (g kernel) loadC(args Mem, rows int, label string) {
	add := GP64()
	MOVQ(args.Offset(argAdd), add)
	TESTQ(add, add)
	JZ(LabelRef("zero" + label))
	g.eachC(args, rows, func(c Mem, v int, acc reg.VecPhysical, mask Op) {
		if g.bytes == 64 {
			VMOVUPS_Z(c, mask, acc)
		} else {
			VMASKMOVPS(c, mask, acc)
		}
	})
	JMP(LabelRef("start" + label))
	Label("zero" + label)
	for row := range rows {
		for v := range g.vecs {
			if g.bytes == 64 {
				VPXORD(g.acc(row, v), g.acc(row, v), g.acc(row, v))
			} else {
				VXORPS(g.acc(row, v), g.acc(row, v), g.acc(row, v))
			}
		}
	}
	Label("start" + label)
}

func (g kernel) storeC(args Mem, rows int) {
	g.eachC(args, rows, func(c Mem, v int, acc reg.VecPhysical, mask Op) {
		if g.bytes == 64 {
			VMOVUPS(acc, mask, c)
		} else {
			VMASKMOVPS(acc, mask, c)
		}
	})
}

func (g kernel) eachC(args Mem, rows int, f func(c Mem, v int, acc reg.VecPhysical, mask Op)) {
	c, ldc, table := GP64(), GP64(), GP64()
	MOVQ(args.Offset(argLDC), ldc)
	for v := range g.vecs {
		MOVQ(args.Offset(argC), c)
		ADDQ(args.Offset(argOffC), c)
		var mask Op = masks[v]
		if g.bytes != 64 {
			MOVQ(args.Offset(argMasks), table)
			mask = g.broadcast(0)
			VMOVUPS(Mem{Base: table}.Offset(v*g.bytes), mask)
		}
		for row := range rows {
			f(Mem{Base: c}.Offset(v*g.bytes), v, g.acc(row, v), mask)
			if row < rows-1 {
				ADDQ(ldc, c)
			}
		}
	}
}

// nextPass moves on by rows rows and repeats, or returns. It changes offsets: a pointer behind the end of an allocation
// would be a fault to the garbage collector.
func (g kernel) nextPass(args Mem, rows int, label string) {
	for _, f := range [][2]int{{argOffA, argRS}, {argOffC, argLDC}} {
		stride := GP64()
		MOVQ(args.Offset(f[1]), stride)
		IMUL3Q(Imm(uint64(rows)), stride, stride)
		ADDQ(stride, args.Offset(f[0]))
	}
	DECQ(args.Offset(argPasses))
	JNZ(LabelRef("pass" + label))
	VZEROUPPER()
	RET()
}

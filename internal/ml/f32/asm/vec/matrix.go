package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// moves are the copies that pack operands.
func moves() {
	// width16 is the panel's width in 16 elements: 1 or 2.
	function("copyPanel", "(dst, src *float32, rows int, stride uintptr, width16 int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	rows, stride, wide := Load(Param("rows"), GP64()), Load(Param("stride"), GP64()), Load(Param("width16"), GP64())
	copyRow := func(vectors int) {
		for i := range vectors {
			v := YMM()
			VMOVUPS(Mem{Base: src}.Offset(32*i), v)
			VMOVUPS(v, Mem{Base: dst}.Offset(32*i))
		}
		ADDQ(stride, src)
		ADDQ(U32(uint32(32*vectors)), dst)
		DECQ(rows)
	}
	CMPQ(wide, Imm(1))
	JEQ(LabelRef("narrow"))
	Label("wide")
	copyRow(4)
	JNZ(LabelRef("wide"))
	end()
	Label("narrow")
	copyRow(2)
	JNZ(LabelRef("narrow"))
	end()

	transposeStrip()
}

// transposeStrip transposes n blocks of 8x8: src's go down by 8 rows, dst's to the right by 8 columns.
func transposeStrip() {
	function("transposeAVX", "(dst *float32, dstStride uintptr, src *float32, srcStride uintptr, n int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	dstStride, srcStride := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
	n := Load(Param("n"), GP64())
	Label("block")
	var r [8]vec
	p := GP64()
	MOVQ(src, p)
	for i := range r {
		r[i] = YMM()
		VMOVUPS(Mem{Base: p}, r[i])
		ADDQ(srcStride, p)
	}
	MOVQ(p, src)
	var t, s, out [8]vec
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = YMM(), YMM()
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for j := range 4 {
			s[i+j] = YMM()
		}
		VSHUFPS(Imm(0x44), t[i+2], t[i], s[i])
		VSHUFPS(Imm(0xee), t[i+2], t[i], s[i+1])
		VSHUFPS(Imm(0x44), t[i+3], t[i+1], s[i+2])
		VSHUFPS(Imm(0xee), t[i+3], t[i+1], s[i+3])
	}
	for i := range 4 {
		out[i], out[i+4] = YMM(), YMM()
		VPERM2F128(Imm(0x20), s[i+4], s[i], out[i])
		VPERM2F128(Imm(0x31), s[i+4], s[i], out[i+4])
	}
	MOVQ(dst, p)
	for i := range out {
		VMOVUPS(out[i], Mem{Base: p})
		if i < 7 {
			ADDQ(dstStride, p)
		}
	}
	ADDQ(Imm(32), dst)
	DECQ(n)
	JNZ(LabelRef("block"))
	end()
}

// sparse writes the products of a sparse row. w and grad have rows of `stride` bytes; n elements of them are used.
func sparse() {
	strips("sparseRowAVX", "(dst []float32, cols []int32, vals *float32, w *float32, stride uintptr)",
		func(vectors int, s *strip) {
			acc := s.load(s.row, vectors)
			s.entries(func(at reg.Register, val vec) {
				for i := range vectors {
					if s.mask == nil {
						VFMADD231PS(Mem{Base: at}.Offset(32*i), val, acc[i])
						continue
					}
					x := YMM()
					VMASKMOVPS(Mem{Base: at}, s.mask, x)
					VFMADD231PS(x, val, acc[i])
				}
			})
			s.save(s.row, acc)
		})
	strips("sparseScatterAVX", "(dst []float32, cols []int32, vals *float32, w *float32, stride uintptr)",
		func(vectors int, s *strip) {
			dy := s.load(s.row, vectors)
			s.entries(func(at reg.Register, val vec) {
				sum := s.load(at, vectors)
				for i := range sum {
					VFMADD231PS(dy[i], val, sum[i])
				}
				s.save(at, sum)
			})
		})
}

// strip is some columns of the dense operands of a sparse row.
type strip struct {
	label                                 string
	row, cols, count, vals, table, stride reg.Register
	mask                                  vec
}

// strips writes body for strips of 8 vectors, one vector, and the columns left.
func strips(name, signature string, body func(vectors int, s *strip)) {
	function(name, signature)
	s := &strip{row: Load(Param("dst").Base(), GP64()), cols: Load(Param("cols").Base(), GP64()), count: Load(Param("cols").Len(), GP64()),
		vals: Load(Param("vals"), GP64()), table: Load(Param("w"), GP64()), stride: Load(Param("stride"), GP64())}
	n := Load(Param("dst").Len(), GP64())
	part := func(label string, vectors int) {
		s.label = label
		Label(label)
		SUBQ(Imm(uint64(vectors*width)), n)
		JLT(LabelRef(label + "_end"))
		body(vectors, s)
		ADDQ(U32(uint32(32*vectors)), s.row)
		ADDQ(U32(uint32(32*vectors)), s.table)
		JMP(LabelRef(label))
		Label(label + "_end")
		ADDQ(Imm(uint64(vectors*width)), n)
	}
	part("eight", 8)
	part("one", 1)
	TESTQ(n, n)
	JZ(LabelRef("done"))
	table := GP64()
	LEAQ(NewDataAddr(Symbol{Name: "masks", Static: true}, 32), table)
	SHLQ(Imm(2), n)
	SUBQ(n, table)
	s.label, s.mask = "tail", YMM()
	VMOVUPS(Mem{Base: table}, s.mask)
	body(1, s)
	s.mask = nil
	Label("done")
	end()
}

// entries writes a loop over the row's entries; at is the address of the entry's row in the table.
func (s *strip) entries(body func(at reg.Register, val vec)) {
	e, at, val := GP64(), GP64(), YMM()
	XORQ(e, e)
	Label(s.label + "_entry")
	CMPQ(e, s.count)
	JGE(LabelRef(s.label + "_row"))
	MOVLQSX(Mem{Base: s.cols, Index: e, Scale: 4}, at)
	IMULQ(s.stride, at)
	ADDQ(s.table, at)
	VBROADCASTSS(Mem{Base: s.vals, Index: e, Scale: 4}, val)
	body(at, val)
	INCQ(e)
	JMP(LabelRef(s.label + "_entry"))
	Label(s.label + "_row")
}

func (s *strip) load(from reg.Register, vectors int) []vec {
	out := make([]vec, vectors)
	for i := range out {
		out[i] = YMM()
		if s.mask != nil {
			VMASKMOVPS(Mem{Base: from}, s.mask, out[i])
		} else {
			VMOVUPS(Mem{Base: from}.Offset(32*i), out[i])
		}
	}
	return out
}

func (s *strip) save(to reg.Register, v []vec) {
	for i := range v {
		if s.mask != nil {
			VMASKMOVPS(v[i], s.mask, Mem{Base: to})
		} else {
			VMOVUPS(v[i], Mem{Base: to}.Offset(32*i))
		}
	}
}

// random writes drop-out masks for whole steps of 16 elements.
func random() {
	function("dropoutAVX", "(state *uint32, mask []float32, threshold uint32, keep float32)")
	state, mask, n := Load(Param("state"), GP64()), Load(Param("mask").Base(), GP64()), Load(Param("mask").Len(), GP64())
	keep := param("keep")
	x, limit := XMM(), YMM()
	threshold := Load(Param("threshold"), GP32())
	DECL(threshold)
	VMOVD(threshold, x)
	VPBROADCASTD(x, limit)
	var s [4]vec
	for i := range s {
		s[i] = YMM()
		VMOVDQU(Mem{Base: state}.Offset(32*i), s[i])
	}
	Label("step")
	SUBQ(Imm(16), n)
	JLT(LabelRef("done"))
	sum, t, low := YMM(), YMM(), YMM()
	VPADDD(s[3], s[0], sum)
	VPSLLD(Imm(9), s[1], t)
	VPXOR(s[0], s[2], s[2])
	VPXOR(s[1], s[3], s[3])
	VPXOR(s[2], s[1], s[1])
	VPXOR(s[3], s[0], s[0])
	VPXOR(t, s[2], s[2])
	VPSLLD(Imm(11), s[3], t)
	VPSRLD(Imm(21), s[3], s[3])
	VPOR(t, s[3], s[3])
	VPAND(bits(0xffff), sum, low)
	VPSRLD(Imm(16), sum, sum)
	for i, v := range []vec{low, sum} {
		VPCMPGTD(limit, v, v) // v > threshold-1
		VANDPS(keep, v, v)
		VMOVUPS(v, Mem{Base: mask}.Offset(32*i))
	}
	ADDQ(Imm(64), mask)
	JMP(LabelRef("step"))
	Label("done")
	for i := range s {
		VMOVDQU(s[i], Mem{Base: state}.Offset(32*i))
	}
	end()
}

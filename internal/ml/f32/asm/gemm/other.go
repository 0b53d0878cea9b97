package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// compressed writes the product with weights in columns without zeros: x holds the rows of the left matrix side by
// side, a vector an element; each column's terms, a multiple of four, go to four sums in turn. place says where each
// column's sum belongs.
func compressed(g isa) {
	TEXT("compressed"+g.name, NOSPLIT, "func(out, x *float32, colPtr, place *int32, cols int, row *uint16, val *float32)")
	out, x := Load(Param("out"), GP64()), Load(Param("x"), GP64())
	ptr, place, cols := Load(Param("colPtr"), GP64()), Load(Param("place"), GP64()), Load(Param("cols"), GP64())
	row, val := Load(Param("row"), GP64()), Load(Param("val"), GP64())
	shift := uint64(6)
	if g.bytes == 32 {
		shift = 5
	}
	e, end := GP64(), GP64()
	term := func(i int) {
		at := GP64()
		MOVWQZX(Mem{Base: row, Index: e, Scale: 2}.Offset(2*i), at)
		SHLQ(Imm(shift), at)
		VBROADCASTSS(Mem{Base: val, Index: e, Scale: 4}.Offset(4*i), g.vector(4+i))
		VFMADD231PS(Mem{Base: x, Index: at, Scale: 1}, g.vector(4+i), g.vector(i))
	}
	MOVLQSX(Mem{Base: ptr}, e)
	Label("column")
	MOVLQSX(Mem{Base: ptr}.Offset(4), end)
	ADDQ(Imm(4), ptr)
	for i := range 4 {
		VXORPS(g.vector(i).AsX(), g.vector(i).AsX(), g.vector(i).AsX())
	}
	Label("four")
	CMPQ(e, end)
	JGE(LabelRef("store"))
	for i := range 4 {
		term(i)
	}
	ADDQ(Imm(4), e)
	JMP(LabelRef("four"))
	Label("store")
	at := GP64()
	MOVLQSX(Mem{Base: place}, at)
	ADDQ(Imm(4), place)
	SHLQ(Imm(shift), at)
	VADDPS(g.vector(1), g.vector(0), g.vector(0))
	VADDPS(g.vector(3), g.vector(2), g.vector(2))
	VADDPS(g.vector(2), g.vector(0), g.vector(0))
	VMOVUPS(g.vector(0), Mem{Base: out, Index: at, Scale: 1})
	DECQ(cols)
	JNZ(LabelRef("column"))
	VZEROUPPER()
	RET()
}

// peak writes a loop of independent multiply-adds: 12 of them, n times.
func peak(g isa) {
	TEXT("peak"+g.name, NOSPLIT, "func(n int)")
	n := Load(Param("n"), GP64())
	for i := range 14 {
		VXORPS(g.vector(i).AsX(), g.vector(i).AsX(), g.vector(i).AsX())
	}
	Label("loop")
	for i := range 12 {
		VFMADD231PS(g.vector(12), g.vector(13), g.vector(i))
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

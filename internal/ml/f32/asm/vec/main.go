// Command vec writes the vector operations: vec_amd64.s.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const width = 8 // elements of a vector

func main() {
	ConstraintExpr("amd64,!purego")
	maskData()
	arithmetic()
	activations()
	reductions()
	norms()
	adam()
	moves()
	sparse()
	random()
	Generate()
}

// vec is a vector register.
type vec = reg.VecVirtual

// loop is the frame of an operation on vectors of one length: pointers that advance together.
type loop struct {
	n    reg.GPVirtual
	ptrs map[string]reg.GPVirtual
	mask vec // set in the tail only
}

// each writes body for unrolled groups of vectors, single vectors, and the elements that are left, with a mask. Parameters:
// slices whose data pointers are named; the length is that of the first.
func each(names []string, unroll int, body func(l *loop, u int)) {
	l := &loop{ptrs: map[string]reg.GPVirtual{}}
	for i, name := range names {
		l.ptrs[name] = Load(Param(name).Base(), GP64()).(reg.GPVirtual)
		if i == 0 {
			l.n = Load(Param(name).Len(), GP64()).(reg.GPVirtual)
		}
	}
	part := func(label string, units int) {
		Label(label)
		SUBQ(Imm(uint64(units*width)), l.n)
		JLT(LabelRef(label + "_end"))
		for u := range units {
			body(l, u)
		}
		for _, name := range names {
			ADDQ(U32(uint32(units*width*4)), l.ptrs[name])
		}
		JMP(LabelRef(label))
		Label(label + "_end")
		ADDQ(Imm(uint64(units*width)), l.n)
	}
	if unroll > 1 {
		part("many", unroll)
	}
	part("one", 1)
	TESTQ(l.n, l.n)
	JZ(LabelRef("done"))
	table := GP64()
	LEAQ(NewDataAddr(Symbol{Name: "masks", Static: true}, 32), table)
	SHLQ(Imm(2), l.n)
	SUBQ(l.n, table)
	l.mask = YMM()
	VMOVUPS(Mem{Base: table}, l.mask)
	body(l, 0)
	l.mask = nil
	Label("done")
}

// load returns vector u of a slice; lanes that do not exist are 0.
func (l *loop) load(name string, u int) vec {
	v := YMM()
	from := Mem{Base: l.ptrs[name]}.Offset(32 * u)
	if l.mask != nil {
		VMASKMOVPS(from, l.mask, v)
	} else {
		VMOVUPS(from, v)
	}
	return v
}

func (l *loop) store(name string, u int, v vec) {
	to := Mem{Base: l.ptrs[name]}.Offset(32 * u)
	if l.mask != nil {
		VMASKMOVPS(v, l.mask, to)
	} else {
		VMOVUPS(v, to)
	}
}

// only zeroes the lanes of v that do not exist.
func (l *loop) only(v vec) vec {
	if l.mask != nil {
		VANDPS(l.mask, v, v)
	}
	return v
}

// maskData is eight ones and eight zeros; a load that ends n ones in is the mask of n lanes.
func maskData() {
	GLOBL("masks", RODATA|NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = math.MaxUint32
		}
		DATA(4*i, U32(v))
	}
}

var constants = map[uint32]Mem{}

// constant returns a vector of one value in memory.
func constant(v float64) Mem { return bits(math.Float32bits(float32(v))) }

func bits(b uint32) Mem {
	if m, ok := constants[b]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("c%08x", b), RODATA|NOPTR)
	for i := range width {
		DATA(4*i, U32(b))
	}
	constants[b] = m
	return m
}

// param returns a vector of a float32 parameter.
func param(name string) vec {
	x := XMM()
	Load(Param(name), x)
	y := YMM()
	VBROADCASTSS(x, y)
	return y
}

func zeroed() vec {
	v := YMM()
	VXORPS(v, v, v)
	return v
}

func function(name, signature string) { TEXT(name, NOSPLIT, "func"+signature) }

func end() {
	VZEROUPPER()
	RET()
}

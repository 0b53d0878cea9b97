//go:build amd64 && !purego

package f32

import "golang.org/x/sys/cpu"

//go:generate go -C asm run ./gemm -out ../gemm_amd64.s
//go:generate go -C asm run ./vec -out ../vec_amd64.s

// What this processor can do. Tests switch them off to see the other paths.
var (
	haveAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA
	haveAVX512 = haveAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ
)

// gemmArgs is read and changed by assembly: asm/gemm knows the places of the fields.
type gemmArgs struct {
	a          *float32
	rs, cs     uintptr // bytes from a row of a to the next, and from a column
	k          uintptr
	b          *float32
	bs         uintptr // bytes from a row of b to the next
	c          *float32
	ldc        uintptr // bytes from a row of c to the next
	rows       uintptr // of one pass
	passes     uintptr
	add        uintptr
	mask       uintptr // a bit for each column of the panel that exists
	masks      *int32  // for AVX2: -1 for each column that exists
	offA, offC uintptr // bytes from a and c to the rows of the next pass
}

// tileArgs is gemmArgs for a column block of tiles.
type tileArgs struct {
	a          *float32
	rs         uintptr
	blocks     *int32 // the row blocks of the tiles
	tiles      uintptr
	b          *float32
	_          uintptr
	c          *float32
	ldc        uintptr
	rows       uintptr
	passes     uintptr
	add        uintptr
	mask       uintptr
	masks      *int32
	offA, offC uintptr
}

//go:noescape
func gemm512x4(args *gemmArgs)

//go:noescape
func gemm512x2(args *gemmArgs)

//go:noescape
func gemm512x1(args *gemmArgs)

//go:noescape
func gemm256x4(args *gemmArgs)

//go:noescape
func gemm256x2(args *gemmArgs)

//go:noescape
func gemm256x1(args *gemmArgs)

//go:noescape
func tiles512(args *tileArgs)

//go:noescape
func tiles256(args *tileArgs)

//go:noescape
func compressed512(out, x *float32, colPtr, place *int32, cols int, row *uint16, val *float32)

//go:noescape
func compressed256(out, x *float32, colPtr, place *int32, cols int, row *uint16, val *float32)

func peak512(n int)

func peak256(n int)

// maskTable[32-n:] is the AVX2 mask of n columns.
var maskTable = func() (t [64]int32) {
	for i := range 32 {
		t[i] = -1
	}
	return t
}()

package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// number is what a view may consist of.
type number interface {
	~float32 | ~float64 | ~int32 | ~int64
}

// view returns data as numbers, without copying when the machine stores them the same way and data is aligned.
func view[T number](data []byte, decode func([]byte) T) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	n := len(data) / size
	if n == 0 {
		return []T{}
	}
	p := unsafe.Pointer(unsafe.SliceData(data))
	if littleEndian && uintptr(p)%unsafe.Alignof(zero) == 0 {
		return unsafe.Slice((*T)(p), n)
	}
	out := make([]T, n)
	for i := range out {
		out[i] = decode(data[i*size:])
	}
	return out
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func float32At(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
func float64At(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
func int64At(b []byte) int64     { return int64(binary.LittleEndian.Uint64(b)) }

// Float32 returns the elements of the F32 tensor called name, row by row; they must not be changed. When dimensions
// are given the tensor must have this shape, where -1 stands for any size. The error names the tensor and wraps
// ErrMissing when there is none.
func (s *Set) Float32(name string, shape ...int) ([]float32, error) {
	t, err := s.typed(name, F32, shape)
	if err != nil {
		return nil, err
	}
	return view(t.Data, float32At), nil
}

// Float64 is Float32 for an F64 tensor.
func (s *Set) Float64(name string, shape ...int) ([]float64, error) {
	t, err := s.typed(name, F64, shape)
	if err != nil {
		return nil, err
	}
	return view(t.Data, float64At), nil
}

// Int64 is Float32 for an I64 tensor.
func (s *Set) Int64(name string, shape ...int) ([]int64, error) {
	t, err := s.typed(name, I64, shape)
	if err != nil {
		return nil, err
	}
	return view(t.Data, int64At), nil
}

// Ints returns a tensor of whole numbers of any type (Bool as 0 and 1) as a new slice.
func (s *Set) Ints(name string, shape ...int) ([]int, error) {
	t, err := s.Tensor(name)
	if err == nil {
		err = s.fits(name, t, shape)
	}
	if err != nil {
		return nil, err
	}
	at := intReader(t.DType)
	if at == nil {
		return nil, fmt.Errorf("tensor %q: its elements of type %s are no whole numbers", name, t.DType)
	}
	out := make([]int, t.Len())
	for i := range out {
		out[i] = at(t.Data[i*t.DType.Size():])
	}
	return out, nil
}

func intReader(d DType) func([]byte) int {
	switch d {
	case I64, U64:
		return func(b []byte) int { return int(binary.LittleEndian.Uint64(b)) }
	case I32:
		return func(b []byte) int { return int(int32(binary.LittleEndian.Uint32(b))) }
	case U32:
		return func(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }
	case I16:
		return func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }
	case U16:
		return func(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }
	case I8:
		return func(b []byte) int { return int(int8(b[0])) }
	case U8, Bool:
		return func(b []byte) int { return int(b[0]) }
	}
	return nil
}

// AsFloat32 returns the elements of a tensor of any type as float32: a view when the tensor is F32, converted
// otherwise. The dimensions are those of Float32.
func (s *Set) AsFloat32(name string, shape ...int) ([]float32, error) {
	t, err := s.Tensor(name)
	if err == nil {
		err = s.fits(name, t, shape)
	}
	if err != nil {
		return nil, err
	}
	if t.DType == F32 {
		return view(t.Data, float32At), nil
	}
	at := floatReader(t.DType)
	out := make([]float32, t.Len())
	for i := range out {
		out[i] = at(t.Data[i*t.DType.Size():])
	}
	return out, nil
}

func floatReader(d DType) func([]byte) float32 {
	switch d {
	case F64:
		return func(b []byte) float32 { return float32(float64At(b)) }
	case F16:
		return func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }
	case BF16:
		return func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	}
	whole := intReader(d)
	return func(b []byte) float32 { return float32(whole(b)) }
}

// half converts an IEEE 754 binary16 number.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15), int(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0:
		f := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign<<31)
	case 31:
		return math.Float32frombits(sign<<31 | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign<<31 | uint32(exponent+127-15)<<23 | fraction<<13)
}

// PutFloat32 adds an F32 tensor, which on most machines refers to data. The error names the tensor.
func (s *Set) PutFloat32(name string, data []float32, shape ...int) error {
	return s.Put(name, Tensor{F32, shape, encode(data, func(b []byte, f float32) []byte {
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	})})
}

// PutFloat64 is PutFloat32 for an F64 tensor.
func (s *Set) PutFloat64(name string, data []float64, shape ...int) error {
	return s.Put(name, Tensor{F64, shape, encode(data, func(b []byte, f float64) []byte {
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	})})
}

// PutInt64 is PutFloat32 for an I64 tensor.
func (s *Set) PutInt64(name string, data []int64, shape ...int) error {
	return s.Put(name, Tensor{I64, shape, encode(data, func(b []byte, n int64) []byte {
		return binary.LittleEndian.AppendUint64(b, uint64(n))
	})})
}

// PutInt32 is PutFloat32 for an I32 tensor.
func (s *Set) PutInt32(name string, data []int32, shape ...int) error {
	return s.Put(name, Tensor{I32, shape, encode(data, func(b []byte, n int32) []byte {
		return binary.LittleEndian.AppendUint32(b, uint32(n))
	})})
}

func encode[T number](data []T, add func([]byte, T) []byte) []byte {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*size)
	}
	out := make([]byte, 0, len(data)*size)
	for _, v := range data {
		out = add(out, v)
	}
	return out
}

package skops

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Array is an array of numpy.
type Array struct {
	// Type is numpy's name of the elements: "<f8", "<i8", "|b1", "<U12", or "|O" for Python objects.
	Type string
	// Shape is empty for a single element.
	Shape []int
	// data are the elements row by row, each of size bytes; objects are set instead for Python objects.
	data    []byte
	size    int
	objects []any
}

// maxRank bounds the dimensions of an array.
const maxRank = 32

var npyHeader = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n?$`)

// ParseNpy reads an array from a file of numpy's format 1 to 3 (numpy/lib/format.py).
func ParseNpy(data []byte) (*Array, error) {
	if len(data) < 12 || string(data[:6]) != "\x93NUMPY" {
		return nil, errors.New("it is no file of numpy")
	}
	at, length := 10, uint64(binary.LittleEndian.Uint16(data[8:]))
	if data[6] > 1 {
		at, length = 12, uint64(binary.LittleEndian.Uint32(data[8:]))
	}
	if data[6] < 1 || data[6] > 3 || length > uint64(len(data)-at) {
		return nil, errors.New("its header is cut off or of a version that is not known")
	}
	end := at + int(length)
	m := npyHeader.FindSubmatch(data[at:end])
	if m == nil {
		return nil, fmt.Errorf("its header %q is not known", data[at:min(end, at+200)])
	}
	a := &Array{Type: string(m[1]), data: data[end:]}
	if a.size = elementSize(a.Type); a.size == 0 {
		return nil, fmt.Errorf("elements of type %q cannot be read", a.Type)
	}
	for text := range strings.SplitSeq(string(m[3]), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		d, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("its shape (%s) is wrong", m[3])
		}
		a.Shape = append(a.Shape, d)
	}
	n, err := elements(a.Shape)
	if err != nil {
		return nil, err
	}
	if n > math.MaxInt/a.size || n*a.size != len(a.data) {
		return nil, fmt.Errorf("shape %v of type %s does not fit %d bytes", a.Shape, a.Type, len(a.data))
	}
	if string(m[2]) == "True" && len(a.Shape) > 1 {
		a.data = rowMajor(a.data, a.size, a.Shape)
	}
	return a, nil
}

func elements(shape []int) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("a shape of %d dimensions is more than %d", len(shape), maxRank)
	}
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return 0, fmt.Errorf("shape %v is wrong", shape)
		}
		n *= d
	}
	return n, nil
}

// elementSize returns the bytes of one element, 0 for a type that is not known.
func elementSize(descr string) int {
	switch descr {
	case "<f8", "<i8", "<u8":
		return 8
	case "<f4", "<i4", "<u4":
		return 4
	case "<i2", "<u2":
		return 2
	case "|i1", "|u1", "|b1":
		return 1
	}
	if digits, ok := strings.CutPrefix(descr, "<U"); ok {
		if n, err := strconv.ParseUint(digits, 10, 24); err == nil {
			return 4 * max(int(n), 1) // numpy keeps no strings of size 0
		}
	}
	return 0
}

// rowMajor turns elements that lie column by column.
func rowMajor(data []byte, size int, shape []int) []byte {
	out := make([]byte, 0, len(data))
	index := make([]int, len(shape))
	for range len(data) / size {
		at, stride := 0, 1
		for i, d := range shape {
			at += index[i] * stride
			stride *= d
		}
		out = append(out, data[at*size:(at+1)*size]...)
		for i := len(shape) - 1; i >= 0; i-- {
			if index[i]++; index[i] < shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return out
}

func (a *Array) fits(shape []int) error {
	if len(shape) == 0 {
		return nil
	}
	same := slices.EqualFunc(shape, a.Shape, func(want, have int) bool { return want == -1 || want == have })
	if !same {
		return fmt.Errorf("it has shape %v, not %v", a.Shape, shape)
	}
	return nil
}

// Len returns the number of elements.
func (a *Array) Len() int {
	if a.Type == "|O" {
		return len(a.objects)
	}
	return len(a.data) / a.size
}

// Objects returns the elements of an array of Python objects, nil for another.
func (a *Array) Objects() []any { return a.objects }

// Floats returns the elements of an array of numbers of any type, row by row.
func (a *Array) Floats() ([]float64, error) {
	var at func([]byte) float64
	switch a.Type {
	case "<f8":
		at = func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	case "<f4":
		at = func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }
	default:
		whole, err := a.Ints()
		if err != nil {
			return nil, err
		}
		out := make([]float64, len(whole))
		for i, n := range whole {
			out[i] = float64(n)
		}
		return out, nil
	}
	out := make([]float64, a.Len())
	for i := range out {
		out[i] = at(a.data[i*a.size:])
	}
	return out, nil
}

// Ints returns the elements of an array of whole numbers of any type, row by row.
func (a *Array) Ints() ([]int, error) {
	var at func([]byte) int
	switch a.Type {
	case "<i8", "<u8":
		at = func(b []byte) int { return int(binary.LittleEndian.Uint64(b)) }
	case "<i4":
		at = func(b []byte) int { return int(int32(binary.LittleEndian.Uint32(b))) }
	case "<u4":
		at = func(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }
	case "<i2":
		at = func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }
	case "<u2":
		at = func(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }
	case "|i1":
		at = func(b []byte) int { return int(int8(b[0])) }
	case "|u1", "|b1":
		at = func(b []byte) int { return int(b[0]) }
	default:
		return nil, fmt.Errorf("elements of type %q are no whole numbers", a.Type)
	}
	out := make([]int, a.Len())
	for i := range out {
		out[i] = at(a.data[i*a.size:])
	}
	return out, nil
}

// Strings returns the elements of an array of text, or of objects that are all strings.
func (a *Array) Strings() ([]string, error) {
	out := make([]string, a.Len())
	if a.Type == "|O" {
		for i, v := range a.objects {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("element %d is %v, no text", i, v)
			}
			out[i] = s
		}
		return out, nil
	}
	if !strings.HasPrefix(a.Type, "<U") {
		return nil, fmt.Errorf("elements of type %q are no text", a.Type)
	}
	for i := range out {
		var text []rune
		for b := a.data[i*a.size : (i+1)*a.size]; len(b) > 0; b = b[4:] {
			text = append(text, rune(binary.LittleEndian.Uint32(b)))
		}
		out[i] = strings.TrimRight(string(text), "\x00")
	}
	return out, nil
}

package weights

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func file(header, data string) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func sample(t testing.TB) *Set {
	t.Helper()
	s := New()
	s.Metadata = map[string]string{"made": "here"}
	for _, err := range []error{
		s.PutFloat32("b/kernel", []float32{1, 2, 3, 4, 5, 6}, 2, 3),
		s.PutFloat64("a", []float64{0.5}),
		s.PutInt64("n", []int64{-1, 1 << 40}, 2),
		s.PutInt32("small", []int32{7, -7}, 2, 1),
		s.PutFloat32("none", nil, 0, 4),
		s.Put("flags", Tensor{Bool, []int{3}, []byte{1, 0, 1}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestWriteAndRead(t *testing.T) {
	s := sample(t)
	data, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s.Names(), got.Names()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(s.Metadata, got.Metadata); d != "" {
		t.Error(d)
	}
	kernel, err := got.Float32("b/kernel", 2, 3)
	if err != nil || !cmp.Equal(kernel, []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("kernel %v, %v", kernel, err)
	}
	if raw, _ := got.Tensor("b/kernel"); unsafe.Pointer(&kernel[0]) != unsafe.Pointer(&raw.Data[0]) {
		t.Error("an aligned tensor was copied")
	}
	if a, err := got.Float64("a"); err != nil || a[0] != 0.5 || len(got.Shape("a")) != 0 {
		t.Errorf("a %v, %v", a, err)
	}
	if n, err := got.Int64("n", -1); err != nil || !cmp.Equal(n, []int64{-1, 1 << 40}) {
		t.Errorf("n %v, %v", n, err)
	}
	if n, err := got.Ints("small"); err != nil || !cmp.Equal(n, []int{7, -7}) {
		t.Errorf("small %v, %v", n, err)
	}
	if n, err := got.Float32("none", -1, 4); err != nil || len(n) != 0 {
		t.Errorf("none %v, %v", n, err)
	}
	if f, err := got.AsFloat32("flags"); err != nil || !cmp.Equal(f, []float32{1, 0, 1}) {
		t.Errorf("flags %v, %v", f, err)
	}
	again, err := got.Bytes()
	if err != nil || !cmp.Equal(data, again) {
		t.Errorf("the set does not give the same bytes again: %v", err)
	}
}

// TestReadReference reads what the reference implementation wrote (testdata/record.py).
func TestReadReference(t *testing.T) {
	data, err := os.ReadFile("testdata/types.st")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range s.Names() {
		got, err := s.AsFloat32(name, 3)
		want := []float32{0, 1, 2.5}
		if d, _ := s.Tensor(name); d.DType[0] != 'F' {
			want[2] = 2
		}
		if name == "bool" {
			want[2] = 1
		}
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if s.Len() != 12 {
		t.Errorf("there are %d tensors", s.Len())
	}
}

func TestUnaligned(t *testing.T) {
	data, err := sample(t).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	shifted := append(make([]byte, 1, len(data)+1), data...)[1:]
	s, err := Read(shifted)
	if err != nil {
		t.Fatal(err)
	}
	if kernel, err := s.Float32("b/kernel"); err != nil || !cmp.Equal(kernel, []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("kernel %v, %v", kernel, err)
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x0001: 5.9604645e-08, 0x03ff: 6.097555e-05, 0x7bff: 65504, 0x7c00: float32(math.Inf(1)),
		0xfc00: float32(math.Inf(-1)), 0x3555: 0.33325195,
	} {
		if got := half(bits); got != want {
			t.Errorf("%#x is %v, want %v", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("NaN is %v", got)
	}
}

func TestReadRefuses(t *testing.T) {
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":            {nil, "too short"},
		"huge header":        {huge, "header of 18446744073709551615 bytes"},
		"header cut off":     {file(`{"a":{}}`, "")[:12], "does not fit a file of 12"},
		"no JSON":            {file(`[]`, ""), "no JSON object"},
		"broken JSON":        {file(`{"a":`, ""), `tensor "a"`},
		"unclosed":           {file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, ""), "header: EOF"},
		"more behind":        {file(`{} {}`, ""), "goes on behind"},
		"type":               {file(`{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}`, "1234"), `tensor "a": element type "F7"`},
		"negative dimension": {file(`{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}`, "1234"), `tensor "a": shape [-4] has a negative`},
		"overflowing shape":  {file(`{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""), `tensor "a": shape [4294967296 4294967296] is too large`},
		"overflowing size":   {file(`{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}}`, ""), `tensor "a": shape`},
		"size":               {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, "1234"), `tensor "a": shape [2] of F32 does not fit 4 bytes`},
		"behind the end":     {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "123"), `tensor "a": bytes 0 to 4`},
		"backwards":          {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, "1234"), `tensor "a": bytes 4 to 0`},
		"overlap": {file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "123"),
			`tensor "b": it begins at byte 1`},
		"gap":    {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "12"), `tensor "a": it begins at byte 1`},
		"rest":   {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "12"), "1 bytes at the end"},
		"twice":  {file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), `tensor "a": it occurs twice`},
		"remark": {file(`{"__metadata__":[1]}`, ""), "__metadata__"},
		"dimensions": {file(`{"a":{"dtype":"U8","shape":[`+strings.Repeat("1,", 99)+`1],"data_offsets":[0,1]}}`, "1"),
			`tensor "a": a shape of 100 dimensions`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestViewsRefuse(t *testing.T) {
	s := sample(t)
	for name, c := range map[string]struct {
		err  func() error
		want string
	}{
		"missing":   {func() error { _, err := s.Float32("c"); return err }, `tensor "c": there is no such tensor`},
		"type":      {func() error { _, err := s.Float32("a"); return err }, `tensor "a": it has elements of type F64, not F32`},
		"shape":     {func() error { _, err := s.Float32("b/kernel", 3, 2); return err }, `tensor "b/kernel": it has shape [2 3], not [3 2]`},
		"rank":      {func() error { _, err := s.Float32("b/kernel", -1); return err }, `it has shape [2 3], not [-1]`},
		"fractions": {func() error { _, err := s.Ints("a"); return err }, `tensor "a": its elements of type F64 are no whole numbers`},
		"name":      {func() error { return s.PutFloat32("__metadata__", nil, 0) }, "cannot be used"},
		"length":    {func() error { return s.PutFloat32("x", []float32{1}, 2) }, `tensor "x": shape [2] of F32 does not fit 4 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := s.Tensor("c"); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing tensor gives %v", err)
	}
}

// FuzzRead states that what can be read can be written and read again with the same tensors.
func FuzzRead(f *testing.F) {
	data, err := sample(f).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(data)
		if err != nil {
			return
		}
		written, err := s.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(written)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range s.Names() {
			a, _ := s.Tensor(name)
			b, err := again.Tensor(name)
			if err != nil || a.DType != b.DType || string(a.Data) != string(b.Data) {
				t.Fatalf("tensor %q: %v", name, err)
			}
			if _, err := s.AsFloat32(name); err != nil {
				t.Fatal(err)
			}
		}
	})
}

package tfbundle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"

	"github.com/parleybot/parley/internal/ml/weights"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// load reads a checkpoint that TensorFlow wrote (testdata/record.py).
func load(t testing.TB, prefix string) (*Bundle, [][]byte) {
	t.Helper()
	b, err := Open(read(t, prefix+".index"))
	if err != nil {
		t.Fatal(err)
	}
	var shards [][]byte
	for i := range b.Shards() {
		shards = append(shards, read(t, b.ShardName(prefix, i)))
	}
	return b, shards
}

func TestTypes(t *testing.T) {
	b, shards := load(t, "types")
	if len(b.Keys()) != 14 {
		t.Fatalf("keys %v", b.Keys())
	}
	s := weights.New()
	for _, key := range b.Keys() {
		v, err := b.Tensor(key, shards)
		if key == "text" {
			if err == nil || !strings.Contains(err.Error(), `variable "text": its element type 7 cannot be read`) {
				t.Errorf("text gives %v", err)
			}
			continue
		}
		if err == nil {
			err = s.Put(key, v)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.AsFloat32(key)
		want := []float32{0, 1, 2.5}
		switch {
		case key == "scalar":
			want = []float32{7.5}
		case key == "bool":
			want[2] = 1
		case v.DType[0] != 'F':
			want[2] = 2
		}
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", key, got, err, want)
		}
	}
	if d := cmp.Diff([]int{1, 3}, s.Shape("float32")); d != "" {
		t.Error(d)
	}
}

func TestShards(t *testing.T) {
	b, shards := load(t, "shards")
	if b.Shards() != 2 || len(b.Keys()) != 40 {
		t.Fatalf("%d shards, %d keys", b.Shards(), len(b.Keys()))
	}
	for i := range 2 {
		for j := range 20 {
			key := fmt.Sprintf("model/layers/number %d %02d/kernel", i, j)
			v, err := b.Tensor(key, shards)
			if err != nil {
				t.Fatal(err)
			}
			if v.Len() != 2*j || j > 0 && !bytes.HasPrefix(v.Data, float32Bytes(float32(100*i+j))) {
				t.Errorf("%s is %v", key, v)
			}
		}
	}
	if _, err := b.Tensor("model/layers/number 1 01/kernel", shards[:1]); err == nil || !strings.Contains(err.Error(), "data file 1 is missing") {
		t.Errorf("a missing data file gives %v", err)
	}
	if _, err := b.Tensor("nope", shards); err == nil {
		t.Error("a variable that is not there gives no error")
	}
}

func float32Bytes(f float32) []byte {
	s := weights.New()
	if err := s.PutFloat32("x", []float32{f}); err != nil {
		panic(err)
	}
	v, _ := s.Tensor("x")
	return v.Data
}

func TestDamagedData(t *testing.T) {
	b, shards := load(t, "types")
	for i := range shards[0] {
		damaged := bytes.Clone(shards[0])
		damaged[i] ^= 4
		failed := 0
		for _, key := range b.Keys() {
			if key == "text" {
				continue
			}
			if _, err := b.Tensor(key, [][]byte{damaged}); err != nil {
				failed++
			}
		}
		if covered := i < coveredBy(b); covered != (failed == 1) {
			t.Fatalf("with byte %d changed %d variables fail", i, failed)
		}
	}
	if _, err := b.Tensor("float64", [][]byte{nil}); err == nil || !strings.Contains(err.Error(), "not within the data file of 0") {
		t.Errorf("an empty data file gives %v", err)
	}
}

// coveredBy is where the text variable begins, which is the last one.
func coveredBy(b *Bundle) int { return int(b.entries["text"].offset) }

// table writes a table of one block with the given raw entries.
func table(compression byte, block []byte) []byte {
	trailer := func(data []byte, compression byte) []byte {
		data = append(data, compression)
		return binary.LittleEndian.AppendUint32(data, masked(crc32.Checksum(data, castagnoli)))
	}
	out := trailer(bytes.Clone(block), compression)
	at := uint64(len(out))
	place := binary.AppendUvarint(binary.AppendUvarint(nil, 0), uint64(len(block)))
	index := blockOf(keyed("zzz", string(place)))
	out = append(out, trailer(bytes.Clone(index), 0)...)
	footer := binary.AppendUvarint(binary.AppendUvarint([]byte{0, 0}, at), uint64(len(index)))
	footer = append(footer, make([]byte, footerSize-8-len(footer))...)
	return binary.LittleEndian.AppendUint64(append(out, footer...), magic)
}

func keyed(key, value string) []byte {
	out := binary.AppendUvarint([]byte{0}, uint64(len(key)))
	return append(append(binary.AppendUvarint(out, uint64(len(value))), key...), value...)
}

func blockOf(entries ...[]byte) []byte {
	return append(bytes.Join(entries, nil), 0, 0, 0, 0, 1, 0, 0, 0)
}

func TestSnappy(t *testing.T) {
	block := blockOf(keyed("", "\x08\x01"), keyed("a", "\x08\x01\x12\x00\x28\x04"))
	b, err := Open(table(1, snappy.Encode(nil, block)))
	if err != nil || !cmp.Equal(b.Keys(), []string{"a"}) || b.Shards() != 1 {
		t.Errorf("%v, %v", b, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	head := keyed("", "\x08\x01")
	whole := table(0, blockOf(head))
	flipped := bytes.Clone(whole)
	flipped[1] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "too short for a table"},
		"no table":         {make([]byte, 100), "footer is not that of a table"},
		"changed":          {flipped, "the block at 0 does not have the recorded checksum"},
		"compression":      {table(9, blockOf(head)), "compression 9"},
		"no snappy":        {table(1, blockOf(head)), "unpacking the block at 0"},
		"snappy bomb":      {table(1, binary.AppendUvarint(nil, 1<<31)), "unpacking the block at 0: 2147483648 bytes are too much"},
		"empty block":      {table(0, nil), "cut off"},
		"restarts":         {table(0, []byte{255, 255, 255, 255}), "more restarts than bytes"},
		"no header":        {table(0, blockOf()), "there is no header"},
		"late header":      {table(0, blockOf(keyed("a", ""), head)), `variable "a": it is in data file 0 of 0`},
		"order":            {table(0, blockOf(head, keyed("b", ""), keyed("a", ""))), `key "a" does not come after "b"`},
		"twice":            {table(0, blockOf(head, keyed("b", ""), keyed("b", ""))), `key "b" does not come after "b"`},
		"cut value":        {table(0, blockOf(head, []byte{0, 1, 9, 'a'})), "cut off"},
		"shared":           {table(0, blockOf([]byte{5, 1, 0, 'a'})), "cut off"},
		"long key":         {table(0, blockOf(keyed(strings.Repeat("a", maxKey+1), ""))), "is too long"},
		"big endian":       {table(0, blockOf(keyed("", "\x08\x01\x10\x01"))), "big-endian"},
		"many data files":  {table(0, blockOf(keyed("", "\x08\xff\xff\xff\x7f"))), "too many"},
		"wrong data file":  {table(0, blockOf(head, keyed("a", "\x18\x01"))), `variable "a": it is in data file 1 of 1`},
		"cut message":      {table(0, blockOf(head, keyed("a", "\x12\x09"))), `variable "a": it is cut off`},
		"tag":              {table(0, blockOf(head, keyed("a", "\x00"))), "tag is wrong"},
		"wire type":        {table(0, blockOf(head, keyed("a", "\x0b"))), "wire type"},
		"unknown rank":     {table(0, blockOf(head, keyed("a", "\x12\x02\x18\x01"))), "its shape is not known"},
		"negative in size": {table(0, blockOf(head, keyed("a", "\x12\x0d\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))), "a dimension"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzOpen states that no index makes reading it or its variables panic.
func FuzzOpen(f *testing.F) {
	f.Add(read(f, "types.index"), read(f, "types.data-00000-of-00001"))
	f.Add(read(f, "shards.index"), read(f, "shards.data-00000-of-00002"))
	f.Add(table(0, blockOf(keyed("", "\x08\x01"), keyed("a", "\x08\x01\x12\x00\x28\x04"))), []byte("1234"))
	f.Fuzz(func(t *testing.T, index, data []byte) {
		b, err := Open(index)
		if err != nil {
			return
		}
		for _, key := range b.Keys() {
			v, err := b.Tensor(key, [][]byte{data})
			if err == nil && len(v.Data) > len(data) {
				t.Fatalf("variable %q has more bytes than the file", key)
			}
		}
	})
}

package tfbundle

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml/weights"
)

// maxShards bounds the number of data files.
const maxShards = 1 << 16

// types are the element types of tensorflow/core/framework/types.proto that have a fixed size.
var types = map[uint64]weights.DType{
	1: weights.F32, 2: weights.F64, 3: weights.I32, 4: weights.U8, 5: weights.I16, 6: weights.I8, 9: weights.I64, 10: weights.Bool,
	14: weights.BF16, 17: weights.U16, 19: weights.F16, 22: weights.U32, 23: weights.U64,
}

// Bundle is the index of a checkpoint. It is read-only.
type Bundle struct {
	shards  int
	keys    []string
	entries map[string]entry
}

// entry tells of one variable.
type entry struct {
	dtype        uint64
	shape        []int
	shard        uint64
	offset, size uint64
	crc          uint32
	sliced       bool
}

// Open reads an index file. The error names the key that is to blame.
func Open(index []byte) (*Bundle, error) {
	b := &Bundle{shards: -1, entries: map[string]entry{}}
	err := walk(index, func(key string, value []byte) error {
		if key == "" {
			return b.header(value)
		}
		e, err := parseEntry(value)
		if err != nil {
			return fmt.Errorf("variable %q: %w", key, err)
		}
		if e.shard >= uint64(max(b.shards, 0)) {
			return fmt.Errorf("variable %q: it is in data file %d of %d", key, e.shard, max(b.shards, 0))
		}
		b.keys = append(b.keys, key)
		b.entries[key] = e
		return nil
	})
	if err == nil && b.shards < 0 {
		err = errors.New("there is no header")
	}
	if err != nil {
		return nil, fmt.Errorf("reading a checkpoint's index: %w", err)
	}
	return b, nil
}

func (b *Bundle) header(value []byte) error {
	b.shards = 0
	err := fields(value, func(f field) error {
		switch f.id {
		case 1:
			if f.number > maxShards {
				return fmt.Errorf("%d data files are too many", f.number)
			}
			b.shards = int(f.number)
		case 2:
			if f.number != 0 {
				return errors.New("it was written by a big-endian machine")
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return nil
}

func parseEntry(value []byte) (entry, error) {
	var e entry
	err := fields(value, func(f field) (err error) {
		switch f.id {
		case 1:
			e.dtype = f.number
		case 2:
			e.shape, err = parseShape(f.data)
		case 3:
			e.shard = f.number
		case 4:
			e.offset = f.number
		case 5:
			e.size = f.number
		case 6:
			e.crc = uint32(f.number)
		case 7:
			e.sliced = true
		}
		return err
	})
	return e, err
}

func parseShape(message []byte) ([]int, error) {
	shape := []int{}
	err := fields(message, func(f field) error {
		switch f.id {
		case 2:
			var size uint64
			err := fields(f.data, func(d field) error {
				if d.id == 1 {
					size = d.number
				}
				return nil
			})
			if err != nil {
				return err
			}
			if size > math.MaxInt {
				return errors.New("a dimension of its shape is not known")
			}
			shape = append(shape, int(size))
		case 3:
			if f.number != 0 {
				return errors.New("its shape is not known")
			}
		}
		return nil
	})
	return shape, err
}

// Keys lists the variables, sorted.
func (b *Bundle) Keys() []string { return slices.Clone(b.keys) }

// Shards returns the number of data files.
func (b *Bundle) Shards() int { return b.shards }

// ShardName returns the name of data file i of the checkpoint called prefix.
func (b *Bundle) ShardName(prefix string, i int) string {
	return fmt.Sprintf("%s.data-%05d-of-%05d", prefix, i, b.shards)
}

// Tensor returns a variable, after comparing its checksum. shards are the data files in their order; the tensor refers
// to them. The error names the variable.
func (b *Bundle) Tensor(key string, shards [][]byte) (weights.Tensor, error) {
	e, ok := b.entries[key]
	if !ok {
		return weights.Tensor{}, fmt.Errorf("variable %q: the checkpoint does not have it", key)
	}
	t, err := e.tensor(shards)
	if err != nil {
		return weights.Tensor{}, fmt.Errorf("variable %q: %w", key, err)
	}
	return t, nil
}

func (e entry) tensor(shards [][]byte) (weights.Tensor, error) {
	dtype, ok := types[e.dtype]
	switch {
	case !ok:
		return weights.Tensor{}, fmt.Errorf("its element type %d cannot be read", e.dtype)
	case e.sliced:
		return weights.Tensor{}, errors.New("it is stored in slices, which cannot be read")
	case e.shard >= uint64(len(shards)):
		return weights.Tensor{}, fmt.Errorf("its data file %d is missing", e.shard)
	}
	data := shards[e.shard]
	if e.offset > uint64(len(data)) || e.size > uint64(len(data))-e.offset {
		return weights.Tensor{}, fmt.Errorf("its %d bytes at %d are not within the data file of %d", e.size, e.offset, len(data))
	}
	data = data[e.offset : e.offset+e.size : e.offset+e.size]
	if masked(crc32.Checksum(data, castagnoli)) != e.crc {
		return weights.Tensor{}, errors.New("it does not have the recorded checksum")
	}
	return weights.Tensor{DType: dtype, Shape: e.shape, Data: data}, nil
}

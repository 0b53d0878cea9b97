package tfbundle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/snappy"
)

const (
	footerSize  = 48
	magic       = 0xdb4775248b80fb57
	trailerSize = 5
	// maxBlock and maxKey bound what a damaged index can ask for.
	maxBlock = 64 << 20
	maxKey   = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is how LevelDB stores a CRC, so that a CRC of data with CRCs stays good (crc32c::Mask).
func masked(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// handle is the place of a block.
type handle struct{ offset, size uint64 }

func readHandle(b []byte) (handle, []byte, error) {
	offset, n := binary.Uvarint(b)
	if n <= 0 {
		return handle{}, nil, errCut
	}
	size, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return handle{}, nil, errCut
	}
	return handle{offset, size}, b[n+m:], nil
}

// walk calls f for every key of a table, in their order, which must be ascending.
func walk(table []byte, f func(key string, value []byte) error) error {
	if len(table) < footerSize {
		return fmt.Errorf("%d bytes are too short for a table", len(table))
	}
	footer := table[len(table)-footerSize:]
	if binary.LittleEndian.Uint64(footer[footerSize-8:]) != magic {
		return errors.New("the footer is not that of a table")
	}
	_, rest, err := readHandle(footer)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	index, _, err := readHandle(rest)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	blocks, err := block(table, index)
	if err != nil {
		return fmt.Errorf("index of blocks: %w", err)
	}
	last, first := "", true
	return entries(blocks, func(_ string, value []byte) error {
		h, _, err := readHandle(value)
		if err != nil {
			return fmt.Errorf("index of blocks: %w", err)
		}
		data, err := block(table, h)
		if err != nil {
			return err
		}
		return entries(data, func(key string, value []byte) error {
			if !first && key <= last {
				return fmt.Errorf("key %q does not come after %q", key, last)
			}
			last, first = key, false
			return f(key, value)
		})
	})
}

// block returns the content of a block after comparing its checksum.
func block(table []byte, h handle) ([]byte, error) {
	size := uint64(len(table) - footerSize)
	if h.offset > size || h.size > size-h.offset || size-h.offset-h.size < trailerSize {
		return nil, fmt.Errorf("the block of %d bytes at %d is not within the file", h.size, h.offset)
	}
	end := int(h.offset + h.size)
	data, compression := table[h.offset:end], table[end]
	if masked(crc32.Checksum(table[h.offset:end+1], castagnoli)) != binary.LittleEndian.Uint32(table[end+1:]) {
		return nil, fmt.Errorf("the block at %d does not have the recorded checksum", h.offset)
	}
	switch compression {
	case 0:
		return data, nil
	case 1:
		n, err := snappy.DecodedLen(data)
		if err == nil && n > maxBlock {
			err = fmt.Errorf("%d bytes are too much", n)
		}
		if err == nil {
			data, err = snappy.Decode(nil, data)
		}
		if err != nil {
			return nil, fmt.Errorf("unpacking the block at %d: %w", h.offset, err)
		}
		return data, nil
	}
	return nil, fmt.Errorf("the block at %d has compression %d, which is not known", h.offset, compression)
}

// entries calls f for each entry of a block. A key is given by the bytes it shares with the one before and its rest.
func entries(data []byte, f func(key string, value []byte) error) error {
	if len(data) < 4 {
		return errCut
	}
	restarts := uint64(binary.LittleEndian.Uint32(data[len(data)-4:]))
	if restarts > uint64(len(data)-4)/4 {
		return errors.New("a block has more restarts than bytes")
	}
	data = data[:len(data)-4-int(restarts)*4]
	var key []byte
	for len(data) > 0 {
		var sizes [3]uint64 // of the shared bytes, of the rest, of the value
		for i := range sizes {
			v, n := binary.Uvarint(data)
			if n <= 0 {
				return errCut
			}
			sizes[i], data = v, data[n:]
		}
		left := uint64(len(data))
		if sizes[0] > uint64(len(key)) || sizes[1] > left || sizes[2] > left-sizes[1] {
			return errCut
		}
		if sizes[0]+sizes[1] > maxKey {
			return fmt.Errorf("a key of %d bytes is too long", sizes[0]+sizes[1])
		}
		end := int(sizes[1] + sizes[2])
		key = append(key[:sizes[0]], data[:sizes[1]]...)
		if err := f(string(key), data[sizes[1]:end]); err != nil {
			return err
		}
		data = data[end:]
	}
	return nil
}

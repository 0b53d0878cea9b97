package gunzip

import (
	"encoding/binary"
	"errors"
	"io"
)

var errCorrupt = errors.New("gzip: the packed data is damaged")

const (
	windowSize = 32 << 10
	// outSize is the window and what is unpacked at once; margin is left free so that no symbol needs a check.
	outSize = windowSize + 160<<10
	margin  = 3 + 258
	inSize  = 64 << 10
	// padding follows the input's end, so that eight bytes can always be loaded.
	padding = 16
)

// inflater decodes one stream of blocks.
type inflater struct {
	src io.Reader
	// in[pos:end] is the input that was read and not loaded into bits; ended tells that padding was appended.
	in       []byte
	pos, end int
	ended    bool
	// The low count bits of bits come next.
	bits  uint64
	count uint
	// out holds the last bytes unpacked; from first on they may be referred to, those before given were handed out.
	out                []byte
	first, given, next int
	// final tells that the block is the last one, stored how many bytes of a stored block are left, coded that a block of
	// codes is unfinished.
	final     bool
	stored    int
	coded     bool
	literals  [literalSize]entry
	distances [distanceSize]entry
}

// more reads input. It must not be called when the input has ended.
func (f *inflater) more() error {
	f.unload()
	copy(f.in, f.in[f.pos:f.end])
	f.pos, f.end = 0, f.end-f.pos
	n, err := io.ReadAtLeast(f.src, f.in[f.end:inSize], 8)
	f.end += n
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		f.ended = true
		clear(f.in[f.end : f.end+padding])
		f.end += padding
		return nil
	}
	return err
}

// load sees to it that at least 56 bits are there; those behind the end are 0.
func (f *inflater) load() error {
	for f.pos+8 > f.end {
		if f.ended {
			return io.ErrUnexpectedEOF
		}
		if err := f.more(); err != nil {
			return err
		}
	}
	f.bits |= binary.LittleEndian.Uint64(f.in[f.pos:]) << (f.count & 63)
	f.pos += int((63 - f.count) >> 3)
	f.count |= 56
	return nil
}

// take removes and returns the next n bits, of which there must be so many.
func (f *inflater) take(n uint) uint {
	v := uint(f.bits & (1<<n - 1))
	f.bits >>= n
	f.count -= n
	return v
}

// overrun reports whether more was decoded than there is.
func (f *inflater) overrun() bool {
	return f.ended && f.pos-int(f.count>>3) > f.end-padding
}

// unload gives back whole bytes that were loaded and not used.
func (f *inflater) unload() {
	f.pos -= int(f.count >> 3)
	f.count &= 7
	f.bits &= 1<<f.count - 1
}

// align drops what is left of a byte.
func (f *inflater) align() {
	f.unload()
	f.bits, f.count = 0, 0
}

// unpack decodes until out is full or the last block ended, which it reports.
func (f *inflater) unpack() (done bool, err error) {
	if f.next > outSize-margin {
		copy(f.out, f.out[f.next-windowSize:f.next])
		f.first = max(0, f.first-(f.next-windowSize))
		f.given, f.next = windowSize, windowSize
	}
	for f.next <= outSize-margin {
		switch {
		case f.coded:
			err = f.codes()
		case f.stored > 0:
			err = f.copyStored()
		case f.final:
			f.align()
			return true, nil
		default:
			err = f.header()
		}
		if f.overrun() {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// header reads the header of a block.
func (f *inflater) header() error {
	if err := f.load(); err != nil {
		return err
	}
	f.final = f.take(1) == 1
	switch f.take(2) {
	case 0:
		f.align()
		if err := f.load(); err != nil {
			return err
		}
		n, inverse := f.take(16), f.take(16)
		f.align()
		if n != ^inverse&0xffff {
			return errCorrupt
		}
		f.stored = int(n)
	case 1:
		f.coded = true
		return f.fixed()
	case 2:
		f.coded = true
		return f.dynamic()
	default:
		return errCorrupt
	}
	return nil
}

func (f *inflater) copyStored() error {
	if f.pos == f.end {
		if f.ended {
			return io.ErrUnexpectedEOF
		}
		if err := f.more(); err != nil {
			return err
		}
	}
	end := f.end
	if f.ended {
		end -= padding
	}
	if f.pos >= end {
		return io.ErrUnexpectedEOF
	}
	n := copy(f.out[f.next:], f.in[f.pos:min(end, f.pos+f.stored)])
	f.pos, f.next, f.stored = f.pos+n, f.next+n, f.stored-n
	return nil
}

func (f *inflater) fixed() error {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	fill(f.literals[:], literalBits, lengths[:], literalEntries[:])
	var five [maxDistances]uint8
	for i := range five {
		five[i] = 5
	}
	fill(f.distances[:], distanceBits, five[:], distanceEntries[:])
	return nil
}

// order is how the lengths of the codes for lengths are stored.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block.
func (f *inflater) dynamic() error {
	literals, distances, n := f.take(5)+257, f.take(5)+1, f.take(4)+4
	if literals > 286 || distances > 30 {
		return errCorrupt
	}
	var codeLengths [19]uint8
	for i := range n {
		if err := f.load(); err != nil {
			return err
		}
		codeLengths[order[i]] = uint8(f.take(3))
	}
	var symbols [19]entry
	for i := range symbols {
		symbols[i] = flagLiteral | entry(i)<<16
	}
	var table [1 << 7]entry
	if !fill(table[:], 7, codeLengths[:], symbols[:]) {
		return errCorrupt
	}
	var lengths [286 + 30]uint8
	if err := f.lengths(lengths[:literals+distances], &table); err != nil {
		return err
	}
	if lengths[256] == 0 || !fill(f.literals[:], literalBits, lengths[:literals], literalEntries[:]) ||
		!fill(f.distances[:], distanceBits, lengths[literals:literals+distances], distanceEntries[:]) {
		return errCorrupt
	}
	return nil
}

// lengths reads lengths of codes, with their repetitions.
func (f *inflater) lengths(out []uint8, table *[1 << 7]entry) error {
	for i := 0; i < len(out); {
		if err := f.load(); err != nil {
			return err
		}
		e := table[f.bits&(1<<7-1)]
		if e == 0 {
			return errCorrupt
		}
		f.take(uint(e & 31))
		symbol := uint8(e >> 16)
		if symbol < 16 {
			out[i] = symbol
			i++
			continue
		}
		value, times := uint8(0), 0
		switch symbol {
		case 16:
			if i == 0 {
				return errCorrupt
			}
			value, times = out[i-1], 3+int(f.take(2))
		case 17:
			times = 3 + int(f.take(3))
		case 18:
			times = 11 + int(f.take(7))
		}
		if times > len(out)-i {
			return errCorrupt
		}
		for range times {
			out[i] = value
			i++
		}
	}
	return nil
}

package gunzip

import (
	"encoding/binary"
	"io"
)

// codes decodes symbols until the block ends or out is full.
func (f *inflater) codes() error {
	for f.next <= outSize-margin {
		if f.pos+8 > f.end {
			if f.ended {
				return io.ErrUnexpectedEOF
			}
			if err := f.more(); err != nil {
				return err
			}
			continue
		}
		done, err := f.run()
		if done || err != nil {
			f.coded = !done
			return err
		}
	}
	return nil
}

// run decodes as long as there is input for a whole symbol and room in out. done tells that the block ended.
func (f *inflater) run() (done bool, err error) {
	const mask = 1<<literalBits - 1
	in, pos, end := f.in, f.pos, f.end-8
	out, next := f.out[:outSize], f.next
	bits, count := f.bits, f.count
	table := &f.literals
	for pos <= end && next <= outSize-margin {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int((63 - count) >> 3)
		count |= 56
		e := table[bits&mask]
		if e&flagLiteral != 0 {
			bits >>= e & 31
			count -= uint(e & 31)
			out[next] = byte(e >> 16)
			next++
			// 41 bits are left, enough for two more codes.
			if e = table[bits&mask]; e&flagLiteral != 0 {
				bits >>= e & 31
				count -= uint(e & 31)
				out[next] = byte(e >> 16)
				next++
				if e = table[bits&mask]; e&flagLiteral != 0 {
					bits >>= e & 31
					count -= uint(e & 31)
					out[next] = byte(e >> 16)
					next++
				}
			}
			continue
		}
		if e&flagSecond != 0 {
			e = table[uint(e>>16)+uint(bits>>literalBits)&(1<<(maxCode-literalBits)-1)]
		}
		bits >>= e & 31
		count -= uint(e & 31)
		if e&flagLiteral != 0 {
			out[next] = byte(e >> 16)
			next++
			continue
		}
		if e&flagEnd != 0 || e == 0 {
			f.pos, f.next, f.bits, f.count = pos, next, bits, count
			if e == 0 {
				return false, errCorrupt
			}
			return true, nil
		}
		extra := e >> 8 & 31
		length := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		count -= uint(extra)
		d := f.distances[bits&(1<<distanceBits-1)]
		if d&flagSecond != 0 {
			d = f.distances[uint(d>>16)+uint(bits>>distanceBits)&(1<<(maxCode-distanceBits)-1)]
		}
		bits >>= d & 31
		count -= uint(d & 31)
		extra = d >> 8 & 31
		distance := int(d>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		count -= uint(extra)
		if d == 0 || distance > next-f.first {
			f.pos, f.next, f.bits, f.count = pos, next, bits, count
			return false, errCorrupt
		}
		next = repeat(out, next, distance, length)
	}
	f.pos, f.next, f.bits, f.count = pos, next, bits, count
	return false, nil
}

// repeat appends length bytes from distance before; they may overlap.
func repeat(out []byte, next, distance, length int) int {
	end := next + length
	if distance >= length {
		copy(out[next:end], out[next-distance:])
		return end
	}
	for ; next < end; next++ {
		out[next] = out[next-distance]
	}
	return end
}

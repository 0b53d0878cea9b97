package gunzip

import "math/bits"

// A table maps the next bits of the input to an entry. Codes longer than the table's bits lead to a second table.
//
//	bits 0-4   length of the code
//	bits 8-12  number of extra bits
//	bits 16-31 the literal, the base of the length or distance, or where the second table begins
//
// An entry of 0 stands for bits that are no code.
type entry = uint32

const (
	flagLiteral entry = 1 << 5
	flagEnd     entry = 1 << 6
	flagSecond  entry = 1 << 7

	maxCode      = 15
	literalBits  = 11
	distanceBits = 9
	// A second table belongs to a prefix that at least two codes share.
	literalSize  = 1<<literalBits + maxLiterals/2<<(maxCode-literalBits)
	distanceSize = 1<<distanceBits + maxDistances/2<<(maxCode-distanceBits)
	maxLiterals  = 288
	maxDistances = 32
)

// literalEntries and distanceEntries hold the entry of each symbol without the length of its code.
var (
	literalEntries  [maxLiterals]entry
	distanceEntries [maxDistances]entry
)

func init() {
	for i := range 256 {
		literalEntries[i] = flagLiteral | entry(i)<<16
	}
	literalEntries[256] = flagEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		literalEntries[257+i] = entry(extra)<<8 | entry(base)<<16
		base += 1 << extra
	}
	literalEntries[285] = 258 << 16
	base = 1
	for i := range 30 {
		extra := max(0, i/2-1)
		distanceEntries[i] = entry(extra)<<8 | entry(base)<<16
		base += 1 << extra
	}
}

// fill builds a table for codes of the given lengths, one a symbol, 0 for symbols without one. It returns false when
// the lengths are those of no complete code; a single code of one bit is taken for one, as zlib does, and so is none.
func fill(table []entry, tableBits uint, lengths []uint8, symbols []entry) bool {
	var count, next [maxCode + 1]int
	longest := 0
	for _, n := range lengths {
		count[n]++
		longest = max(longest, int(n))
	}
	clear(table[:1<<tableBits])
	if longest == 0 {
		return true
	}
	count[0] = 0
	code := 0
	for n := 1; n <= longest; n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	code += count[longest]
	if code != 1<<longest && (code != 1 || longest != 1) {
		return false
	}
	end := 1 << tableBits
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		e := symbols[symbol]
		if e != 0 {
			e |= entry(n)
		}
		reversed := uint(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		if uint(n) <= tableBits {
			for i := reversed; i < 1<<tableBits; i += 1 << n {
				table[i] = e
			}
			continue
		}
		end = second(table, tableBits, reversed, uint(n), e, end)
	}
	return true
}

// second stores an entry in the second table of its prefix, which is appended at end when it is the first one there.
func second(table []entry, tableBits, reversed, length uint, e entry, end int) int {
	rest := uint(maxCode) - tableBits
	prefix := reversed & (1<<tableBits - 1)
	if table[prefix] == 0 {
		table[prefix] = flagSecond | entry(end)<<16
		clear(table[end : end+1<<rest])
		end += 1 << rest
	}
	start := uint(table[prefix] >> 16)
	for i := reversed >> tableBits; i < 1<<rest; i += 1 << (length - tableBits) {
		table[start+i] = e
	}
	return end
}

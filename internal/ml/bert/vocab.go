package bert

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// Vocabulary numbers word pieces. It keeps them where the file lies in memory, so that half a million of them cost a
// few bytes each.
type Vocabulary struct {
	data []byte
	// ends are where the pieces end in data; each starts behind the line break of the one before.
	ends []int32
	// slots hold numbers of pieces plus one, at the place their hash gives or behind it.
	slots []int32
	seed  maphash.Seed
}

// maxVocabulary bounds the size of vocab.txt.
const maxVocabulary = 1 << 28

// ParseVocabulary reads vocab.txt, which has a piece a line. The result refers to data. Of equal pieces the last counts.
func ParseVocabulary(data []byte) (*Vocabulary, error) {
	if len(data) > maxVocabulary {
		return nil, fmt.Errorf("the vocabulary has %d bytes", len(data))
	}
	v := &Vocabulary{data: data, seed: maphash.MakeSeed()}
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			end = len(data) - at
		}
		v.ends = append(v.ends, int32(at+end))
		at += end + 1
	}
	size := 16
	for size < 2*len(v.ends) {
		size *= 2
	}
	v.slots = make([]int32, size)
	for i := range v.ends {
		slot := v.slot(v.Piece(i))
		v.slots[slot] = int32(i) + 1
	}
	return v, nil
}

// Len is the number of pieces.
func (v *Vocabulary) Len() int { return len(v.ends) }

// Piece returns the i-th piece.
func (v *Vocabulary) Piece(i int) []byte {
	start := 0
	if i > 0 {
		start = int(v.ends[i-1]) + 1
	}
	return bytes.TrimSuffix(v.data[start:v.ends[i]], []byte{'\r'})
}

// Find returns the number of a piece.
func (v *Vocabulary) Find(piece []byte) (id int, ok bool) {
	i := v.slots[v.slot(piece)]
	return int(i) - 1, i > 0
}

// slot returns where the piece stands in slots, or would.
func (v *Vocabulary) slot(piece []byte) int {
	mask := len(v.slots) - 1
	at := int(maphash.Bytes(v.seed, piece)) & mask
	for v.slots[at] > 0 && !bytes.Equal(v.Piece(int(v.slots[at])-1), piece) {
		at = (at + 1) & mask
	}
	return at
}

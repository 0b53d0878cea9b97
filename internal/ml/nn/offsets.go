package nn

// Offsets says where the sequences of a batch lie in a packed matrix: sequence i has the rows from Offsets[i] to
// Offsets[i+1], end exclusive. A batch of n sequences has n+1 offsets, the first is 0. A sequence may be empty.
type Offsets []int

// Uniform returns n sequences of the same length.
func Uniform(n, length int) Offsets {
	o := make(Offsets, n+1)
	for i := range o {
		o[i] = i * length
	}
	return o
}

// Lengths returns the offsets of sequences with these lengths.
func Lengths(lengths ...int) Offsets {
	o := make(Offsets, 1, len(lengths)+1)
	for _, n := range lengths {
		o = append(o, o[len(o)-1]+n)
	}
	return o
}

// Len returns the number of sequences.
func (o Offsets) Len() int { return max(len(o)-1, 0) }

// Rows returns the number of rows of all sequences.
func (o Offsets) Rows() int {
	if len(o) == 0 {
		return 0
	}
	return o[len(o)-1]
}

// Bounds returns the rows of sequence i, end exclusive.
func (o Offsets) Bounds(i int) (from, to int) { return o[i], o[i+1] }

// MaxLen returns the length of the longest sequence.
func (o Offsets) MaxLen() int {
	longest := 0
	for i := range o.Len() {
		longest = max(longest, o[i+1]-o[i])
	}
	return longest
}

// Last appends to dst the last row of every sequence that is not empty.
func (o Offsets) Last(dst []int) []int {
	for i := range o.Len() {
		if o[i+1] > o[i] {
			dst = append(dst, o[i+1]-1)
		}
	}
	return dst
}

package nn

import "runtime/debug"

const (
	// smallChunk is the least that is allocated, in elements.
	smallChunk = 1 << 10
	// largeChunk is the size from which memory that is replaced goes back to the system at once.
	largeChunk = 1 << 22
)

// slab hands out pieces of memory that are all taken back at once, and then handed out again: each from the first chunk that
// has room for it, so that batches of other sizes leave no holes.
type slab[T any] struct {
	chunks []chunk[T]
	// at is the first chunk that isn't full.
	at int
}

type chunk[T any] struct {
	data []T
	used int
}

func (s *slab[T]) take(n int) []T {
	for i := s.at; i < len(s.chunks); i++ {
		if c := &s.chunks[i]; c.used+n <= len(c.data) {
			c.used += n
			return c.data[c.used-n : c.used : c.used]
		} else if i == s.at && len(c.data)-c.used < fullFrom {
			s.at++
		}
	}
	size := firstChunk
	if len(s.chunks) > 0 {
		size = min(2*len(s.chunks[len(s.chunks)-1].data), largestChunk)
	}
	if n > size {
		size = n + n/8
	}
	s.chunks = append(s.chunks, chunk[T]{data: make([]T, size), used: n})
	return s.chunks[len(s.chunks)-1].data[:n:n]
}

func (s *slab[T]) reset() {
	for i := range s.chunks {
		s.chunks[i].used = 0
	}
	s.at = 0
}

// spares are pieces of memory that are of no more use before the slab is reset: tensors, and their gradients, that the way
// back has passed. A batch has few sizes, so that most gradients find such a piece, which is in the processor's cache too.
type spares struct{ free [][]float32 }

func (s *spares) take(n int) []float32 {
	for i := len(s.free) - 1; i >= 0; i-- {
		if len(s.free[i]) == n {
			out := s.free[i]
			last := len(s.free) - 1
			s.free[i] = s.free[last]
			s.free = s.free[:last]
			return out
		}
	}
	return nil
}

func (s *spares) put(x []float32) {
	if len(x) > 0 {
		s.free = append(s.free, x)
	}
}

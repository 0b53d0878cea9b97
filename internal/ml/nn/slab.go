package nn

import "runtime/debug"

const (
	// smallChunk is the least that is allocated, in elements.
	smallChunk = 1 << 10
	// largeChunk is the size from which memory that is replaced goes back to the system at once.
	largeChunk = 1 << 22
)

// slab hands out pieces of memory that are all taken back at once, and then handed out again from one chunk that is as large
// as all of them: batches of other sizes leave no holes.
type slab[T any] struct {
	chunk []T
	used  int
	// need is how much was handed out since the last reset.
	need int
}

func (s *slab[T]) take(n int) []T {
	s.need += n
	if s.used+n > len(s.chunk) {
		s.chunk = make([]T, max(n, len(s.chunk)/4, smallChunk))
		s.used = 0
	}
	out := s.chunk[s.used : s.used+n : s.used+n]
	s.used += n
	return out
}

// reset takes everything back. Room to spare costs nothing: the system gives memory only once it is written to.
func (s *slab[T]) reset() {
	if s.need > len(s.chunk) {
		s.chunk = nil
		if s.need >= largeChunk {
			debug.FreeOSMemory()
		}
		s.chunk = make([]T, s.need+s.need/2)
	}
	s.used, s.need = 0, 0
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

package nn

// Sizes of the chunks of a slab, in elements.
const (
	firstChunk   = 1 << 10
	largestChunk = 1 << 20
)

// slab hands out pieces of memory that are all taken back at once, and then handed out again.
type slab[T any] struct {
	chunks [][]T
	// at is the chunk that is being handed out, used how much of it is.
	at, used int
}

func (s *slab[T]) take(n int) []T {
	for s.at < len(s.chunks) {
		if c := s.chunks[s.at]; s.used+n <= len(c) {
			out := c[s.used : s.used+n : s.used+n]
			s.used += n
			return out
		}
		s.at++
		s.used = 0
	}
	size := firstChunk
	if len(s.chunks) > 0 {
		size = min(2*len(s.chunks[len(s.chunks)-1]), largestChunk)
	}
	s.chunks = append(s.chunks, make([]T, max(n, size)))
	s.used = n
	return s.chunks[s.at][:n:n]
}

func (s *slab[T]) reset() { s.at, s.used = 0, 0 }

// spares are pieces of memory that are of no more use before the slab is reset. The gradients of a batch have few sizes and
// live briefly: with spares they need little memory, and it is in the processor's cache.
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

package neural

import "sync/atomic"

// Memo remembers results by the hash of what they were computed from, as long as nothing else needs the place. It may be
// used by any number of goroutines; the zero value is ready.
type Memo[T any] struct {
	slots [256]atomic.Pointer[memoEntry[T]]
}

type memoEntry[T any] struct {
	key    uint64
	result T
}

// Get returns the result for key.
func (m *Memo[T]) Get(key uint64) (result T, ok bool) {
	e := m.slots[key%uint64(len(m.slots))].Load()
	if e == nil || e.key != key {
		return result, false
	}
	return e.result, true
}

// Put remembers a result, which must not be changed any more.
func (m *Memo[T]) Put(key uint64, result T) {
	m.slots[key%uint64(len(m.slots))].Store(&memoEntry[T]{key, result})
}

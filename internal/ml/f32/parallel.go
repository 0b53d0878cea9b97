package f32

import (
	"runtime"
	"sync"
)

// minWork is how many multiplications are worth a goroutine.
const minWork = 1 << 21

// workers returns how many goroutines share out work multiplications.
func workers(work int) int {
	if work < 2*minWork {
		return 1
	}
	return min(runtime.GOMAXPROCS(0), work/minWork)
}

// Parallel calls f for ranges that cover 0 <= i < n, from up to GOMAXPROCS goroutines, and returns when all are done.
// Ranges start at multiples of grain. work is the number of multiplications or the like of the whole: too little and
// f runs here. f must give each i the same result however the ranges are cut.
func Parallel(n, grain, work int, f func(from, to int)) {
	if n <= 0 {
		return
	}
	units := (n + grain - 1) / grain
	parts := min(workers(work), units)
	if parts <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for part := 1; part < parts; part++ {
		from, to := units*part/parts*grain, min(units*(part+1)/parts*grain, n)
		wg.Go(func() { f(from, to) })
	}
	f(0, units/parts*grain)
	wg.Wait()
}

// scratch is memory for the time of one operation.
type scratch struct{ data []float32 }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// getScratch returns n elements with arbitrary values; put gives them back.
func getScratch(n int) *scratch {
	s := scratches.Get().(*scratch)
	if cap(s.data) < n {
		s.data = make([]float32, n+n/4)
	}
	s.data = s.data[:n]
	return s
}

func (s *scratch) put() { scratches.Put(s) }

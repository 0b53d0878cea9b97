package svm

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// cacheable is the number of examples up to which all their kernels are kept: 64 MiB.
const cacheable = 4096

// cache holds the kernels of all examples, in single precision.
type cache struct {
	size   int
	values []float32
}

// newCache works out all kernels of examples, on all processors; nil when there are too many.
func newCache(ctx context.Context, kernel *Kernel, x [][]float64) *cache {
	n := len(x)
	if n > cacheable {
		return nil
	}
	squares := make([]float64, n)
	for i, v := range x {
		squares[i] = dot(v, v)
	}
	c := &cache{size: n, values: make([]float32, n*n)}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				for j := range x[:i+1] {
					v := float32(kernel.of(dot(x[i], x[j]), squares[i], squares[j]))
					c.values[i*n+j], c.values[j*n+i] = v, v
				}
			}
		})
	}
	wg.Wait()
	return c
}

func (c *cache) at(i, j int) float32 { return c.values[i*c.size+j] }

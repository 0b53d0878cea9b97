package archive

import "io"

// ahead reads its source in a goroutine of its own, so that unpacking and what is done with the bytes share two cores.
// stop ends the goroutine and waits for it.
type ahead struct {
	filled, empty chan []byte
	done, ended   chan struct{}
	current       []byte
	// rest is what of current was not read yet; err is valid once filled is closed.
	rest []byte
	err  error
}

const (
	aheadBuffers = 4
	aheadSize    = 256 << 10
)

func readAhead(r io.Reader) *ahead {
	a := &ahead{
		filled: make(chan []byte, aheadBuffers), empty: make(chan []byte, aheadBuffers),
		done: make(chan struct{}), ended: make(chan struct{}),
	}
	for range aheadBuffers {
		a.empty <- make([]byte, aheadSize)
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.ended)
	defer close(a.filled)
	for {
		select {
		case <-a.done:
			return
		case b := <-a.empty:
			b = b[:aheadSize]
			n, err := 0, error(nil)
			for n < aheadSize && err == nil {
				var more int
				more, err = r.Read(b[n:])
				n += more
			}
			a.err = err
			if n > 0 {
				a.filled <- b[:n] // never blocks: there are no more buffers than places
			}
			if err != nil {
				return
			}
		}
	}
}

// Read implements io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.current != nil {
			a.empty <- a.current
			a.current = nil
		}
		b, ok := <-a.filled
		if !ok {
			return 0, a.err
		}
		a.current, a.rest = b, b
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop must be called once.
func (a *ahead) stop() {
	close(a.done)
	<-a.ended
}

package cli

import (
	"os"
	"runtime"
)

// heapFloor is how much may be allocated, in bytes, before the garbage collector first runs. Half of it is address
// space that is never touched and so takes no memory.
const heapFloor = 128 << 20

// reserve makes the garbage collector of a server let the heap grow by some tens of megabytes between its runs. By
// itself it waits until the heap has doubled, which a bot of a few megabytes does hundreds of times a minute. Whoever
// sets GOGC has decided otherwise. The returned function ends it.
func reserve() (release func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	ballast := make([]byte, heapFloor/2)
	return func() { runtime.KeepAlive(ballast) }
}

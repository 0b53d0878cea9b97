//go:build unix

package archive

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file in memory that is read from disk where it is touched. It stays mapped until the process ends,
// because nobody knows how long parts of it are referred to.
type mapping struct{ data []byte }

func mapFile(f *os.File, size int) (*mapping, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &mapping{data}, nil
}

// evict gives the memory back. What is touched later is read from disk again.
func (m *mapping) evict() { _ = unix.Madvise(m.data, unix.MADV_DONTNEED) }

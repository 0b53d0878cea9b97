//go:build !unix

package archive

import (
	"io"
	"os"
)

// mapping is a file in memory.
type mapping struct{ data []byte }

func mapFile(f *os.File, size int) (*mapping, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, int64(size)), data)
	return &mapping{data}, err
}

func (*mapping) evict() {}

package weights

import (
	"fmt"
	"os"
)

// maxFile bounds the size of a file of weights.
const maxFile = 1 << 36

// MapFile returns what is in a file, mapped from disk where the system can do that: memory is used for what is touched
// only. The data is read-only and stays mapped until the process ends; the file must not be changed.
func MapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch size := info.Size(); {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case size > maxFile:
		return nil, fmt.Errorf("%s has %d bytes", path, size)
	case size == 0:
		return nil, nil
	default:
		return mapFile(f, int(size))
	}
}

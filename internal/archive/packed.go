package archive

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
)

// A packed archive is the cached form of one: a head of fixed size with the length and checksum of a JSON index, the
// index, and the files, aligned so that numbers in them can be used where they lie.
const (
	packedMagic     = "parley packed 1\n"
	packedHead      = len(packedMagic) + 8 + 4
	packedAlignment = 64
	maxIndex        = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type packedIndex struct {
	Manifest Manifest     `json:"manifest"`
	Files    []packedFile `json:"files"`
}

// packedFile is the place of a file; the offset counts from the end of the index.
type packedFile struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	CRC    uint32 `json:"crc32c"`
}

func align(n int64) int64 { return (n + packedAlignment - 1) &^ (packedAlignment - 1) }

// writePacked writes a in packed form.
func (a *Archive) writePacked(w io.Writer) error {
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names)
	index := packedIndex{Manifest: a.Manifest}
	var at int64
	for _, name := range names {
		data := a.files[name]
		index.Files = append(index.Files, packedFile{name, at, int64(len(data)), crc32.Checksum(data, castagnoli)})
		at = align(at + int64(len(data)))
	}
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	head := append(make([]byte, 0, packedHead), packedMagic...)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(text)))
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(text, castagnoli))
	out := bufio.NewWriterSize(w, 1<<18)
	var written int64
	put := func(data []byte) {
		// bufio keeps the first error for Flush.
		n, _ := out.Write(data)
		written += int64(n)
	}
	put(head)
	put(text)
	var padding [packedAlignment]byte
	for _, name := range names {
		put(padding[:align(written)-written])
		put(a.files[name])
	}
	return out.Flush()
}

var errPacked = errors.New("the packed archive is damaged")

// openPacked verifies a packed archive and maps it into memory.
func openPacked(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	index, start, err := readIndex(f, info.Size())
	if err != nil {
		return nil, err
	}
	if err := verifyPacked(f, index, start, info.Size()); err != nil {
		return nil, err
	}
	m, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, err
	}
	a := &Archive{Manifest: index.Manifest, files: make(map[string][]byte, len(index.Files)), mapping: m}
	for _, file := range index.Files {
		from := start + file.Offset
		a.files[file.Name] = m.data[from : from+file.Size : from+file.Size]
	}
	return a, nil
}

// readIndex returns the index and where the files begin.
func readIndex(f *os.File, size int64) (*packedIndex, int64, error) {
	head := make([]byte, packedHead)
	if _, err := f.ReadAt(head, 0); err != nil || string(head[:len(packedMagic)]) != packedMagic || size > math.MaxInt {
		return nil, 0, errPacked
	}
	length := binary.LittleEndian.Uint64(head[len(packedMagic):])
	if length > maxIndex || int64(length) > size-int64(packedHead) {
		return nil, 0, errPacked
	}
	text := make([]byte, length)
	if _, err := f.ReadAt(text, int64(packedHead)); err != nil {
		return nil, 0, err
	}
	index := &packedIndex{}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(head[packedHead-4:]) || json.Unmarshal(text, index) != nil {
		return nil, 0, errPacked
	}
	return index, align(int64(packedHead) + int64(length)), nil
}

// verifyPacked compares the checksums. It reads the file the ordinary way: pages that are mapped count as memory of the
// process once they were touched.
func verifyPacked(f *os.File, index *packedIndex, start, size int64) error {
	buffer := make([]byte, 1<<18)
	for _, file := range index.Files {
		if file.Offset < 0 || file.Size < 0 || file.Offset > size-start || file.Size > size-start-file.Offset {
			return errPacked
		}
		sum := crc32.New(castagnoli)
		if _, err := io.CopyBuffer(onlyWriter{sum}, io.NewSectionReader(f, start+file.Offset, file.Size), buffer); err != nil {
			return err
		}
		if sum.Sum32() != file.CRC {
			return fmt.Errorf("%w: %s", errPacked, file.Name)
		}
	}
	return nil
}

// onlyWriter hides everything of a writer but Write, so that io.CopyBuffer uses its buffer.
type onlyWriter struct{ io.Writer }

package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/parleybot/parley/internal/archive/gunzip"
)

// limits say what an archive may contain. Trained weights hardly shrink when they are packed, so an archive that grows a
// hundredfold to hundreds of megabytes was made to fill the memory.
type limits struct {
	// fileSize and totalSize count unpacked bytes, files the members.
	fileSize, totalSize int64
	files               int
	// From freeSize on the unpacked size may be at most ratio times the packed size.
	freeSize, ratio int64
}

var defaultLimits = limits{fileSize: 4 << 30, totalSize: 16 << 30, files: 100_000, freeSize: 256 << 20, ratio: 100}

// unpack reads all files of a gzipped tar file. The error names the member that is to blame.
func unpack(r io.Reader, l limits) (map[string][]byte, error) {
	packed := &counter{r: r}
	zip, err := gunzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	unzipped := readAhead(zip)
	defer unzipped.stop()
	u := unpacker{limits: l, packed: packed, done: map[string][]byte{}}
	tarball := tar.NewReader(unzipped)
	for {
		h, err := tarball.Next()
		if errors.Is(err, io.EOF) {
			return u.done, finish(unzipped)
		}
		if err != nil {
			return nil, err
		}
		if err := u.member(h, tarball); err != nil {
			return nil, fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
}

// finish reads what is behind the last entry: gzip compares its checksum only when it is read to the end.
func finish(zip io.Reader) error {
	const padding = 16 << 20
	_, err := io.CopyN(io.Discard, zip, padding)
	switch {
	case err == nil:
		return errors.New("it goes on behind its last entry")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

type unpacker struct {
	limits
	packed *counter
	total  int64
	done   map[string][]byte
}

// member reads one entry of a tar file.
func (u *unpacker) member(h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	default:
		return errors.New("it is neither a file nor a folder")
	}
	// Rasa's archives have a nameless root, which shows as a leading slash or "./".
	name := strings.TrimPrefix(strings.TrimPrefix(h.Name, "."), "/")
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return fs.ErrInvalid
	}
	if _, twice := u.done[name]; twice {
		return errors.New("it occurs twice")
	}
	if len(u.done) == u.files {
		return fmt.Errorf("there are more than %d files", u.files)
	}
	if h.Size > u.fileSize || u.total+h.Size > u.totalSize {
		return fmt.Errorf("%d bytes are too much", h.Size)
	}
	data, err := u.read(r, h.Size)
	if err != nil {
		return err
	}
	u.done[name] = data
	return nil
}

// step is how much of a file is read before looking again how much it was packed to.
const step = 64 << 20

// read reads size bytes. Memory is taken as the bytes arrive, because a header can promise anything.
func (u *unpacker) read(r io.Reader, size int64) ([]byte, error) {
	data := []byte{}
	for read := int64(0); read < size; {
		n := min(size-read, step)
		if int64(cap(data)) < read+n {
			grown := make([]byte, read, min(size, max(2*read, n)))
			copy(grown, data)
			data = grown
		}
		data = data[:read+n]
		if _, err := io.ReadFull(r, data[read:]); err != nil {
			return nil, err
		}
		read += n
		u.total += n
		if packed := u.packed.n.Load(); u.total > u.freeSize && u.total > u.ratio*packed {
			return nil, fmt.Errorf("%d bytes out of %d are too much", u.total, packed)
		}
	}
	return data, nil
}

// counter counts what was read through it. The count may be looked at by another goroutine.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

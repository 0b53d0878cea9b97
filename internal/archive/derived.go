package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/parleybot/parley/component"
)

var (
	_ component.Cacher   = (*Resource)(nil)
	_ component.Resource = (*derived)(nil)
)

// Cache implements component.Cacher: the place is in the cache folder of the archive's file, in memory when the archive
// was not loaded from one.
func (r *Resource) Cache() component.Resource {
	if r.archive.cache == nil {
		return &component.MemoryResource{}
	}
	return &derived{r.archive.cache, url.PathEscape(r.prefix[:len(r.prefix)-1])}
}

// derived is where a part keeps what it worked out. Each file ends with the checksum of what is before it.
type derived struct {
	cache *cache
	part  string
}

const checksumSize = 4

// Put implements component.Resource.
func (d *derived) Put(name string, data []byte) error {
	var errs []error
	for _, folder := range d.cache.folders {
		err := d.put(folder, name, data)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("keeping %s: %w", name, errors.Join(errs...))
}

func (d *derived) put(folder, name string, data []byte) error {
	if !fs.ValidPath(name) {
		return fs.ErrInvalid
	}
	dir, err := d.cache.make(folder)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, derivedName, d.part, url.PathEscape(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	defer d.cache.prune(folder)
	return writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return err
		}
		return binary.Write(w, binary.LittleEndian, crc32.Checksum(data, castagnoli))
	})
}

// Get implements component.Resource. A damaged file is as good as none.
func (d *derived) Get(name string) ([]byte, error) {
	for _, folder := range d.cache.folders {
		data, err := os.ReadFile(filepath.Join(folder, d.cache.name, derivedName, d.part, url.PathEscape(name)))
		end := len(data) - checksumSize
		if err == nil && end >= 0 && crc32.Checksum(data[:end], castagnoli) == binary.LittleEndian.Uint32(data[end:]) {
			return data[:end:end], nil
		}
	}
	return nil, fmt.Errorf("derived file %q: %w", name, fs.ErrNotExist)
}

// Names implements component.Resource.
func (d *derived) Names() []string {
	var names []string
	for _, folder := range d.cache.folders {
		entries, err := os.ReadDir(filepath.Join(folder, d.cache.name, derivedName, d.part))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name, err := url.PathUnescape(e.Name()); err == nil && name[:min(len(name), len(tempPrefix))] != tempPrefix {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

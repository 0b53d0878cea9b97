package component

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/parleybot/parley/internal/value"
)

// Resource is where one trained part keeps its files inside a model archive.
type Resource interface {
	// Put stores data under name, replacing what was there. The data is not kept by reference.
	Put(name string, data []byte) error
	// Get returns what was stored under name. The error wraps fs.ErrNotExist when there is nothing. The result must
	// not be changed.
	Get(name string) ([]byte, error)
	// Names lists what is stored, sorted.
	Names() []string
}

// Cacher is a Resource beside which there is a place for what was worked out from it and can be worked out again: a
// model that is trained from data at every load, a converted file.
type Cacher interface {
	// Cache returns that place. It belongs to this content of the Resource: when the Resource's files change it is
	// empty. It may be used by several processes at once, loses files at any time, and Get never returns half a file.
	// What Put cannot keep it drops with an error, which callers may ignore.
	Cache() Resource
}

// CacheOf returns the place beside r, an empty one in memory when there is none.
func CacheOf(r Resource) Resource {
	if c, ok := r.(Cacher); ok {
		return c.Cache()
	}
	return &MemoryResource{}
}

// ReadObject returns the JSON object that is stored under name, nil when there is none. Errors name the file.
func ReadObject(from Resource, name string) (*value.Map, error) {
	data, err := from.Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := value.DecodeObject(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return m, nil
}

// MemoryResource is a Resource that lives in memory. The zero value is ready; it may be used by several goroutines.
type MemoryResource struct {
	mu    sync.RWMutex
	files map[string][]byte
}

var _ Resource = (*MemoryResource)(nil)

// Put implements Resource.
func (m *MemoryResource) Put(name string, data []byte) error {
	if name == "" {
		return errors.New("storing a resource file: empty name")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files == nil {
		m.files = make(map[string][]byte)
	}
	m.files[name] = slices.Clone(data)
	return nil
}

// Get implements Resource.
func (m *MemoryResource) Get(name string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	data, ok := m.files[name]
	if !ok {
		return nil, fmt.Errorf("resource file %q: %w", name, fs.ErrNotExist)
	}
	return data, nil
}

// Names implements Resource.
func (m *MemoryResource) Names() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	names := make([]string, 0, len(m.files))
	for name := range m.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

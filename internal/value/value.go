// Package value holds JSON-like values with Python's semantics, because slot values, event payloads, response
// templates and conditions of a Rasa project are Python objects and users can see the difference: 1 is not
// printed as 1.0, dictionaries keep their order, None prints as "None", and True equals 1.
//
// A value is one of: nil, bool, int64, *big.Int (only beyond 64 bits), float64, string, []any, *Map.
// Every function of this package accepts and returns only these. Values are treated as immutable once they have
// been handed to another package: whoever wants to change one clones it first.
package value

import "iter"

// Map is a dictionary that keeps the order of insertion, like Python's dict. The zero Map is empty and ready to
// use; a nil *Map reads as empty. It is not safe for concurrent writes.
type Map struct {
	entries []entry
	index   map[string]int // built only above smallMap entries
}

type entry struct {
	key   string
	value any
}

// smallMap is the size up to which a linear scan beats hashing.
const smallMap = 8

// NewMap returns a map of the given key, value, key, value, ... pairs. It panics when a key is not a string or a
// value is missing, since pairs are written in code.
func NewMap(pairs ...any) *Map {
	m := &Map{entries: make([]entry, 0, len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		m.Set(pairs[i].(string), pairs[i+1])
	}
	return m
}

// NewMapOf returns an empty map with space for size entries.
func NewMapOf(size int) *Map { return &Map{entries: make([]entry, 0, size)} }

// Len returns the number of entries.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.entries)
}

func (m *Map) find(key string) int {
	if m == nil {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].key == key {
			return i
		}
	}
	return -1
}

// Get returns the value of key and whether the key is present (it may be present with the value nil).
func (m *Map) Get(key string) (any, bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].value, true
	}
	return nil, false
}

// Value returns the value of key, nil when it is absent (Python's dict.get).
func (m *Map) Value(key string) any {
	v, _ := m.Get(key)
	return v
}

// String returns the value of key when it is a string, otherwise "".
func (m *Map) String(key string) string {
	s, _ := m.Value(key).(string)
	return s
}

// Map returns the value of key when it is a map, otherwise nil (which reads as empty).
func (m *Map) Map(key string) *Map {
	v, _ := m.Value(key).(*Map)
	return v
}

// List returns the value of key when it is a list, otherwise nil.
func (m *Map) List(key string) []any {
	v, _ := m.Value(key).([]any)
	return v
}

// Has reports whether key is present.
func (m *Map) Has(key string) bool { return m.find(key) >= 0 }

// Set stores value under key: at the end when the key is new, in place otherwise. It returns the map for chaining.
func (m *Map) Set(key string, v any) *Map {
	if i := m.find(key); i >= 0 {
		m.entries[i].value = v
		return m
	}
	m.entries = append(m.entries, entry{key, v})
	switch {
	case m.index != nil:
		m.index[key] = len(m.entries) - 1
	case len(m.entries) > smallMap:
		m.reindex()
	}
	return m
}

// Delete removes key; the others keep their order.
func (m *Map) Delete(key string) {
	i := m.find(key)
	if i < 0 {
		return
	}
	m.entries = append(m.entries[:i], m.entries[i+1:]...)
	if m.index != nil {
		m.reindex()
	}
}

func (m *Map) reindex() {
	m.index = make(map[string]int, len(m.entries))
	for i := range m.entries {
		m.index[m.entries[i].key] = i
	}
}

// All iterates over the entries in order of insertion.
func (m *Map) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if m == nil {
			return
		}
		for i := range m.entries {
			if !yield(m.entries[i].key, m.entries[i].value) {
				return
			}
		}
	}
}

// Keys returns the keys in order of insertion.
func (m *Map) Keys() []string {
	keys := make([]string, 0, m.Len())
	for k := range m.All() {
		keys = append(keys, k)
	}
	return keys
}

// Clone returns a copy that shares the values but not the entries.
func (m *Map) Clone() *Map {
	c := &Map{}
	if m == nil {
		return c
	}
	c.entries = append(make([]entry, 0, len(m.entries)+2), m.entries...)
	if len(c.entries) > smallMap {
		c.reindex()
	}
	return c
}

// Update sets every entry of other in m (Python's dict.update) and returns m.
func (m *Map) Update(other *Map) *Map {
	fresh := 0
	for k := range other.All() {
		if !m.Has(k) {
			fresh++
		}
	}
	if need := len(m.entries) + fresh; need > cap(m.entries) {
		m.entries = append(make([]entry, 0, need), m.entries...)
	}
	for k, v := range other.All() {
		m.Set(k, v)
	}
	return m
}

// Strings turns a list of strings into a value.
func Strings(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

// MarshalJSON writes the map with its order kept.
func (m *Map) MarshalJSON() ([]byte, error) { return Encode(m, Compact), nil }

package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	metadataKey = "__metadata__"
	// lengthSize is the size of the header's length.
	lengthSize = 8
	// maxHeader is the limit of the reference implementation.
	maxHeader = 100_000_000
	// alignment is where the first tensor of a file that is written here begins, and with it every tensor of whole
	// cache lines.
	alignment = 64
)

type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// Read returns the tensors of a safetensors file. They refer to data. Every byte behind the header must belong to
// exactly one tensor. The error names the tensor that is to blame.
func Read(data []byte) (*Set, error) {
	if len(data) < lengthSize {
		return nil, fmt.Errorf("reading safetensors: %d bytes are too short for a file", len(data))
	}
	length := binary.LittleEndian.Uint64(data)
	body := data[lengthSize:]
	if length > maxHeader || length > uint64(len(body)) {
		return nil, fmt.Errorf("reading safetensors: a header of %d bytes does not fit a file of %d", length, len(data))
	}
	s := New()
	entries, err := s.readHeader(body[:length])
	if err != nil {
		return nil, fmt.Errorf("reading safetensors: %w", err)
	}
	if err := s.place(entries, body[length:]); err != nil {
		return nil, fmt.Errorf("reading safetensors: %w", err)
	}
	return s, nil
}

// readHeader decodes the entries, refusing what encoding/json would pass over: a name that occurs twice.
func (s *Set) readHeader(header []byte) (map[string]entry, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("the header is no JSON object"), err)
	}
	entries := map[string]entry{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		name, _ := t.(string) // a key is always a string
		if name == metadataKey {
			if err := d.Decode(&s.Metadata); err != nil {
				return nil, fmt.Errorf("header: %s: %w", metadataKey, err)
			}
			continue
		}
		if _, twice := entries[name]; twice {
			return nil, fmt.Errorf("tensor %q: it occurs twice", name)
		}
		var e entry
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries[name] = e
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the header goes on behind its JSON object")
	}
	return entries, nil
}

// place cuts the tensors out of data.
func (s *Set) place(entries map[string]entry, data []byte) error {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := entries[a].Offsets, entries[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(a, b))
	})
	var end int64
	for _, name := range names {
		from, to := entries[name].Offsets[0], entries[name].Offsets[1]
		switch {
		case from < 0 || to < from || to > int64(len(data)):
			return fmt.Errorf("tensor %q: bytes %d to %d are not within the %d of the file", name, from, to, len(data))
		case from != end:
			return fmt.Errorf("tensor %q: it begins at byte %d, not at %d where the one before it ends", name, from, end)
		}
		if err := s.Put(name, Tensor{entries[name].DType, entries[name].Shape, data[from:to:to]}); err != nil {
			return err
		}
		end = to
	}
	if end != int64(len(data)) {
		return fmt.Errorf("%d bytes at the end belong to no tensor", int64(len(data))-end)
	}
	return nil
}

// Bytes returns the set as a safetensors file. Equal sets give equal bytes.
func (s *Set) Bytes() ([]byte, error) {
	var out bytes.Buffer
	out.Grow(s.size())
	if err := s.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// size is about the number of bytes of the file, never less than those of the tensors.
func (s *Set) size() int {
	const header = 256 // a tensor's part of it, more or less
	n := header
	for _, t := range s.tensors {
		n += len(t.Data) + header
	}
	return n
}

// Write writes the set as a safetensors file, the largest element types first so that all tensors are aligned.
func (s *Set) Write(w io.Writer) error {
	names := s.Names()
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(s.tensors[b].DType.Size(), s.tensors[a].DType.Size())
	})
	header, err := s.header(names)
	if err != nil {
		return fmt.Errorf("writing safetensors: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("writing safetensors: %w", err)
	}
	for _, name := range names {
		if _, err := w.Write(s.tensors[name].Data); err != nil {
			return fmt.Errorf("writing safetensors: tensor %q: %w", name, err)
		}
	}
	return nil
}

// header returns all that stands before the tensors, which follow in the order of names.
func (s *Set) header(names []string) ([]byte, error) {
	out := append(make([]byte, lengthSize), '{')
	add := func(key string, v any) error {
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		b, err := json.Marshal(v)
		out = append(append(append(out, k...), ':'), b...)
		return err
	}
	if len(s.Metadata) > 0 {
		if err := add(metadataKey, s.Metadata); err != nil {
			return nil, err
		}
	}
	var at int64
	for _, name := range names {
		t := s.tensors[name]
		end := at + int64(len(t.Data))
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		if err := add(name, entry{t.DType, shape, [2]int64{at, end}}); err != nil {
			return nil, err
		}
		at = end
	}
	out = append(out, '}')
	for len(out)%alignment != 0 {
		out = append(out, ' ')
	}
	binary.LittleEndian.PutUint64(out, uint64(len(out)-lengthSize))
	return out, nil
}

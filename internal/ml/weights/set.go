package weights

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrMissing is wrapped by the error for a tensor that a set does not have.
var ErrMissing = errors.New("there is no such tensor")

// maxRank bounds the dimensions of a tensor.
const maxRank = 32

// Tensor is one array: its elements lie in Data row by row, little-endian. Data may be read-only memory.
type Tensor struct {
	DType DType
	// Shape is empty for a single number.
	Shape []int
	Data  []byte
}

// Len returns the number of elements.
func (t Tensor) Len() int {
	if size := t.DType.Size(); size > 0 {
		return len(t.Data) / size
	}
	return 0
}

// check returns what is wrong with t.
func (t Tensor) check() error {
	size := t.DType.Size()
	if size == 0 {
		return fmt.Errorf("element type %q is not known", string(t.DType))
	}
	n, err := elements(t.Shape)
	if err != nil {
		return err
	}
	if n > math.MaxInt/size || n*size != len(t.Data) {
		return fmt.Errorf("shape %v of %s does not fit %d bytes", t.Shape, t.DType, len(t.Data))
	}
	return nil
}

func elements(shape []int) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("a shape of %d dimensions is more than %d", len(shape), maxRank)
	}
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d != 0 && n > math.MaxInt/d {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= d
	}
	return n, nil
}

// Set is a collection of named tensors. It is filled by one goroutine and then read by any number.
type Set struct {
	// Metadata are remarks about the whole set, kept in the file.
	Metadata map[string]string
	tensors  map[string]Tensor
}

// New returns an empty set.
func New() *Set { return &Set{tensors: map[string]Tensor{}} }

// Put adds a tensor or replaces it. Its data is kept by reference. The error names the tensor.
func (s *Set) Put(name string, t Tensor) error {
	if name == metadataKey || name == "" {
		return fmt.Errorf("tensor %q: the name cannot be used", name)
	}
	if err := t.check(); err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	s.tensors[name] = t
	return nil
}

// Len returns the number of tensors.
func (s *Set) Len() int { return len(s.tensors) }

// Names lists the tensors, sorted.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.tensors))
	for name := range s.tensors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Has reports whether there is a tensor called name.
func (s *Set) Has(name string) bool {
	_, ok := s.tensors[name]
	return ok
}

// Tensor returns the tensor called name. The error wraps ErrMissing.
func (s *Set) Tensor(name string) (Tensor, error) {
	t, ok := s.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, ErrMissing)
	}
	return t, nil
}

// Shape returns the shape of the tensor called name, nil when there is none or when it is a single number.
func (s *Set) Shape(name string) []int { return s.tensors[name].Shape }

// typed returns the tensor called name if it has this type and shape. A dimension of -1 fits any; without dimensions
// any shape does.
func (s *Set) typed(name string, want DType, shape []int) (Tensor, error) {
	t, err := s.Tensor(name)
	if err != nil {
		return t, err
	}
	if t.DType != want {
		return t, fmt.Errorf("tensor %q: it has elements of type %s, not %s", name, t.DType, want)
	}
	return t, s.fits(name, t, shape)
}

func (s *Set) fits(name string, t Tensor, shape []int) error {
	if len(shape) == 0 {
		return nil
	}
	same := len(shape) == len(t.Shape)
	for i := 0; same && i < len(shape); i++ {
		same = shape[i] == -1 || shape[i] == t.Shape[i]
	}
	if !same {
		return fmt.Errorf("tensor %q: it has shape %v, not %v", name, t.Shape, shape)
	}
	return nil
}

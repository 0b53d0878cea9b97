package skops

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/parleybot/parley/internal/value"
)

const (
	schemaFile = "schema.json"
	// maxProtocol is the newest format that is known.
	maxProtocol = 1
	// maxMember bounds one file inside, maxRatio how much larger than the whole it may be once unpacked.
	maxMember = 1 << 30
	maxRatio  = 1000
	// maxDepth bounds nodes within nodes.
	maxDepth = 64
)

// Object is an instance of a Python class.
type Object struct {
	// Class is the full name: "sklearn.svm._classes.SVC".
	Class string
	// Attributes are its attributes; empty, never nil.
	Attributes *value.Map
}

// Array returns the attribute called name as an array. Errors name class and attribute.
func (o *Object) Array(name string) (*Array, error) {
	a, ok := o.Attributes.Value(name).(*Array)
	if !ok {
		return nil, fmt.Errorf("%s has no array %q", o.Class, name)
	}
	return a, nil
}

// Floats returns the attribute called name as an array of floating-point numbers, row by row. When dimensions are
// given the array must have this shape, where -1 stands for any size.
func (o *Object) Floats(name string, shape ...int) ([]float64, error) {
	a, err := o.Array(name)
	if err != nil {
		return nil, err
	}
	if err := a.fits(shape); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", o.Class, name, err)
	}
	out, err := a.Floats()
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", o.Class, name, err)
	}
	return out, nil
}

// Ints is Floats for whole numbers.
func (o *Object) Ints(name string, shape ...int) ([]int, error) {
	a, err := o.Array(name)
	if err != nil {
		return nil, err
	}
	if err := a.fits(shape); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", o.Class, name, err)
	}
	out, err := a.Ints()
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", o.Class, name, err)
	}
	return out, nil
}

// Type is a Python type or class as a value: "builtins.int".
type Type string

// Decode reads a skops file. The result consists of nil, bool, int64, *big.Int, float64, string, []byte, []any (lists,
// tuples, sets and slices), *value.Map (dictionaries, their keys as text), *Array, *Object and Type. The error names
// the place in the tree.
func Decode(data []byte) (any, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("reading skops: %w", err)
	}
	d := &decoder{files: map[string]*zip.File{}, size: uint64(len(data))}
	for _, f := range z.File {
		if _, twice := d.files[f.Name]; twice {
			return nil, fmt.Errorf("reading skops: member %q occurs twice", f.Name)
		}
		d.files[f.Name] = f
	}
	schema, err := d.member(schemaFile)
	if err != nil {
		return nil, fmt.Errorf("reading skops: %w", err)
	}
	root, err := value.DecodeObject(schema)
	if err != nil {
		return nil, fmt.Errorf("reading skops: %s: %w", schemaFile, err)
	}
	if p, ok := root.Value("protocol").(int64); !ok || p < 0 || p > maxProtocol {
		return nil, fmt.Errorf("reading skops: protocol %v is not known", root.Value("protocol"))
	}
	v, err := d.node(root, 0)
	if err != nil {
		return nil, fmt.Errorf("reading skops: %w", err)
	}
	return v, nil
}

// DecodeObject is Decode for a file that holds an object of the given class.
func DecodeObject(data []byte, class string) (*Object, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, errors.New("reading skops: the file holds no object")
	}
	if o.Class != class {
		return nil, fmt.Errorf("reading skops: the file holds a %s, not a %s", o.Class, class)
	}
	return o, nil
}

type decoder struct {
	files map[string]*zip.File
	size  uint64
	// unpacked counts the bytes of members that were read.
	unpacked uint64
}

// member returns a file inside the zip file.
func (d *decoder) member(name string) ([]byte, error) {
	f, ok := d.files[name]
	if !ok {
		return nil, fmt.Errorf("member %q is missing", name)
	}
	d.unpacked += f.UncompressedSize64
	if f.UncompressedSize64 > maxMember || d.unpacked > maxRatio*d.size {
		return nil, fmt.Errorf("member %q: %d bytes are too much for a file of %d", name, f.UncompressedSize64, d.size)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", name, err)
	}
	defer r.Close()
	// The reader of package zip gives no more bytes than the header says.
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", name, err)
	}
	return data, nil
}

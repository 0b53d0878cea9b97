package endpoint

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode"

	"github.com/parleybot/parley/internal/value"
)

// Shape is what a JSON value must look like: as much of JSON Schema as Rasa's protocols use. The zero Shape takes
// anything. A Shape is not changed after it was made.
type Shape struct {
	// Types are the names of JSON Schema, of which one must fit; empty means any.
	Types []string
	// Required and Fields are about objects, Items is about each item of a list.
	Required []string
	Fields   []Field
	Items    *Shape
	// Word is the shape of every entry of an object whose key has a letter, digit, underscore or slash.
	Word *Shape
	// OneOf are shapes of which exactly one must fit.
	OneOf []*Shape
	// By names a field whose text chooses among Cases the shape that the object must have, too.
	By    string
	Cases map[string]*Shape
}

// Field is the shape of one entry of an object, if it is there.
type Field struct {
	Name  string
	Shape *Shape
}

// Check returns what is wrong with v, nil when it fits. The error names the place, not what stands there.
func (s *Shape) Check(v any) error {
	if s == nil {
		return nil
	}
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(t string) bool { return isA(v, t) }) {
		return fmt.Errorf("must be %s, not %s", strings.Join(s.Types, " or "), value.TypeName(v))
	}
	if err := s.checkObject(v); err != nil {
		return err
	}
	if list, ok := v.([]any); ok && s.Items != nil {
		for i, item := range list {
			if err := s.Items.Check(item); err != nil {
				return at(fmt.Sprintf("[%d]", i), err)
			}
		}
	}
	if len(s.OneOf) == 0 {
		return nil
	}
	fitting := 0
	for _, one := range s.OneOf {
		if one.Check(v) == nil {
			fitting++
		}
	}
	if fitting != 1 {
		return fmt.Errorf("must fit exactly one of %d shapes, fits %d", len(s.OneOf), fitting)
	}
	return nil
}

func (s *Shape) checkObject(v any) error {
	m, ok := v.(*value.Map)
	if !ok {
		return nil
	}
	for _, key := range s.Required {
		if !m.Has(key) {
			return fmt.Errorf("has no field %q", key)
		}
	}
	for _, f := range s.Fields {
		item, ok := m.Get(f.Name)
		if !ok {
			continue
		}
		if err := f.Shape.Check(item); err != nil {
			return at("."+f.Name, err)
		}
	}
	if s.Word != nil {
		for key, item := range m.All() {
			if !strings.ContainsFunc(key, isWord) {
				continue
			}
			if err := s.Word.Check(item); err != nil {
				return at("."+key, err)
			}
		}
	}
	if s.By == "" {
		return nil
	}
	name, _ := m.Value(s.By).(string)
	chosen, ok := s.Cases[name]
	if !ok {
		return fmt.Errorf("has an unknown %s %q", s.By, shorten(name))
	}
	return chosen.Check(v)
}

// pathError is a problem with the place where it is.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return strings.TrimPrefix(e.path, ".") + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

func at(step string, err error) error {
	var inner *pathError
	if errors.As(err, &inner) {
		return &pathError{step + inner.path, inner.err}
	}
	return &pathError{step, err}
}

func isWord(r rune) bool {
	return r == '/' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isA reports whether v has a type of JSON Schema. As there, a bool is no number, and 1.0 is an integer.
func isA(v any, typ string) bool {
	switch v := v.(type) {
	case nil:
		return typ == "null"
	case bool:
		return typ == "boolean"
	case string:
		return typ == "string"
	case []any:
		return typ == "array"
	case *value.Map:
		return typ == "object"
	case int64, *big.Int:
		return typ == "integer" || typ == "number"
	case float64:
		return typ == "number" || typ == "integer" && v == math.Trunc(v) && !math.IsInf(v, 0)
	}
	return false
}

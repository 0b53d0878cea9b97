// Package jsonschema checks values against the part of JSON schema that Rasa's own schemas use, and words what is
// wrong as Python's jsonschema 4.17.3 does: Rasa answers HTTP requests with these texts, schema and all. For anything
// that need not be told in Python's words a schema library is the better choice.
//
// Known keywords: type, properties, patternProperties, required, items, const, oneOf. Others are ignored.
package jsonschema

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/internal/value"
)

// Error says where a value does not fit a schema.
type Error struct {
	// Message is one sentence.
	Message string

	keyword      string
	path         []any // relative to the error this one is part of
	schemaPath   []any
	instance     any
	schema       *value.Map
	alternatives []*Error // what the parts of oneOf found
}

// Validate returns what is wrong with v, the most telling of several errors, or nil.
func Validate(schema *value.Map, v any) error {
	if e := bestMatch(check(schema, v)); e != nil {
		return e
	}
	return nil
}

// check returns all errors of v, in the order of the schema's keywords.
func check(schema *value.Map, v any) []*Error {
	var errs []*Error
	for keyword, arg := range schema.All() {
		f := keywords[keyword]
		if f == nil {
			continue
		}
		for _, e := range f(arg, v) {
			if e.schema == nil {
				e.keyword, e.instance, e.schema = keyword, v, schema
			}
			e.schemaPath = append([]any{keyword}, e.schemaPath...)
			errs = append(errs, e)
		}
	}
	return errs
}

// descend checks a part of a value. path and schemaPath, unless nil, lead there.
func descend(schema, v, path, schemaPath any) []*Error {
	s, _ := schema.(*value.Map)
	errs := check(s, v)
	for _, e := range errs {
		if path != nil {
			e.path = append([]any{path}, e.path...)
		}
		if schemaPath != nil {
			e.schemaPath = append([]any{schemaPath}, e.schemaPath...)
		}
	}
	return errs
}

var keywords map[string]func(arg, v any) []*Error

func init() { // a variable initialiser would refer to itself through check
	keywords = map[string]func(arg, v any) []*Error{
		"type": checkType, "const": checkConst, "required": checkRequired, "properties": checkProperties,
		"patternProperties": checkPatterns, "items": checkItems, "oneOf": checkOneOf,
	}
}

func fail(format string, args ...any) []*Error {
	return []*Error{{Message: fmt.Sprintf(format, args...)}}
}

func checkType(arg, v any) []*Error {
	if isAny(v, arg) {
		return nil
	}
	names, ok := arg.([]any)
	if !ok {
		names = []any{arg}
	}
	reprs := make([]string, len(names))
	for i, name := range names {
		reprs[i] = value.Repr(name)
	}
	return fail("%s is not of type %s", value.Repr(v), strings.Join(reprs, ", "))
}

// isAny reports whether v is of the type, or of one of the types, that arg names.
func isAny(v, arg any) bool {
	names, ok := arg.([]any)
	if !ok {
		names = []any{arg}
	}
	for _, name := range names {
		if s, _ := name.(string); is(v, s) {
			return true
		}
	}
	return false
}

func is(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case int64, *big.Int:
		return name == "number" || name == "integer"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v) && !math.IsInf(v, 0)
	case []any:
		return name == "array"
	case *value.Map:
		return name == "object"
	}
	return false
}

func checkConst(arg, v any) []*Error {
	_, isBool := arg.(bool)
	_, gotBool := v.(bool)
	if isBool == gotBool && value.Equal(arg, v) {
		return nil
	}
	return fail("%s was expected", value.Repr(arg))
}

func checkRequired(arg, v any) []*Error {
	m, ok := v.(*value.Map)
	names, _ := arg.([]any)
	if !ok {
		return nil
	}
	var errs []*Error
	for _, name := range names {
		if s, _ := name.(string); !m.Has(s) {
			errs = append(errs, fail("%s is a required property", value.Repr(name))...)
		}
	}
	return errs
}

func checkProperties(arg, v any) []*Error {
	m, ok := v.(*value.Map)
	properties, _ := arg.(*value.Map)
	if !ok {
		return nil
	}
	var errs []*Error
	for name, schema := range properties.All() {
		if inner, ok := m.Get(name); ok {
			errs = append(errs, descend(schema, inner, name, name)...)
		}
	}
	return errs
}

func checkPatterns(arg, v any) []*Error {
	m, ok := v.(*value.Map)
	patterns, _ := arg.(*value.Map)
	if !ok {
		return nil
	}
	var errs []*Error
	for pattern, schema := range patterns.All() {
		re, err := pyre.Compile(pattern, 0)
		if err != nil {
			errs = append(errs, fail("%v", err)...)
			continue
		}
		for name, inner := range m.All() {
			if found, err := re.Search(name); err == nil && found {
				errs = append(errs, descend(schema, inner, name, pattern)...)
			}
		}
	}
	return errs
}

func checkItems(arg, v any) []*Error {
	list, _ := v.([]any)
	var errs []*Error
	for i, item := range list {
		errs = append(errs, descend(arg, item, int64(i), nil)...)
	}
	return errs
}

func checkOneOf(arg, v any) []*Error {
	schemas, _ := arg.([]any)
	var failed []*Error
	var fits []any
	for i, s := range schemas {
		errs := descend(s, v, nil, int64(i))
		if len(errs) == 0 {
			fits = append(fits, s)
		} else if len(fits) == 0 {
			failed = append(failed, errs...)
		}
	}
	switch len(fits) {
	case 0:
		return []*Error{{Message: value.Repr(v) + " is not valid under any of the given schemas", alternatives: failed}}
	case 1:
		return nil
	}
	var reprs []string
	for _, s := range append(fits[1:], fits[0]) {
		reprs = append(reprs, value.Repr(s))
	}
	return fail("%s is valid under each of %s", value.Repr(v), strings.Join(reprs, ", "))
}

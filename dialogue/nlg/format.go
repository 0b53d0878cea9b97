package nlg

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// missingError is Python's KeyError: a name without value, which makes Rasa say the text as it is written.
type missingError struct{ name string }

func (e *missingError) Error() string {
	return fmt.Sprintf("no slot and no argument is called %q", e.name)
}

// root stands for the dictionary of all values, argument 0 of the format.
type root struct{}

// environment is where a format finds values.
type environment interface {
	lookup(name string) (any, bool)
	// all returns the dictionary itself, for "{}".
	all() *value.Map
}

// none is the environment of str.format({}).
type none struct{}

func (none) lookup(string) (any, bool) { return nil, false }
func (none) all() *value.Map           { return &value.Map{} }

// segment is a piece of a format string: a literal, then a field, an error or nothing.
type segment struct {
	literal string
	field   *field
	err     error
}

// field is what stands between braces.
type field struct {
	// name is everything before the conversion and the format spec.
	name       string
	conversion bool
	spec       string
	// nested tells that the spec holds fields of its own.
	nested bool
}

// parseFormat splits s as Python's string formatter does. An error is the last segment: Python too finds it only after
// it has filled in all fields before.
func parseFormat(s string) []segment {
	var out []segment
	for s != "" {
		var seg segment
		i := strings.IndexAny(s, "{}")
		switch {
		case i < 0:
			seg.literal, s = s, ""
		case i+1 < len(s) && s[i+1] == s[i]:
			seg.literal, s = s[:i+1], s[i+2:]
		case s[i] == '}' || i+1 == len(s):
			seg.err = fmt.Errorf("single %q", s[i:i+1])
		default:
			seg.literal = s[:i]
			seg.field, s, seg.err = parseField(s[i+1:])
		}
		out = append(out, seg)
		if seg.err != nil {
			break
		}
	}
	return out
}

// parseField reads a field up to its closing brace and returns what follows.
func parseField(s string) (*field, string, error) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			return nil, "", errors.New("unexpected '{' in a field name")
		case '[':
			if end := strings.IndexByte(s[i:], ']'); end >= 0 {
				i += end
			} else {
				i = len(s)
			}
		case '}':
			return &field{name: s[:i]}, s[i+1:], nil
		case ':':
			return parseSpec(&field{name: s[:i]}, s[i+1:])
		case '!':
			return parseConversion(&field{name: s[:i], conversion: true}, s[i+1:])
		}
	}
	return nil, "", errors.New("expected '}' before the end")
}

func parseConversion(f *field, s string) (*field, string, error) {
	_, size := utf8.DecodeRuneInString(s)
	rest := s[size:]
	switch {
	case s == "":
		return nil, "", errors.New("the end while looking for a conversion specifier")
	case rest == "":
		return nil, "", errors.New("unmatched '{' in a format spec")
	case rest[0] == '}':
		return f, rest[1:], nil
	case rest[0] != ':':
		return nil, "", errors.New("expected ':' after a conversion specifier")
	}
	return parseSpec(f, rest[1:])
}

func parseSpec(f *field, s string) (*field, string, error) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			f.nested = true
			depth++
		case '}':
			if depth--; depth == 0 {
				f.spec = s[:i]
				return f, s[i+1:], nil
			}
		}
	}
	return nil, "", errors.New("unmatched '{' in a format spec")
}

// formatter fills the fields of a format string with values (str.format(values)). Conversions and format specs that are
// not empty are errors: the interpolator puts what users write there into the name, so only a field that holds a line
// break could have any.
type formatter struct {
	env environment
	// auto counts the fields without name; numbered and unnumbered tell which kind was met.
	auto                 int
	numbered, unnumbered bool
}

// maxDepth is how deep fields may be nested in format specs, the outermost included.
const maxDepth = 2

// format returns s with its fields filled. The error is a *missingError where Python has a KeyError.
func format(s string, env environment) (string, error) {
	f := formatter{env: env}
	return f.format(s, maxDepth)
}

func (f *formatter) format(s string, depth int) (string, error) {
	if depth == 0 {
		return "", errors.New("fields are nested too deep")
	}
	var out []byte
	for _, seg := range parseFormat(s) {
		if seg.err != nil {
			return "", seg.err
		}
		out = append(out, seg.literal...)
		if seg.field == nil {
			continue
		}
		v, err := f.object(seg.field.name)
		if err != nil {
			return "", err
		}
		spec := seg.field.spec
		if seg.field.nested {
			if spec, err = f.format(spec, depth-1); err != nil {
				return "", err
			}
		}
		if spec != "" || seg.field.conversion {
			return "", fmt.Errorf("field %q has a conversion or format spec", seg.field.name)
		}
		if _, ok := v.(root); ok {
			v = f.env.all()
		}
		out = appendText(out, v)
	}
	return string(out), nil
}

// appendText appends Python's str(v).
func appendText(dst []byte, v any) []byte {
	if s, ok := v.(string); ok {
		return append(dst, s...)
	}
	return value.AppendRepr(dst, v)
}

// object finds what a field name like "0[a][2]" stands for.
func (f *formatter) object(name string) (any, error) {
	first, rest := name, ""
	if i := strings.IndexAny(name, ".["); i >= 0 {
		first, rest = name[:i], name[i:]
	}
	index, err := integer(first)
	if err != nil {
		return nil, err
	}
	if first == "" {
		f.unnumbered = true
		index = f.auto
		f.auto++
	} else if index >= 0 {
		f.numbered = true
	}
	switch {
	case (first == "" || index >= 0) && f.numbered && f.unnumbered:
		return nil, errors.New("fields with and without a number in one text")
	case index < 0:
		return nil, &missingError{first}
	case index > 0:
		return nil, fmt.Errorf("there is no positional value %d", index)
	}
	return f.walk(root{}, rest)
}

// walk follows the ".attribute" and "[item]" parts of a field name.
func (f *formatter) walk(v any, rest string) (any, error) {
	for rest != "" {
		switch rest[0] {
		case '.':
			return nil, fmt.Errorf("values have no attributes: %q", rest)
		case '[':
		default:
			return nil, errors.New("only '.' or '[' may follow ']' in a field")
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, errors.New("missing ']'")
		}
		key := rest[1:end]
		rest = rest[end+1:]
		index, err := integer(key)
		if err != nil {
			return nil, err
		}
		if key == "" {
			return nil, errors.New("empty name in a field")
		}
		if v, err = f.item(v, key, index); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// item is v[index] when index is not negative, otherwise v[key].
func (f *formatter) item(v any, key string, index int) (any, error) {
	switch v := v.(type) {
	case root:
		if found, ok := f.env.lookup(key); ok && index < 0 {
			return found, nil
		}
		return nil, &missingError{key}
	case *value.Map:
		if found, ok := v.Get(key); ok && index < 0 {
			return found, nil
		}
		return nil, &missingError{key}
	case []any:
		if index >= 0 && index < len(v) {
			return v[index], nil
		}
	case string:
		if runes := []rune(v); index >= 0 && index < len(runes) {
			return string(runes[index]), nil
		}
	}
	return nil, fmt.Errorf("%s has no item %q", value.TypeName(v), key)
}

// integer returns the number that s consists of, -1 when s is not all digits.
func integer(s string) (int, error) {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return -1, nil
		}
		digit := int(r - '0')
		if n > (math.MaxInt-digit)/10 {
			return 0, errors.New("too many digits in a field")
		}
		n = n*10 + digit
	}
	if s == "" {
		return -1, nil
	}
	return n, nil
}

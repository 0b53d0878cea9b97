package value

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Format says how Append and Encode write JSON. Formats are combined with |; the zero value is json.dumps without
// options.
type Format uint8

const (
	// JSON is json.dumps(v): ", " and ": " as separators, only ASCII characters.
	JSON Format = 0
	// Compact is separators=(",", ":").
	Compact Format = 1 << iota
	// Unicode is ensure_ascii=False.
	Unicode
	// SortKeys is sort_keys=True.
	SortKeys
	// Indent2 is indent=2.
	Indent2
	// Indent4 is indent=4.
	Indent4
	ujson
	// Sanic is what sanic.response.json writes: ujson.dumps(v), which escapes "/", uses no spaces and writes
	// exponents without padding.
	Sanic = ujson | Compact
)

// Encode returns v as JSON in format f.
func Encode(v any, f Format) []byte { return Append(make([]byte, 0, 128), v, f) }

// Append appends v as JSON in format f to dst. NaN and infinities are written as NaN, Infinity and -Infinity. A Go
// value that is none of this package's types is converted with FromGo.
func Append(dst []byte, v any, f Format) []byte {
	return encoder{f}.value(dst, v, 0)
}

type encoder struct{ f Format }

func (e encoder) value(dst []byte, v any, level int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return e.text(dst, v)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case float64:
		return e.float(dst, v)
	case *Map:
		return e.object(dst, v, level)
	case []any:
		return e.list(dst, v, level)
	case int64:
		return appendInt(dst, v)
	case *big.Int:
		return v.Append(dst, 10)
	}
	return e.value(dst, FromGo(v), level)
}

func (e encoder) object(dst []byte, m *Map, level int) []byte {
	if m.Len() == 0 {
		return append(dst, "{}"...)
	}
	entries := m.entries
	if e.f&SortKeys != 0 {
		entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return strings.Compare(a.key, b.key) })
	}
	dst = append(dst, '{')
	for i := range entries {
		dst = e.separate(dst, i, level+1)
		dst = e.text(dst, entries[i].key)
		if e.f&Compact != 0 {
			dst = append(dst, ':')
		} else {
			dst = append(dst, ": "...)
		}
		dst = e.value(dst, entries[i].value, level+1)
	}
	return append(e.newline(dst, level), '}')
}

func (e encoder) list(dst []byte, items []any, level int) []byte {
	if len(items) == 0 {
		return append(dst, "[]"...)
	}
	dst = append(dst, '[')
	for i, v := range items {
		dst = e.separate(dst, i, level+1)
		dst = e.value(dst, v, level+1)
	}
	return append(e.newline(dst, level), ']')
}

// separate writes what stands before item i.
func (e encoder) separate(dst []byte, i, level int) []byte {
	switch {
	case i == 0:
	case e.f&(Compact|Indent2|Indent4) != 0:
		dst = append(dst, ',')
	default:
		dst = append(dst, ", "...)
	}
	return e.newline(dst, level)
}

func (e encoder) newline(dst []byte, level int) []byte {
	width := 0
	switch {
	case e.f&Indent2 != 0:
		width = 2
	case e.f&Indent4 != 0:
		width = 4
	default:
		return dst
	}
	dst = append(dst, '\n')
	for range level * width {
		dst = append(dst, ' ')
	}
	return dst
}

func (e encoder) float(dst []byte, f float64) []byte {
	start := len(dst)
	dst = appendFloat(dst, f)
	switch last := dst[len(dst)-1]; {
	case last == 'n':
		return append(dst[:start], "NaN"...)
	case last == 'f' && f > 0:
		return append(dst[:start], "Infinity"...)
	case last == 'f':
		return append(dst[:start], "-Infinity"...)
	}
	if n := len(dst); e.f&ujson != 0 && n-start > 4 && dst[n-4] == 'e' && dst[n-2] == '0' {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// plainASCII reports whether c is written as it is.
func (e encoder) plainASCII(c byte) bool {
	switch {
	case c < ' ' || c == '"' || c == '\\':
		return false
	case c == '/':
		return e.f&ujson == 0
	case c == 0x7f:
		return e.f&(ujson|Unicode) != 0
	}
	return c < utf8.RuneSelf
}

func (e encoder) text(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if e.plainASCII(s[i]) {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && e.f&Unicode != 0 && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = e.escape(dst, r)
		i += size
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func (e encoder) escape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\', '/':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r == utf8.RuneError && e.f&Unicode != 0 {
		return utf8.AppendRune(dst, r)
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		dst = appendHex(append(dst, `\u`...), high, 4)
		return appendHex(append(dst, `\u`...), low, 4)
	}
	return appendHex(append(dst, `\u`...), r, 4)
}

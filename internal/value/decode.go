package value

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// shareLimit is the size in bytes up to which decoded strings point into one copy of the document. Larger
// documents copy each string, so that one short string does not keep a large document alive.
const shareLimit = 1024

// The deepest nesting that is accepted: what the recursion limit of 1000 leaves json.loads in a bare Python, and the
// limit built into ujson.
const (
	maxDepth     = 995
	maxDepthBody = 1024
)

type decoder struct {
	src     string
	pos     int     // in bytes
	depth   int     // how much deeper the nesting may get
	share   bool    // strings may point into src
	body    bool    // reads like ujson
	entries []entry // entries of the objects being read, innermost last
	items   []any   // items of the lists being read, innermost last
	keys    map[string]string
	buf     []byte
}

var decoders = sync.Pool{New: func() any {
	return &decoder{entries: make([]entry, 0, 16), items: make([]any, 0, 16), buf: make([]byte, 0, 64)}
}}

// Decode reads one JSON document like json.loads of Python 3.10: objects keep the order of their keys, the last of
// equal keys wins in the place of the first, integers of any size stay integers, NaN, Infinity and -Infinity are
// numbers. Lone surrogates, which Go strings cannot hold, become U+FFFD. Errors are *SyntaxError, *UnicodeError,
// ErrTooDeep or *NumberError.
func Decode(data []byte) (any, error) { return DecodeString(string(data)) }

// DecodeString is Decode for a string. Short documents are kept alive by the strings found in them.
func DecodeString(src string) (any, error) {
	return decode(strings.TrimPrefix(src, "\ufeff"), false)
}

// DecodeBody reads the body of a request like request.json of Sanic 21.12, which uses ujson: unlike Decode it takes
// control characters in strings, leading zeros, "1." and a lone minus sign (zero), and refuses a byte order mark.
// Only the fact of an error is like ujson, not its text, which Sanic does not show.
func DecodeBody(data []byte) (any, error) { return decode(string(data), true) }

func decode(src string, body bool) (any, error) {
	if !utf8.ValidString(src) {
		repair := replaceSurrogates
		if body {
			repair = replaceLooseUTF8
		}
		repaired, err := repair(src)
		if err != nil {
			return nil, err
		}
		src = repaired
	}
	d := decoders.Get().(*decoder)
	d.src, d.pos, d.share = src, 0, len(src) <= shareLimit
	d.body, d.depth = body, maxDepth
	if body {
		d.depth = maxDepthBody
	}
	v, err := d.document()
	d.release()
	return v, err
}

// DecodeObject is Decode for a document that must be an object.
func DecodeObject(data []byte) (*Map, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*Map)
	if !ok {
		return nil, fmt.Errorf("expecting a JSON object, found %s", TypeName(v))
	}
	return m, nil
}

func (d *decoder) release() {
	d.src, d.keys = "", nil
	if cap(d.entries) > 1024 || cap(d.items) > 1024 || cap(d.buf) > 4096 {
		return
	}
	clear(d.entries) // left by an error
	clear(d.items)
	d.entries, d.items, d.buf = d.entries[:0], d.items[:0], d.buf[:0]
	decoders.Put(d)
}

func (d *decoder) document() (any, error) {
	d.space()
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	d.space()
	if d.pos != len(d.src) {
		return nil, d.fail("Extra data", d.pos)
	}
	return v, nil
}

func (d *decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return
		}
	}
}

// at reports whether the next byte is c.
func (d *decoder) at(c byte) bool { return d.pos < len(d.src) && d.src[d.pos] == c }

func (d *decoder) value() (any, error) {
	if d.pos >= len(d.src) {
		return nil, d.fail("Expecting value", d.pos)
	}
	switch d.src[d.pos] {
	case '"':
		return d.text()
	case '{':
		return d.object()
	case '[':
		return d.list()
	case 'n', 't', 'f', 'N', 'I':
		return d.constant()
	}
	return d.number()
}

// text is stringAt as a value.
func (d *decoder) text() (any, error) {
	s, err := d.stringAt(false)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (d *decoder) constant() (any, error) {
	for _, c := range constants {
		if strings.HasPrefix(d.src[d.pos:], c.word) {
			d.pos += len(c.word)
			return c.value, nil
		}
	}
	return nil, d.fail("Expecting value", d.pos)
}

func (d *decoder) enter() error {
	if d.depth--; d.depth < 0 {
		return ErrTooDeep
	}
	d.pos++
	d.space()
	return nil
}

func (d *decoder) object() (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	base := len(d.entries)
	for !d.at('}') || len(d.entries) > base {
		if !d.at('"') {
			return nil, d.fail("Expecting property name enclosed in double quotes", d.pos)
		}
		key, err := d.stringAt(true)
		if err != nil {
			return nil, err
		}
		d.space()
		if !d.at(':') {
			return nil, d.fail("Expecting ':' delimiter", d.pos)
		}
		d.pos++
		d.space()
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		d.entries = append(d.entries, entry{key, v})
		if more, err := d.next('}'); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	d.depth++
	d.pos++
	m := newMapOf(d.entries[base:])
	clear(d.entries[base:])
	d.entries = d.entries[:base]
	return m, nil
}

func (d *decoder) list() (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	base := len(d.items)
	for !d.at(']') || len(d.items) > base {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		d.items = append(d.items, v)
		if more, err := d.next(']'); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	d.depth++
	d.pos++
	out := append(make([]any, 0, len(d.items)-base), d.items[base:]...)
	clear(d.items[base:])
	d.items = d.items[:base]
	return out, nil
}

// next steps over a comma and reports true, or stays at the closing bracket and reports false.
func (d *decoder) next(closing byte) (bool, error) {
	d.space()
	if d.at(closing) {
		return false, nil
	}
	if !d.at(',') {
		return false, d.fail("Expecting ',' delimiter", d.pos)
	}
	d.pos++
	d.space()
	return true, nil
}

// newMapOf returns a map with a copy of entries, where the last of equal keys wins in the place of the first.
func newMapOf(entries []entry) *Map {
	m := &Map{}
	if len(entries) > smallMap {
		m.entries = make([]entry, 0, len(entries))
		for _, e := range entries {
			m.Set(e.key, e.value)
		}
		return m
	}
	for i := range entries {
		for j := range i {
			if entries[i].key == entries[j].key {
				m.entries = make([]entry, 0, len(entries))
				for _, e := range entries {
					m.Set(e.key, e.value)
				}
				return m
			}
		}
	}
	m.entries = append(make([]entry, 0, len(entries)), entries...)
	return m
}

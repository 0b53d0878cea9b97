package memory

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"

	"github.com/parleybot/parley/internal/value"
)

// The kinds of values in packed form; each value begins with one.
const (
	packedNil = iota
	packedFalse
	packedTrue
	packedInt
	packedFloat
	packedText
	packedWord // a string of the dictionary
	packedHex  // 32 hexadecimal digits: a message or model id
	packedList
	packedMap
	packedBig
)

// writer packs values.
type writer struct {
	d   *dictionary
	out []byte
	// metadata is that of the event before.
	metadata *value.Map
}

func (w *writer) byte(b byte) { w.out = append(w.out, b) }

func (w *writer) length(n int) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

func (w *writer) truth(b bool) {
	if b {
		w.byte(packedTrue)
		return
	}
	w.byte(packedFalse)
}

func (w *writer) float(f float64) {
	w.out = binary.LittleEndian.AppendUint64(append(w.out, packedFloat), math.Float64bits(f))
}

func (w *writer) text(s string) {
	if len(s) == 2*idSize {
		var id [idSize]byte
		if lowerHex(&id, s) {
			w.out = append(append(w.out, packedHex), id[:]...)
			return
		}
	}
	if n, ok := w.d.number(s); ok {
		w.out = binary.AppendUvarint(append(w.out, packedWord), n)
		return
	}
	w.byte(packedText)
	w.length(len(s))
	w.out = append(w.out, s...)
}

// idSize is the number of bytes of a message or model id.
const idSize = 16

// lowerHex reads an id from lower-case hexadecimal digits and reports whether s is one.
func lowerHex(id *[idSize]byte, s string) bool {
	for i := range id {
		high, low := digit(s[2*i]), digit(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		id[i] = high<<4 | low
	}
	return true
}

// digit returns the value of a lower-case hexadecimal digit, 255 for anything else.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// dict writes a map; nil is one, too.
func (w *writer) dict(m *value.Map) {
	if m == nil {
		w.byte(packedNil)
		return
	}
	w.byte(packedMap)
	w.length(m.Len())
	for key, v := range m.All() {
		w.text(key)
		w.value(v)
	}
}

func (w *writer) value(v any) {
	switch v := v.(type) {
	case nil:
		w.byte(packedNil)
	case bool:
		w.truth(v)
	case int64:
		w.out = binary.AppendVarint(append(w.out, packedInt), v)
	case float64:
		w.float(v)
	case string:
		w.text(v)
	case []any:
		w.byte(packedList)
		w.length(len(v))
		for _, item := range v {
			w.value(item)
		}
	case *value.Map:
		w.dict(v)
	case *big.Int:
		w.byte(packedBig)
		text := v.String()
		w.length(len(text))
		w.out = append(w.out, text...)
	default:
		w.value(value.FromGo(v))
	}
}

// reader reads packed values. After the end of the data, or something that is no value, failed is set.
type reader struct {
	d        *dictionary
	data     []byte
	failed   bool
	metadata *value.Map // that of the event before
}

func (r *reader) fail() any {
	r.data, r.failed = nil, true
	return nil
}

// length reads a number of items or bytes, which cannot be larger than what is left.
func (r *reader) length() int {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > uint64(len(r.data)) {
		r.fail()
		return 0
	}
	r.data = r.data[size:]
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.data) {
		r.fail()
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) byte() byte {
	b := r.bytes(1)
	if b == nil {
		return packedNil
	}
	return b[0]
}

func (r *reader) truth() bool { return r.byte() == packedTrue }

func (r *reader) float() float64 {
	f, ok := r.value().(float64)
	if !ok {
		r.fail()
	}
	return f
}

func (r *reader) text() string {
	s, ok := r.value().(string)
	if !ok {
		r.fail()
	}
	return s
}

// dictOrNil reads what writer.dict wrote.
func (r *reader) dictOrNil() *value.Map {
	v := r.value()
	m, ok := v.(*value.Map)
	if !ok && v != nil {
		r.fail()
	}
	return m
}

func (r *reader) value() any {
	switch kind := r.byte(); kind {
	case packedNil:
		return nil
	case packedFalse, packedTrue:
		return kind == packedTrue
	case packedInt:
		n, size := binary.Varint(r.data)
		if size <= 0 {
			return r.fail()
		}
		r.data = r.data[size:]
		return n
	case packedFloat:
		if b := r.bytes(8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		return nil
	case packedText:
		return string(r.bytes(r.length()))
	case packedHex:
		return hex.EncodeToString(r.bytes(idSize))
	case packedWord:
		return r.word()
	case packedList:
		return r.list()
	case packedMap:
		return r.dict()
	case packedBig:
		if n, ok := new(big.Int).SetString(string(r.bytes(r.length())), 10); ok {
			return n
		}
	}
	return r.fail()
}

func (r *reader) word() any {
	n, size := binary.Uvarint(r.data)
	if size > 0 {
		r.data = r.data[size:]
		if s, ok := r.d.word(n); ok {
			return s
		}
	}
	return r.fail()
}

func (r *reader) list() any {
	n := r.length()
	out := make([]any, 0, n)
	for i := 0; i < n && !r.failed; i++ {
		out = append(out, r.value())
	}
	return out
}

func (r *reader) dict() any {
	n := r.length()
	m := &value.Map{}
	for i := 0; i < n && !r.failed; i++ {
		key := r.text()
		m.Set(key, r.value())
	}
	return m
}

package value

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrTooDeep is returned for a document that is nested deeper than Python's recursion limit allows.
var ErrTooDeep = errors.New("maximum recursion depth exceeded while decoding a JSON document")

// SyntaxError says where a document is no JSON, with the words of Python's json.JSONDecodeError.
type SyntaxError struct {
	// Msg is the reason without the place.
	Msg string
	// Line and Column count from 1, Offset from 0; Column and Offset are in characters, not bytes.
	Line, Column, Offset int
}

// Error returns the text of the Python exception.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Msg, e.Line, e.Column, e.Offset)
}

// NumberError is the ValueError of Python's int() and float().
type NumberError struct {
	// Msg is the text of the Python exception.
	Msg string
}

// Error returns the text of the Python exception.
func (e *NumberError) Error() string { return e.Msg }

// UnicodeError says which bytes are no UTF-8, with the words of Python's UnicodeDecodeError.
type UnicodeError struct {
	// Byte is the first wrong byte, Start its offset, End the offset behind the last wrong byte.
	Byte       byte
	Start, End int
	// Reason is Python's reason.
	Reason string
}

// Error returns the text of the Python exception.
func (e *UnicodeError) Error() string {
	if e.End-e.Start == 1 {
		return fmt.Sprintf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", e.Byte, e.Start, e.Reason)
	}
	return fmt.Sprintf("'utf-8' codec can't decode bytes in position %d-%d: %s", e.Start, e.End-1, e.Reason)
}

// fail returns the error msg at the byte offset pos.
func (d *decoder) fail(msg string, pos int) error {
	before := d.src[:pos]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return &SyntaxError{
		Msg:    msg,
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(line) + 1,
		Offset: utf8.RuneCountInString(before),
	}
}

// replaceSurrogates replaces encoded surrogates, which json.loads accepts, by U+FFFD and refuses other text that is
// no UTF-8.
func replaceSurrogates(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			if i+2 >= len(s) || s[i] != 0xed || s[i+1]>>5 != 0b101 || s[i+2]>>6 != 0b10 {
				return "", unicodeErrorAt(s, i)
			}
			size = 3
		}
		out.WriteRune(r)
		i += size
	}
	return out.String(), nil
}

// unicodeErrorAt describes the wrong bytes at i as CPython's decoder does.
func unicodeErrorAt(s string, i int) *UnicodeError {
	e := &UnicodeError{Byte: s[i], Start: i, End: i + 1, Reason: "invalid start byte"}
	size := 0
	switch c := s[i]; {
	case c < 0xc2 || c > 0xf4:
		return e
	case c < 0xe0:
		size = 2
	case c < 0xf0:
		size = 3
	default:
		size = 4
	}
	lowest, highest := byte(0x80), byte(0xbf)
	switch s[i] {
	case 0xe0:
		lowest = 0xa0
	case 0xed:
		highest = 0x9f
	case 0xf0:
		lowest = 0x90
	case 0xf4:
		highest = 0x8f
	}
	for e.End = i + 1; e.End < i+size; e.End++ {
		if e.End == len(s) {
			e.Reason = "unexpected end of data"
			return e
		}
		if s[e.End] < lowest || s[e.End] > highest {
			e.Reason = "invalid continuation byte"
			return e
		}
		lowest, highest = 0x80, 0xbf
	}
	return e
}

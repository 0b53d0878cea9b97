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

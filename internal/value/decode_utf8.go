package value

import (
	"strings"
	"unicode/utf8"
)

// replaceLooseUTF8 rewrites a request's body, which is no UTF-8, the way ujson reads it: a continuation byte that
// stands alone is a Latin-1 character, and every byte above 0x7f continues a longer character.
func replaceLooseUTF8(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); {
		c, size, lowest := s[i], 1, rune(0)
		r := rune(c)
		switch {
		case c < 0xc0:
		case c < 0xe0:
			r, size, lowest = r&0x1f, 2, 0x80
		case c < 0xf0:
			r, size, lowest = r&0xf, 3, 0x800
		case c < 0xf8:
			r, size, lowest = r&0x7, 4, 0x10000
		default:
			return "", unicodeErrorAt(s, i)
		}
		for k := i + 1; k < i+size; k++ {
			if k >= len(s) || s[k] < utf8.RuneSelf {
				return "", unicodeErrorAt(s, i)
			}
			r = r<<6 | rune(s[k]&0x3f)
		}
		if r < lowest || r > utf8.MaxRune {
			return "", unicodeErrorAt(s, i)
		}
		out.WriteRune(r)
		i += size
	}
	return out.String(), nil
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

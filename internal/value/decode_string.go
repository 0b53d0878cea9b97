package value

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// stringAt reads the string that starts at the current quote. Keys of large documents are kept once per document.
func (d *decoder) stringAt(isKey bool) (string, error) {
	begin := d.pos
	for i := begin + 1; i < len(d.src); i++ {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			return d.keep(d.src[begin+1:i], isKey), nil
		case c == '\\':
			return d.escapedString(begin, i)
		case d.isRefused(c):
			return "", d.fail("Invalid control character at", i)
		}
	}
	return "", d.fail("Unterminated string starting at", begin)
}

// isRefused reports whether c must not stand in a string: control characters, for ujson only NUL.
func (d *decoder) isRefused(c byte) bool { return c < ' ' && (!d.body || c == 0) }

func (d *decoder) keep(s string, isKey bool) string {
	switch {
	case d.share:
		return s
	case !isKey:
		return strings.Clone(s)
	}
	if known, ok := d.keys[s]; ok {
		return known
	}
	if d.keys == nil {
		d.keys = make(map[string]string)
	}
	s = strings.Clone(s)
	d.keys[s] = s
	return s
}

// escapedString reads the string whose quote is at begin and whose first backslash is at i.
func (d *decoder) escapedString(begin, i int) (string, error) {
	d.buf = append(d.buf[:0], d.src[begin+1:i]...)
	for i < len(d.src) {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			return string(d.buf), nil
		case d.isRefused(c):
			return "", d.fail("Invalid control character at", i)
		case c != '\\':
			d.buf = append(d.buf, c)
			i++
		case i+1 == len(d.src):
			return "", d.fail("Unterminated string starting at", begin)
		case d.src[i+1] == 'u':
			next, err := d.unicodeEscape(i)
			if err != nil {
				return "", err
			}
			i = next
		default:
			plain := unescaped(d.src[i+1])
			if plain == 0 {
				return "", d.fail(`Invalid \escape`, i)
			}
			d.buf = append(d.buf, plain)
			i += 2
		}
	}
	return "", d.fail("Unterminated string starting at", begin)
}

func unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// unicodeEscape appends the character written as \uXXXX at i, or as a surrogate pair, and returns the index behind
// it. Like Python it wants at least one more character behind the four digits, and two of them behind a pair.
func (d *decoder) unicodeEscape(i int) (int, error) {
	const unit = len(`\uXXXX`)
	r, ok := hexUnit(d.src, i)
	if !ok || i+unit >= len(d.src) {
		return 0, d.fail(`Invalid \uXXXX escape`, i+1)
	}
	i += unit
	if !utf16.IsSurrogate(r) {
		d.buf = utf8.AppendRune(d.buf, r)
		return i, nil
	}
	if r < 0xdc00 && i+unit < len(d.src) && d.src[i] == '\\' && d.src[i+1] == 'u' {
		low, ok := hexUnit(d.src, i)
		if !ok {
			return 0, d.fail(`Invalid \uXXXX escape`, i+1)
		}
		if joined := utf16.DecodeRune(r, low); joined != utf8.RuneError {
			d.buf = utf8.AppendRune(d.buf, joined)
			return i + unit, nil
		}
	}
	d.buf = utf8.AppendRune(d.buf, utf8.RuneError)
	return i, nil
}

// hexUnit returns the number written as four hexadecimal digits behind the \u at i.
func hexUnit(s string, i int) (rune, bool) {
	if i+6 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i+2 : i+6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

package channels

import (
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/internal/value"
)

// Query returns the first value of a query parameter that is not blank (request.args.get of Sanic). As in Python
// nothing in a query is wrong: broken escapes stand for themselves.
func Query(c echo.Context, name string) (string, bool) {
	for rest, more := c.Request().URL.RawQuery, true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		key, v, ok := strings.Cut(pair, "=")
		if ok && v != "" && unquote(key) == name {
			return unquote(v), true
		}
	}
	return "", false
}

// QueryBool reports whether a query parameter is "true" in any case (rasa/utils/endpoints.py, bool_arg).
func QueryBool(c echo.Context, name string, otherwise bool) bool {
	v, ok := Query(c, name)
	if !ok {
		return otherwise
	}
	return value.Lower(v) == "true"
}

// unquote is Python's unquote(s.replace("+", " ")).
func unquote(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, hexDigit(s[i+1])<<4|hexDigit(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	if !utf8.Valid(out) {
		return strings.ToValidUTF8(string(out), "\uFFFD")
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

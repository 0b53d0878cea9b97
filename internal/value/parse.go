package value

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// ParseInt returns Python's int(s): surrounding whitespace, a sign, single underscores between digits and decimal
// digits of all scripts are accepted. The result is an int64 or *big.Int; the error is a *NumberError with Python's
// words.
func ParseInt(s string) (any, error) {
	plain, ok := plainNumber(s)
	digits := strings.TrimLeft(plain, "+-")
	if !ok || digits == "" || len(plain)-len(digits) > 1 || skipDigits(digits, 0) != len(digits) {
		return nil, &NumberError{"invalid literal for int() with base 10: " + Repr(s)}
	}
	return decimalInt(plain)
}

// ParseFloat returns Python's float(s): surrounding whitespace, single underscores between digits, inf, infinity and
// nan in any case and decimal digits of all scripts are accepted. The error is a *NumberError with Python's words.
func ParseFloat(s string) (float64, error) {
	plain, ok := plainNumber(s)
	switch {
	case ok && strings.EqualFold(strings.TrimLeft(plain, "+-"), "nan") && len(plain) <= len("-nan"):
		return math.NaN(), nil
	case ok && isFloatSyntax(plain):
		// The syntax has been checked: the only error is the range, for which Python also takes infinity or zero.
		f, _ := strconv.ParseFloat(plain, 64)
		return f, nil
	}
	return 0, &NumberError{"could not convert string to float: " + Repr(s)}
}

// plainNumber removes surrounding whitespace and underscores between digits and turns decimal digits of all scripts
// into ASCII. It reports false for an underscore elsewhere and for other characters beyond ASCII.
func plainNumber(s string) (string, bool) {
	s = strings.TrimFunc(s, isNumberSpace)
	var out []byte
	afterDigit := false
	for i, r := range s {
		switch digit := digitValue(r); {
		case digit >= 0:
			out = append(out, byte('0'+digit))
			afterDigit = true
		case r == '_':
			next := []rune(s[i+1 : min(len(s), i+5)])
			if !afterDigit || len(next) == 0 || digitValue(next[0]) < 0 {
				return "", false
			}
			afterDigit = false
		case r < unicode.MaxASCII:
			out = append(out, byte(r))
			afterDigit = false
		default:
			return "", false
		}
	}
	return string(out), true
}

// isNumberSpace reports whether int() and float() ignore r around a number: all whitespace but the separators U+001C
// to U+001F.
func isNumberSpace(r rune) bool { return IsSpace(r) && (r < 0x1c || r >= ' ') }

// digitValue returns the value of a decimal digit of any script, -1 for other characters.
func digitValue(r rune) int {
	if r < unicode.MaxASCII {
		if '0' <= r && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	if !unicode.Is(unicode.Nd, r) || isNewerThanPython(r) {
		return -1
	}
	for _, block := range unicode.Nd.R16 {
		if rune(block.Lo) <= r && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10
		}
	}
	for _, block := range unicode.Nd.R32 {
		if rune(block.Lo) <= r && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10
		}
	}
	return -1
}

// isFloatSyntax reports whether s is a sign and a decimal number with optional exponent, or inf or infinity.
func isFloatSyntax(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	switch strings.ToLower(s) {
	case "inf", "infinity":
		return true
	}
	i := skipDigits(s, 0)
	digits := i
	if i < len(s) && s[i] == '.' {
		end := skipDigits(s, i+1)
		digits += end - i - 1
		i = end
	}
	if digits == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		end := skipDigits(s, i)
		return end > i && end == len(s)
	}
	return i == len(s)
}

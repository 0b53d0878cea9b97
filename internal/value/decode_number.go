package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxIntDigits is Python's limit for the conversion between integers and decimal text.
const maxIntDigits = 4300

var constants = []struct {
	word  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false}, {"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

// number reads a number, or fails like Python where none starts: a dot or exponent without digits is not part of it.
// ujson takes leading zeros and a sign or dot without digits.
func (d *decoder) number() (any, error) {
	start, s := d.pos, d.src
	digits := start
	if s[start] == '-' {
		digits++
	}
	i := skipDigits(s, digits)
	if i == digits && (!d.body || i == start || strings.HasPrefix(s[i:], "I")) {
		return d.constantOrFail()
	}
	if !d.body && s[digits] == '0' {
		i = digits + 1
	}
	isFloat := false
	if i < len(s) && s[i] == '.' {
		if end := skipDigits(s, i+1); end > i+1 || d.body && i > digits {
			isFloat = true
			i = end
		}
	}
	if i > digits && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		exponent := i + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if end := skipDigits(s, exponent); end > exponent {
			isFloat = true
			i = end
		}
	}
	d.pos = i
	if isFloat {
		// The syntax has been checked: the only error is the range, for which Python also takes infinity or zero.
		f, _ := strconv.ParseFloat(s[start:i], 64)
		return f, nil
	}
	return decimalInt(s[start:i])
}

// constantOrFail is what is left for text starting with a minus sign and no digit, or no value at all.
func (d *decoder) constantOrFail() (any, error) {
	if d.src[d.pos] == '-' {
		return d.constant()
	}
	return nil, d.fail("Expecting value", d.pos)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func skipDigits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// decimalInt converts an optional sign and decimal digits to an int64, or to a *big.Int beyond 64 bits.
func decimalInt(s string) (any, error) {
	if len(s) < 19 {
		return smallInt(s), nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	digits := len(s)
	if !isDigit(s[0]) {
		digits--
	}
	if digits > maxIntDigits {
		return nil, &NumberError{fmt.Sprintf("Exceeds the limit (%d) for integer string conversion: value has %d digits; "+
			"use sys.set_int_max_str_digits() to increase the limit", maxIntDigits, digits)}
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, &NumberError{"invalid literal for int() with base 10: " + Repr(s)}
	}
	return normalInt(n), nil
}

// smallInt converts an optional sign and at most 18 digits.
func smallInt(s string) int64 {
	var n int64
	for i := range len(s) {
		if isDigit(s[i]) {
			n = n*10 + int64(s[i]-'0')
		}
	}
	if s[0] == '-' {
		return -n
	}
	return n
}

// normalInt returns n as an int64 when it fits.
func normalInt(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

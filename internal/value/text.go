package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace is Python's str.isspace of one character; unlike unicode.IsSpace it includes the separators U+001C to
// U+001F.
func IsSpace(r rune) bool {
	if r < unicode.MaxASCII {
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	}
	return unicode.IsSpace(r)
}

// isPrintable is Python's str.isprintable of one character: repr writes it as it is.
func isPrintable(r rune) bool {
	if r < 0x7f {
		return r >= ' '
	}
	return unicode.IsPrint(r) && !isNewerThanPython(r)
}

// Strip is Python's str.strip().
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// SplitWhitespace is Python's str.split().
func SplitWhitespace(s string) []string { return strings.FieldsFunc(s, IsSpace) }

// RuneLen is Python's len(s): the number of characters.
func RuneLen(s string) int { return utf8.RuneCountInString(s) }

const (
	capitalSigma    = 'Σ'
	capitalDottedI  = 'İ'
	combiningDot    = '\u0307'
	smallFinalSigma = 'ς'
)

// Lower is Python's str.lower(), with the final sigma and the dotted capital I of Unicode's SpecialCasing.
func Lower(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && (s[i] < 'A' || s[i] > 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	if isASCII(s[i:]) {
		return strings.ToLower(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	for i, r := range s {
		switch {
		case r == capitalDottedI:
			out.WriteRune('i')
			out.WriteRune(combiningDot)
		case r == capitalSigma && isFinalSigma(s, i):
			out.WriteRune(smallFinalSigma)
		case isNewerThanPython(r):
			out.WriteRune(r)
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isFinalSigma reports whether the sigma at byte i ends a word: a cased letter stands before it and none behind it,
// where marks and some punctuation do not count.
func isFinalSigma(s string, i int) bool {
	before := strings.TrimRightFunc(s[:i], isCaseIgnorable)
	if r, size := utf8.DecodeLastRuneInString(before); size == 0 || !isCased(r) {
		return false
	}
	behind := strings.TrimLeftFunc(s[i+len("Σ"):], isCaseIgnorable)
	r, size := utf8.DecodeRuneInString(behind)
	return size == 0 || !isCased(r)
}

func isCased(r rune) bool {
	return !isNewerThanPython(r) && unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// isCaseIgnorable is Unicode's property Case_Ignorable: marks, modifiers, format characters and the punctuation
// that word breaking allows inside a word. U+1734 stopped being a nonspacing mark after Python's Unicode 13.
func isCaseIgnorable(r rune) bool {
	return !isNewerThanPython(r) && unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055f\u05f4\u1734\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}

package value

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
)

// CaseFold is Python's str.casefold(): lower case for comparisons, with full folding ("ß" becomes "ss").
func CaseFold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	fold := cases.Fold()
	var out strings.Builder
	out.Grow(len(s))
	start := 0
	for i, r := range s {
		if folded, ok := foldedByPython(r); ok {
			out.WriteString(fold.String(s[start:i]))
			out.WriteRune(folded)
			start = i + utf8.RuneLen(r)
		}
	}
	out.WriteString(fold.String(s[start:]))
	return out.String()
}

// foldedByPython returns the folding of characters which x/text folds differently: those newer than Python, and
// Cherokee, which Unicode folds to its capitals because the small letters were added later.
func foldedByPython(r rune) (rune, bool) {
	switch {
	case 'Ꭰ' <= r && r <= 'Ᏽ':
		return r, true
	case 'ᏸ' <= r && r <= 'ᏽ':
		return r - 'ᏸ' + 'Ᏸ', true
	case 'ꭰ' <= r && r <= 'ꮿ':
		return r - 'ꭰ' + 'Ꭰ', true
	}
	return r, isNewerThanPython(r)
}

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
		if isNewerThanPython(r) {
			out.WriteString(fold.String(s[start:i]))
			out.WriteRune(r)
			start = i + utf8.RuneLen(r)
		}
	}
	out.WriteString(fold.String(s[start:]))
	return out.String()
}

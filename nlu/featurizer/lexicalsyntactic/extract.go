package lexicalsyntactic

import (
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// extractors return the value of a feature, Python's str() of it, for the token at a position of a text with count
// tokens.
var extractors = map[string]func(token string, position, count int) string{
	"BOS":     func(_ string, position, _ int) string { return boolText(position == 0) },
	"EOS":     func(_ string, position, count int) string { return boolText(position == count-1) },
	"low":     func(token string, _, _ int) string { return boolText(value.IsLower(token)) },
	"upper":   func(token string, _, _ int) string { return boolText(value.IsUpper(token)) },
	"title":   func(token string, _, _ int) string { return boolText(value.IsTitle(token)) },
	"digit":   func(token string, _, _ int) string { return boolText(value.IsDigit(token)) },
	"prefix5": prefix(5),
	"prefix2": prefix(2),
	"suffix5": suffix(5),
	"suffix3": suffix(3),
	"suffix2": suffix(2),
	"suffix1": suffix(1),
	// Parts of speech come only from tokenizers that parley does not have.
	"pos":  func(string, int, int) string { return "None" },
	"pos2": func(string, int, int) string { return "None" },
}

func boolText(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func prefix(n int) func(string, int, int) string {
	return func(token string, _, _ int) string {
		i := 0
		for range n {
			_, size := utf8.DecodeRuneInString(token[i:])
			i += size
		}
		return token[:i]
	}
}

func suffix(n int) func(string, int, int) string {
	return func(token string, _, _ int) string {
		i := len(token)
		for range n {
			_, size := utf8.DecodeLastRuneInString(token[:i])
			i -= size
		}
		return token[i:]
	}
}

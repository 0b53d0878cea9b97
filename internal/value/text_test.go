package value

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLower(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "already lower, 1": "already lower, 1", "HELLO There": "hello there", "ÄÖÜ ẞ": "äöü ß", "İstanbul": "i̇stanbul",
		"ΟΔΟΣ": "οδος", "ΣΑΣ ΣΟΣ": "σας σος", "ΑΣ'Α": "ασ'α", "ΑΣ.": "ας.", "Σ": "σ", "1Σ": "1σ", "Ǆ": "ǆ", "Ⰿ Ꭰ": "ⰿ ꭰ", "\u2c2f": "\u2c2f",
	} {
		assert.Equal(t, want, Lower(in), in)
	}
}

func TestCaseFold(t *testing.T) {
	for in, want := range map[string]string{
		"Hello": "hello", "Straße": "strasse", "ẞ": "ss", "ΣΑΣ": "σασ", "ς": "σ", "ﬁ": "fi", "İ": "i̇", "ꭰᏸ Ꭰ": "ᎠᏰ Ꭰ", "Ä\u2c2fÄ": "ä\u2c2fä",
	} {
		assert.Equal(t, want, CaseFold(in), in)
	}
}

func TestWhitespace(t *testing.T) {
	assert.Equal(t, "a b", Strip("\x1c\u3000 \t\n\u0085\u2028a b\u00a0\u1680\x1f"))
	assert.Equal(t, "\u200ba\ufeff", Strip(" \u200ba\ufeff "))
	assert.Equal(t, []string{"a", "b", "c"}, SplitWhitespace("\na \x1d b\u2009c "))
	assert.Empty(t, SplitWhitespace(" \n"))
}

func TestRuneLen(t *testing.T) {
	assert.Equal(t, 3, RuneLen("é😀a"))
}

func FuzzText(f *testing.F) {
	f.Add(" ΑΣ İ\x1cß\u3000\xff")
	f.Fuzz(func(t *testing.T, s string) {
		words := SplitWhitespace(s)
		for _, word := range words {
			if word == "" || Strip(word) != word {
				t.Fatalf("%q has the word %q", s, word)
			}
		}
		if stripped := Strip(s); (stripped == "") != (len(words) == 0) || strings.HasPrefix(stripped, " ") {
			t.Fatalf("Strip(%q) = %q", s, stripped)
		}
		if CaseFold(CaseFold(s)) != CaseFold(s) {
			t.Fatalf("CaseFold(%q) is not stable", s)
		}
		if isASCII(s) && Lower(s) != CaseFold(s) {
			t.Fatalf("Lower(%q) = %q", s, Lower(s))
		}
	})
}

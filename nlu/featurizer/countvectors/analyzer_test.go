package countvectors

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The wanted terms are those of the analyzers that Rasa 3.6.21 builds with scikit-learn 1.1.3.
func TestAnalyzer(t *testing.T) {
	words := analyzer{kind: "word", minN: 1, maxN: 1, lower: true}
	pairs := analyzer{kind: "word", minN: 1, maxN: 2, lower: true}
	stopped := analyzer{kind: "word", minN: 1, maxN: 2, lower: true, stop: map[string]bool{"the": true, "a": true}}
	chars := analyzer{kind: "char", minN: 2, maxN: 3, lower: true}
	within := analyzer{kind: "char_wb", minN: 2, maxN: 4, lower: true}
	cases := []struct {
		name     string
		analyzer analyzer
		text     string
		want     string // terms between bars
	}{
		{"words of one letter", words, "a b", "a|b"},
		{"letters beyond ASCII", words, "Née the é", "née|the|é"},
		{"case counts", analyzer{kind: "word", minN: 1, maxN: 1}, "Née the é", "Née|the|é"},
		{"accents to ASCII", analyzer{kind: "word", minN: 1, maxN: 1, lower: true, accents: "ascii"}, "Née the é", "nee|the|e"},
		{"accents", analyzer{kind: "word", minN: 1, maxN: 1, lower: true, accents: "unicode"}, "Née the é", "nee|the|e"},
		{"pairs of words", pairs, "Née the é", "née|the|é|née the|the é"},
		{"pairs over blanks", pairs, "x  yz", "x|yz|x yz"},
		{"stop words are left out first", stopped, "Née the é", "née|é|née é"},
		{"characters", chars, "a b", "a | b|a b"},
		{"blanks count once", chars, "x  yz", "x | y|yz|x y| yz"},
		{"characters beyond ASCII", chars, "Née the é", "né|ée|e | t|th|he|e | é|née|ée |e t| th|the|he |e é"},
		{"characters within words", within, "x  yz", " x|x | x | y|yz|z | yz|yz | yz "},
		{"short words once", within, "a b", " a|a | a | b|b | b "},
		{"within words beyond ASCII", within, "née é", " n|né|ée|e | né|née|ée | née|née | é|é | é "},
		{"nothing", within, " ", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			c.analyzer.each(c.text, func(term string) { got = append(got, term) })
			require.Equal(t, c.want, strings.Join(got, "|"))
		})
	}
}

package countvectors

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/internal/value"
)

// analyzer splits a text into the terms that are counted.
type analyzer struct {
	kind       string
	minN, maxN int
	lower      bool
	accents    string
	stop       map[string]bool
}

// each calls visit for every term of a text. Terms share the text's memory where they can.
func (a *analyzer) each(text string, visit func(term string)) {
	if a.lower {
		text = value.Lower(text)
	}
	if a.accents != "" {
		text = stripAccents(text, a.accents)
	}
	switch a.kind {
	case "word":
		a.words(text, visit)
	case "char":
		a.chars(text, visit)
	default:
		a.charsWithinWords(text, visit)
	}
}

// words visits the n-grams of words, `\b\w+\b`.
func (a *analyzer) words(text string, visit func(string)) {
	if a.minN == 1 && a.maxN == 1 {
		eachWord(text, func(w string) {
			if !a.stop[w] {
				visit(w)
			}
		})
		return
	}
	var words []string
	eachWord(text, func(w string) {
		if !a.stop[w] {
			words = append(words, w)
		}
	})
	if a.maxN == 1 {
		for _, w := range words {
			visit(w)
		}
		return
	}
	for n := a.minN; n <= min(a.maxN, len(words)); n++ {
		for i := 0; i+n <= len(words); i++ {
			visit(strings.Join(words[i:i+n], " "))
		}
	}
}

func eachWord(text string, visit func(string)) {
	begin := -1
	for i, r := range text {
		if pyre.IsWord(r) {
			if begin < 0 {
				begin = i
			}
		} else if begin >= 0 {
			visit(text[begin:i])
			begin = -1
		}
	}
	if begin >= 0 {
		visit(text[begin:])
	}
}

// chars visits the n-grams of characters; runs of white space count as one space.
func (a *analyzer) chars(text string, visit func(string)) {
	text = joinSpaces(text)
	starts := runeStarts(text)
	length := len(starts) - 1
	for n := a.minN; n <= min(a.maxN, length); n++ {
		for i := 0; i+n <= length; i++ {
			visit(text[starts[i]:starts[i+n]])
		}
	}
}

// charsWithinWords visits the n-grams of each word with a space around it. A word shorter than n counts once.
func (a *analyzer) charsWithinWords(text string, visit func(string)) {
	for _, word := range value.SplitWhitespace(text) {
		word = " " + word + " "
		starts := runeStarts(word)
		length := len(starts) - 1
		for n := a.minN; n <= a.maxN; n++ {
			visit(word[:starts[max(0, min(n, length))]])
			for i := 1; i+n <= length; i++ {
				visit(word[starts[i]:starts[i+n]])
			}
			if n >= length {
				break
			}
		}
	}
}

// runeStarts returns where each character starts, and the length.
func runeStarts(s string) []int {
	starts := make([]int, 0, len(s)+1)
	for i := range s {
		starts = append(starts, i)
	}
	return append(starts, len(s))
}

// joinSpaces replaces two and more white spaces by one space; a single one stays what it is.
func joinSpaces(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		j, n := i, 0
		for j < len(text) {
			r, size := utf8.DecodeRuneInString(text[j:])
			if !value.IsSpace(r) {
				break
			}
			j += size
			n++
		}
		if n > 1 {
			b.WriteByte(' ')
			i = j
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(text[i : i+size])
		i += size
	}
	return b.String()
}

func stripAccents(text, how string) string {
	if pyre.IsASCII(text) {
		return text
	}
	var b strings.Builder
	decomposed := norm.NFKD.String(text)
	for i, r := range decomposed {
		if how == "ascii" && r < utf8.RuneSelf || how == "unicode" && norm.NFKD.PropertiesString(decomposed[i:]).CCC() == 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// replaceNumbers replaces what \b[0-9]+\b matches by __NUMBER__.
func replaceNumbers(word string) string {
	if !strings.ContainsAny(word, "0123456789") {
		return word
	}
	var b strings.Builder
	for i := 0; i < len(word); {
		j := i
		for j < len(word) && '0' <= word[j] && word[j] <= '9' {
			j++
		}
		if j == i {
			_, size := utf8.DecodeRuneInString(word[i:])
			b.WriteString(word[i : i+size])
			i += size
			continue
		}
		before, sizeBefore := utf8.DecodeLastRuneInString(word[:i])
		behind, sizeBehind := utf8.DecodeRuneInString(word[j:])
		if sizeBefore > 0 && pyre.IsWord(before) || sizeBehind > 0 && pyre.IsWord(behind) {
			b.WriteString(word[i:j])
		} else {
			b.WriteString("__NUMBER__")
		}
		i = j
	}
	return b.String()
}

// englishStopWords is the list of the Glasgow Information Retrieval Group as scikit-learn has it.
//
//go:embed stopwords.txt
var englishStopWords string

func stopWords(option any) (map[string]bool, error) {
	var list []string
	switch o := option.(type) {
	case nil:
		return nil, nil
	case string:
		if o != "english" {
			return nil, fmt.Errorf("is %q, the only list with a name is english", o)
		}
		list = strings.Fields(englishStopWords)
	case []any:
		for _, w := range o {
			s, ok := w.(string)
			if !ok {
				return nil, errors.New("must be a list of strings")
			}
			list = append(list, s)
		}
	default:
		return nil, errors.New("must be english or a list of strings")
	}
	set := make(map[string]bool, len(list))
	for _, w := range list {
		set[w] = true
	}
	return set, nil
}

package countvectors

import (
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// oov replaces words that are not in the vocabulary.
type oov struct {
	token     string
	words     oovSet
	replacing bool
}

// oovSet is OOV_words. As a string without lowercase it holds every part of the string (Python's `in`).
type oovSet struct {
	list []string
	text string
}

func (s oovSet) empty() bool { return len(s.list) == 0 && s.text == "" }

func (s oovSet) has(word string) bool {
	for _, w := range s.list {
		if w == word {
			return true
		}
	}
	return s.text != "" && strings.Contains(s.text, word)
}

// oovWords reads the option OOV_words. Rasa lower-cases it element by element, which takes a string apart.
func oovWords(option any, lower bool) (oovSet, bool) {
	switch o := option.(type) {
	case nil:
		return oovSet{}, true
	case string:
		if !lower {
			return oovSet{text: o}, true
		}
		var set oovSet
		for _, r := range o {
			set.list = append(set.list, value.Lower(string(r)))
		}
		return set, true
	case []any:
		var set oovSet
		for _, w := range o {
			s, ok := w.(string)
			if !ok {
				return set, false
			}
			if lower {
				s = value.Lower(s)
			}
			set.list = append(set.list, s)
		}
		return set, true
	}
	return oovSet{}, false
}

// value returns the words as Rasa keeps them in oov_words.json.
func (s oovSet) value() any {
	if s.text != "" {
		return s.text
	}
	return value.Strings(s.list)
}

// replaceListed replaces the words of OOV_words; that is how training sees them.
func (o *oov) replaceListed(words []string) {
	for i, w := range words {
		if o.words.has(w) {
			words[i] = o.token
		}
	}
}

// replace replaces unknown words when the token is in the vocabulary, and the words of OOV_words otherwise.
func (o *oov) replace(words []string, v vocabulary) {
	if _, ok := v[o.token]; !ok {
		o.replaceListed(words)
		return
	}
	for i, w := range words {
		if _, ok := v[w]; !ok {
			words[i] = o.token
		}
	}
}

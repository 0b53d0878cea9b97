package whitespace

import (
	"unicode"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// Rasa replaces by a space what this pattern of Python's regex module matches, and splits at white space:
//
//	[^\w#@&]+(?=\s|$) | (\s|^)[^\w#@&]+(?=[^0-9\s]) | (?<=[^0-9\s])[^\w._~:/?#\[\]()@!$&*+,;=-]+(?=[^0-9\s])
//
// It is matched here by hand, since it runs for every message.

// The classes of characters that the pattern distinguishes.
const (
	isSpace   = 1 << iota // \s
	isDigit               // [0-9]
	isStray               // [^\w#@&]
	isForeign             // [^\w._~:/?#\[\]()@!$&*+,;=-]
)

var asciiClasses = func() (table [utf8.RuneSelf]uint8) {
	for r := range rune(utf8.RuneSelf) {
		table[r] = classify(r)
	}
	return table
}()

func classOf(r rune) uint8 {
	if r < utf8.RuneSelf {
		return asciiClasses[r]
	}
	return classify(r)
}

func classify(r rune) (c uint8) {
	if unicode.IsSpace(r) {
		c |= isSpace
	}
	if '0' <= r && r <= '9' {
		c |= isDigit
	}
	// \w of the regex module; that of re, which the rest of Rasa uses, leaves out marks and joiners.
	if r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control) {
		return c
	}
	switch r {
	case '#', '@', '&':
	case '.', '~', ':', '/', '?', '[', ']', '(', ')', '!', '$', '*', '+', ',', ';', '=', '-':
		c |= isStray
	default:
		c |= isStray | isForeign
	}
	return c
}

// splitWords returns the words of a text, or the whole text if there are none.
func splitWords(text string) []string {
	var buffer [128]uint8
	classes := buffer[:0]
	for _, r := range text {
		classes = append(classes, classOf(r))
	}
	words := make([]string, 0, 8)
	begin := -1 // byte where the current word begins
	cut := 0    // position up to which characters are removed
	i := 0
	for at, r := range text {
		if i >= cut {
			if end := removed(classes, i); end > i {
				cut = end
			}
		}
		if i < cut || value.IsSpace(r) {
			if begin >= 0 {
				words = appendWord(words, text[begin:at])
			}
			begin = -1
		} else if begin < 0 {
			begin = at
		}
		i++
	}
	if begin >= 0 {
		words = appendWord(words, text[begin:])
	}
	if len(words) == 0 {
		words = append(words, text)
	}
	return words
}

// removed returns the end of the match of the pattern at position i, or i if there is none. Each alternative takes as
// much as it can and gives back until what must follow does.
func removed(c []uint8, i int) int {
	if c[i]&isStray != 0 {
		for k := runEnd(c, i, isStray); k > i; k-- {
			if k == len(c) || c[k]&isSpace != 0 {
				return k
			}
		}
	}
	if c[i]&isSpace != 0 {
		if k := beforeWord(c, i+1, isStray); k > i+1 {
			return k
		}
	}
	if i == 0 {
		return beforeWord(c, 0, isStray)
	}
	if c[i-1]&(isDigit|isSpace) == 0 {
		return beforeWord(c, i, isForeign)
	}
	return i
}

// beforeWord returns the last position behind a run of class that starts at i at which something stands that is neither
// digit nor space, or i.
func beforeWord(c []uint8, i int, class uint8) int {
	for k := runEnd(c, i, class); k > i; k-- {
		if k < len(c) && c[k]&(isDigit|isSpace) == 0 {
			return k
		}
	}
	return i
}

func runEnd(c []uint8, i int, class uint8) int {
	for i < len(c) && c[i]&class != 0 {
		i++
	}
	return i
}

func appendWord(words []string, word string) []string {
	if isEmoji(word) {
		return words
	}
	return append(words, word)
}

// isEmoji reports whether a word is only emoji as get_emoji_regex of rasa/utils/io.py has them; its last range also
// takes in Chinese, Japanese and others.
func isEmoji(word string) bool {
	for _, r := range word {
		if r < 0x200c {
			return false
		}
		switch {
		case r == 0x200c, r == 0x200d, 0x24c2 <= r && r <= 0x1f251:
		case 0x1f300 <= r && r <= 0x1f5ff, 0x1f600 <= r && r <= 0x1f64f, 0x1f680 <= r && r <= 0x1f6ff:
		default:
			return false
		}
	}
	return true
}

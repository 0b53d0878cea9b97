package pyre

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// literalSet runs a pattern that is only a choice between plain texts, each perhaps between \b: a lookup table. Its
// time does not depend on the number of texts.
type literalSet struct {
	bounded bool
	fold    bool
	// next maps a node and a character to the node behind it; node 0 is the start.
	next map[uint64]int32
	// final is the position of the text that ends at a node, -1 when none does.
	final []int32
}

// minLiterals is the number of alternatives from which a literalSet is faster than the other engines.
const minLiterals = 6

// newLiteralSet returns nil when the pattern is not of the kind.
func newLiteralSet(root *node, fold bool) *literalSet {
	for (root.op == opConcat || root.op == opGroup) && len(root.subs) == 1 {
		root = root.subs[0]
	}
	if root.op != opAlternate || len(root.subs) < minLiterals {
		return nil
	}
	s := &literalSet{fold: fold, next: make(map[uint64]int32), final: []int32{-1}}
	for i, alt := range root.subs {
		text, bounded, ok := plainAlternative(alt, fold)
		if !ok || len(text) == 0 || i > 0 && bounded != s.bounded {
			return nil
		}
		s.bounded = bounded
		s.insert(text, int32(i))
	}
	return s
}

func plainAlternative(alt *node, fold bool) (text []rune, bounded, ok bool) {
	subs := []*node{alt}
	if alt.op == opConcat {
		subs = alt.subs
	}
	if n := len(subs); n > 2 && isPlainBoundary(subs[0]) && isPlainBoundary(subs[n-1]) {
		subs, bounded = subs[1:n-1], true
	}
	for _, s := range subs {
		if s.op != opLiteral || s.fold != fold {
			return nil, false, false
		}
		text = append(text, s.r)
	}
	return text, bounded, true
}

func (s *literalSet) insert(text []rune, index int32) {
	at := int32(0)
	for _, r := range text {
		key := s.key(at, r)
		to, ok := s.next[key]
		if !ok {
			to = int32(len(s.final))
			s.next[key] = to
			s.final = append(s.final, -1)
		}
		at = to
	}
	if s.final[at] < 0 {
		s.final[at] = index
	}
}

func (s *literalSet) key(at int32, r rune) uint64 {
	if s.fold {
		r = foldRune(r)
	}
	return uint64(at)<<32 | uint64(uint32(r))
}

// foldRune returns the same character for all spellings of a letter.
func foldRune(r rune) rune {
	if r < unicode.MaxASCII {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	// To Python's re these two are spellings of i.
	if r == 'İ' || r == 'ı' {
		return 'I'
	}
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	return least
}

// Fold returns s with one spelling for all letters that IgnoreCase takes as equal, character by character.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' || c >= utf8.RuneSelf {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

// find returns the first match at or behind byte from, in bytes. Of several texts that match at one place the first
// listed wins, as in any choice.
func (s *literalSet) find(text string, from int) (start, end int) {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	for i := from; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !s.bounded || isBoundary(before, r, i == 0, false) {
			if end := s.matchAt(text, i); end >= 0 {
				return i, end
			}
		}
		before = r
		i += size
	}
	return -1, -1
}

func (s *literalSet) matchAt(text string, i int) (end int) {
	end = -1
	best := int32(-1)
	at := int32(0)
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		to, ok := s.next[s.key(at, r)]
		if !ok {
			break
		}
		at = to
		i += size
		index := s.final[at]
		if index < 0 || best >= 0 && index > best {
			continue
		}
		behind, _ := utf8.DecodeRuneInString(text[i:])
		if !s.bounded || isBoundary(r, behind, false, i == len(text)) {
			best, end = index, i
		}
	}
	return end
}

// isBoundary reports whether \b matches between two characters, of which one may be missing.
func isBoundary(before, behind rune, atStart, atEnd bool) bool {
	return (!atStart && IsWord(before)) != (!atEnd && IsWord(behind))
}

func (s *literalSet) findAll(text string) []Span {
	var spans []Span
	runes, last := 0, 0
	for {
		start, end := s.find(text, last)
		if start < 0 {
			return spans
		}
		runes += utf8.RuneCountInString(text[last:start])
		size := utf8.RuneCountInString(text[start:end])
		spans = append(spans, Span{runes, runes + size})
		runes, last = runes+size, end
	}
}

package keyword

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/pyre"
)

type keyword struct {
	text, intent string
	re           *pyre.Regexp
	// literal stands in every text the keyword matches, "" when nothing is known; it is folded when case is ignored.
	// plain says that the keyword is just that between word boundaries.
	literal string
	plain   bool
}

// matcher finds keywords in a text. The characters each keyword needs are in a trie, so that the time for a text hardly
// grows with the number of keywords; regular expressions run only where these characters were found.
type matcher struct {
	keywords []keyword
	fold     bool
	// next maps a node and a byte to the node behind it; node 0 is the start.
	next map[uint64]int32
	// ends lists the keywords whose literal ends at a node, ascending.
	ends [][]int32
	// always are the keywords of which nothing is known.
	always []int32
}

func newMatcher(keywords []keyword, caseSensitive bool) (*matcher, error) {
	m := &matcher{keywords: keywords, fold: !caseSensitive, next: make(map[uint64]int32), ends: make([][]int32, 1)}
	var flags pyre.Flags
	if m.fold {
		flags = pyre.IgnoreCase
	}
	for i := range keywords {
		k := &keywords[i]
		re, err := pyre.Compile(`\b`+k.text+`\b`, flags)
		if err != nil {
			return nil, fmt.Errorf("example %q of intent %q is used as a regular expression: %w", k.text, k.intent, err)
		}
		k.re, k.literal = re, re.RequiredLiteral()
		_, k.plain = re.WordLiteral()
		if k.literal == "" {
			m.always = append(m.always, int32(i))
		} else {
			m.insert(k.literal, int32(i))
		}
	}
	return m, nil
}

func (m *matcher) insert(literal string, index int32) {
	at := int32(0)
	for i := range len(literal) {
		key := edge(at, literal[i])
		to, ok := m.next[key]
		if !ok {
			to = int32(len(m.ends))
			m.next[key] = to
			m.ends = append(m.ends, nil)
		}
		at = to
	}
	m.ends[at] = append(m.ends[at], index)
}

func edge(node int32, b byte) uint64 { return uint64(node)<<8 | uint64(b) }

// first returns the first keyword in the order of training that text contains, or -1.
func (m *matcher) first(text string) int {
	found := -1
	m.each(text, func(i int) bool {
		found = i
		return false
	})
	return found
}

// each calls visit for the keywords that text contains, in ascending order, until it returns false.
func (m *matcher) each(text string, visit func(i int) bool) {
	folded := text
	if m.fold {
		folded = pyre.Fold(text)
	}
	var buffer [16]int32
	candidates := m.candidates(folded, buffer[:0])
	slices.Sort(candidates)
	last := int32(-1)
	for _, i := range candidates {
		if i == last {
			continue
		}
		last = i
		k := &m.keywords[i]
		matches := false
		if k.plain {
			matches = containsWord(folded, k.literal)
		} else {
			// A search that takes too long counts as no match.
			matches, _ = k.re.Search(text)
		}
		if matches && !visit(int(i)) {
			return
		}
	}
}

// candidates returns the keywords whose literal text contains, and those without.
func (m *matcher) candidates(text string, out []int32) []int32 {
	out = append(out, m.always...)
	for start := range len(text) {
		at := int32(0)
		for i := start; i < len(text); i++ {
			to, ok := m.next[edge(at, text[i])]
			if !ok {
				break
			}
			at = to
			out = append(out, m.ends[at]...)
		}
	}
	return out
}

// containsWord reports whether literal stands in text between \b.
func containsWord(text, literal string) bool {
	first, _ := utf8.DecodeRuneInString(literal)
	last, _ := utf8.DecodeLastRuneInString(literal)
	for from := 0; ; {
		i := strings.Index(text[from:], literal)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(literal)
		before, size := utf8.DecodeLastRuneInString(text[:i])
		behind, sizeBehind := utf8.DecodeRuneInString(text[end:])
		if (size > 0 && pyre.IsWord(before)) != pyre.IsWord(first) &&
			(sizeBehind > 0 && pyre.IsWord(behind)) != pyre.IsWord(last) {
			return true
		}
		_, step := utf8.DecodeRuneInString(text[i:])
		from = i + step
	}
}

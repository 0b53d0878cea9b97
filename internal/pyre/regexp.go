package pyre

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Flags changes how a pattern is read.
type Flags uint8

// IgnoreCase is re.IGNORECASE.
const IgnoreCase Flags = 1

// timeLimit bounds one search by the backtracking engine.
const timeLimit = 500 * time.Millisecond

// Regexp is a compiled pattern. It may be used by several goroutines.
type Regexp struct {
	root   *node
	fold   bool
	groups int
	// needsLine is set when the linear engine is right only for texts of one line.
	needsLine bool

	literals *literalSet // nil when the pattern is something else

	ascii *regexp.Regexp // nil when the linear engine cannot run the pattern
	wide  *regexp.Regexp
	slow  func() (*regexp2.Regexp, error)
}

// Compile reads a pattern. The error is an *Error when Python refuses it too.
func Compile(pattern string, f Flags) (*Regexp, error) {
	fold := f&IgnoreCase != 0
	root, groups, err := parse(pattern, flags{fold: fold})
	if err != nil {
		return nil, err
	}
	r := &Regexp{root: root, fold: fold, groups: groups}
	if r.literals = newLiteralSet(root, fold); r.literals != nil {
		return r, nil
	}
	root.walk(func(n *node) { r.needsLine = r.needsLine || n.op == opEnd })
	// Package regexp passes over empty matches that follow a match directly; Python reports them.
	if lo, _ := root.width(); lo > 0 {
		r.ascii = compileLinear(root, linearASCII, fold)
		r.wide = compileLinear(root, linear, fold)
	}
	r.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		text, _ := emit(root, backtracking, fold)
		re, err := regexp2.Compile(text, regexp2.None)
		if err != nil {
			return nil, fmt.Errorf("translating pattern %q: %w", pattern, err)
		}
		re.MatchTimeout = timeLimit
		return re, nil
	})
	if r.ascii == nil {
		if _, err := r.slow(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func compileLinear(root *node, to dialect, fold bool) *regexp.Regexp {
	text, ok := emit(root, to, fold)
	if !ok {
		return nil
	}
	// Repetitions above 1,000 are refused; the backtracking engine takes them.
	re, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	return re
}

// linearFor returns the linear engine if it is right for text.
func (r *Regexp) linearFor(text string) *regexp.Regexp {
	if r.needsLine && strings.IndexByte(text, '\n') >= 0 {
		return nil
	}
	if IsASCII(text) {
		return r.ascii
	}
	return r.wide
}

// Search reports whether the pattern matches anywhere in text (re.search). The error says that the time limit was
// reached.
func (r *Regexp) Search(text string) (bool, error) {
	if r.literals != nil {
		start, _ := r.literals.find(text, 0)
		return start >= 0, nil
	}
	if re := r.linearFor(text); re != nil {
		return re.MatchString(text), nil
	}
	re, err := r.slow()
	if err != nil {
		return false, err
	}
	return re.MatchString(text)
}

// Span is a match in code points, end exclusive.
type Span struct{ Start, End int }

// FindAll returns the matches in text from left to right (re.finditer). The error says that the time limit was
// reached; the matches found until then are returned with it.
func (r *Regexp) FindAll(text string) ([]Span, error) {
	if r.literals != nil {
		return r.literals.findAll(text), nil
	}
	if re := r.linearFor(text); re != nil {
		found := re.FindAllStringIndex(text, -1)
		if len(found) == 0 {
			return nil, nil
		}
		spans := make([]Span, len(found))
		runes, last := 0, 0
		for i, f := range found {
			runes += utf8.RuneCountInString(text[last:f[0]])
			size := utf8.RuneCountInString(text[f[0]:f[1]])
			spans[i] = Span{runes, runes + size}
			runes, last = runes+size, f[1]
		}
		return spans, nil
	}
	var spans []Span
	err := r.eachSlow(text, func(m *regexp2.Match) { spans = append(spans, Span{m.Index, m.Index + m.Length}) })
	return spans, err
}

func (r *Regexp) eachSlow(text string, visit func(*regexp2.Match)) error {
	re, err := r.slow()
	if err != nil {
		return err
	}
	m, err := re.FindStringMatch(text)
	for m != nil && err == nil {
		visit(m)
		m, err = re.FindNextMatch(m)
	}
	return err
}

// Groups returns how many capturing groups the pattern has.
func (r *Regexp) Groups() int { return r.groups }

// FindTexts returns what re.findall returns for a pattern with at most one group: the texts of the group, or of the
// whole matches.
func (r *Regexp) FindTexts(text string) ([]string, error) {
	var texts []string
	if r.literals != nil {
		chars := []rune(text)
		for _, s := range r.literals.findAll(text) {
			texts = append(texts, string(chars[s.Start:s.End]))
		}
		return texts, nil
	}
	if re := r.linearFor(text); re != nil {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			texts = append(texts, m[min(r.groups, 1)])
		}
		return texts, nil
	}
	err := r.eachSlow(text, func(m *regexp2.Match) { texts = append(texts, m.GroupByNumber(min(r.groups, 1)).String()) })
	return texts, err
}

// IsWord reports whether r is matched by \w.
func IsWord(r rune) bool {
	if r < unicode.MaxASCII {
		return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// IsASCII reports whether s has only ASCII characters.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Escape is re.escape.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

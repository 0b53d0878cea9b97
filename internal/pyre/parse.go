package pyre

import (
	"strconv"
	"strings"
)

type flags struct {
	fold, multiline, dotAll, verbose, ascii bool
}

type parser struct {
	src    []rune
	pos    int
	flags  flags
	global flags // set by (?i) and the like
	groups int
	open   map[int]bool
	names  map[string]int
}

// parse follows sre_parse.py of Python 3.10. Flags found anywhere in the pattern apply to all of it.
func parse(pattern string, f flags) (*node, int, error) {
	for {
		p := &parser{src: []rune(pattern), flags: f, global: f, open: map[int]bool{}, names: map[string]int{}}
		n, err := p.run()
		if err != nil {
			return nil, 0, err
		}
		if p.global == f {
			return n, p.groups, nil
		}
		f = p.global
	}
}

type parseFailure struct{ err *Error }

func (p *parser) fail(pos int, msg string) { panic(parseFailure{&Error{msg, pos}}) }

func (p *parser) run() (n *node, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(parseFailure)
			if !ok {
				panic(r)
			}
			err = f.err
		}
	}()
	n = p.alternation()
	if p.pos < len(p.src) {
		p.fail(p.pos, "unbalanced parenthesis")
	}
	return n, nil
}

func (p *parser) peek() rune {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return -1
}

func (p *parser) accept(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.pos++
	return true
}

func (p *parser) alternation() *node {
	alt := &node{op: opAlternate}
	for {
		alt.subs = append(alt.subs, p.sequence())
		if !p.accept('|') {
			break
		}
	}
	if len(alt.subs) == 1 {
		return alt.subs[0]
	}
	return alt
}

func (p *parser) sequence() *node {
	seq := &node{op: opConcat}
	for {
		r := p.peek()
		if r < 0 || r == '|' || r == ')' {
			return seq
		}
		start := p.pos
		p.pos++
		if p.flags.verbose && p.skippedComment(r) {
			continue
		}
		if r == '*' || r == '+' || r == '?' || r == '{' {
			if p.repeat(seq, r, start) {
				continue
			}
		}
		if n := p.atom(r, start); n != nil {
			seq.subs = append(seq.subs, n)
		}
	}
}

func (p *parser) skippedComment(r rune) bool {
	if strings.ContainsRune(" \t\n\r\v\f", r) {
		return true
	}
	if r != '#' {
		return false
	}
	for p.pos < len(p.src) && !p.accept('\n') {
		p.pos++
	}
	return true
}

// repeat applies a quantifier to the last element of seq. It returns false when a brace is meant literally.
func (p *parser) repeat(seq *node, r rune, start int) bool {
	lo, hi := 0, unlimited
	switch r {
	case '+':
		lo = 1
	case '?':
		hi = 1
	case '{':
		var ok bool
		if lo, hi, ok = p.bounds(start); !ok {
			return false
		}
	}
	if len(seq.subs) == 0 {
		p.fail(start, "nothing to repeat")
	}
	last := seq.subs[len(seq.subs)-1]
	switch last.op {
	case opRepeat:
		p.fail(start, "multiple repeat")
	case opBegin, opBeginLine, opEnd, opEndLine, opEndText, opBoundary:
		p.fail(start, "nothing to repeat")
	}
	seq.subs[len(seq.subs)-1] = &node{op: opRepeat, subs: []*node{last}, min: lo, max: hi, lazy: p.accept('?')}
	return true
}

func (p *parser) bounds(start int) (lo, hi int, ok bool) {
	from := p.pos
	if p.peek() == '}' {
		return 0, 0, false
	}
	digits := func() string {
		i := p.pos
		for p.peek() >= '0' && p.peek() <= '9' {
			p.pos++
		}
		return string(p.src[i:p.pos])
	}
	first := digits()
	second := first
	if p.accept(',') {
		second = digits()
	}
	if !p.accept('}') {
		p.pos = from
		return 0, 0, false
	}
	hi = unlimited
	var err error
	if first != "" {
		if lo, err = strconv.Atoi(first); err != nil || lo >= unlimited {
			p.fail(start, "the repetition number is too large")
		}
	}
	if second != "" {
		if hi, err = strconv.Atoi(second); err != nil || hi >= unlimited {
			p.fail(start, "the repetition number is too large")
		}
	}
	if hi < lo {
		p.fail(start+1, "min repeat greater than max repeat")
	}
	return lo, hi, true
}

func (p *parser) atom(r rune, start int) *node {
	switch r {
	case '.':
		return &node{op: opAny, all: p.flags.dotAll}
	case '^':
		if p.flags.multiline {
			return &node{op: opBeginLine}
		}
		return &node{op: opBegin}
	case '$':
		if p.flags.multiline {
			return &node{op: opEndLine}
		}
		return &node{op: opEnd}
	case '(':
		return p.group(start)
	case '[':
		return p.set(start)
	case '\\':
		return p.escape(start)
	}
	return p.literal(r)
}

func (p *parser) literal(r rune) *node { return &node{op: opLiteral, r: r, fold: p.flags.fold} }

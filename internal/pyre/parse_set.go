package pyre

import (
	"strconv"
	"strings"
)

// set parses a character set; "[" has been read.
func (p *parser) set(start int) *node {
	s := &set{not: p.accept('^')}
	n := &node{op: opSet, set: s, fold: p.flags.fold, ascii: p.flags.ascii}
	for first := true; ; first = false {
		if p.peek() < 0 {
			p.fail(start, "unterminated character set")
		}
		if p.accept(']') {
			if !first {
				return n
			}
			p.pos--
		}
		at := p.pos
		lo, cat := p.setItem(start)
		if p.peek() != '-' || p.pos+1 < len(p.src) && p.src[p.pos+1] == ']' {
			s.add(lo, lo, cat)
			continue
		}
		p.pos++
		hi, hiCat := p.setItem(start)
		if cat != 0 || hiCat != 0 || hi < lo {
			p.fail(at, "bad character range "+string(p.src[at:p.pos]))
		}
		s.add(lo, hi, 0)
	}
}

func (s *set) add(lo, hi, cat rune) {
	if cat != 0 {
		s.cats = append(s.cats, cat)
	} else {
		s.ranges = append(s.ranges, [2]rune{lo, hi})
	}
}

// setItem reads one character of a set, or the letter of a category.
func (p *parser) setItem(start int) (r, category rune) {
	r = p.peek()
	if r < 0 {
		p.fail(start, "unterminated character set")
	}
	p.pos++
	if r != '\\' {
		return r, 0
	}
	at := p.pos - 1
	c := p.peek()
	if c < 0 {
		p.fail(at, "bad escape (end of pattern)")
	}
	p.pos++
	if strings.ContainsRune("dDsSwW", c) {
		return 0, c
	}
	if c == 'b' {
		return '\b', 0
	}
	if c >= '0' && c <= '7' {
		return p.octal(c, at), 0
	}
	return p.characterEscape(c, at), 0
}

// escape parses what follows a backslash outside of sets.
func (p *parser) escape(start int) *node {
	c := p.peek()
	if c < 0 {
		p.fail(start, "bad escape (end of pattern)")
	}
	p.pos++
	switch c {
	case 'A':
		return &node{op: opBegin}
	case 'Z':
		return &node{op: opEndText}
	case 'b', 'B':
		return &node{op: opBoundary, not: c == 'B', ascii: p.flags.ascii}
	case 'd', 'D', 's', 'S', 'w', 'W':
		return &node{op: opSet, set: &set{cats: []rune{c}}, ascii: p.flags.ascii}
	case '0':
		return p.literal(p.octal(c, start))
	}
	if c >= '1' && c <= '9' {
		return p.numberEscape(c, start)
	}
	return p.literal(p.characterEscape(c, start))
}

// octal reads up to three octal digits, the first of which is c.
func (p *parser) octal(c rune, at int) rune {
	v := c - '0'
	for n := 1; n < 3 && p.peek() >= '0' && p.peek() <= '7'; n++ {
		v = v*8 + p.peek() - '0'
		p.pos++
	}
	if v > 0o377 {
		p.fail(at, "octal escape value outside of range 0-0o377")
	}
	return v
}

// numberEscape reads a back reference, or three octal digits.
func (p *parser) numberEscape(c rune, start int) *node {
	number := string(c)
	if d := p.peek(); d >= '0' && d <= '9' {
		if third := p.pos + 1; c <= '7' && d <= '7' && third < len(p.src) && p.src[third] >= '0' && p.src[third] <= '7' {
			return p.literal(p.octal(c, start))
		}
		number += string(d)
		p.pos++
	}
	index, _ := strconv.Atoi(number)
	return p.backref(index, start+1)
}

func (p *parser) characterEscape(c rune, at int) rune {
	switch c {
	case 'a':
		return '\a'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	case 'x':
		return p.hex(2, at)
	case 'u':
		return p.hex(4, at)
	case 'U':
		return p.hex(8, at)
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		p.fail(at, "bad escape \\"+string(c))
	}
	return c
}

func (p *parser) hex(digits, at int) rune {
	end := p.pos + digits
	if end <= len(p.src) {
		if v, err := strconv.ParseUint(string(p.src[p.pos:end]), 16, 32); err == nil && v <= 0x10ffff {
			p.pos = end
			return rune(v)
		}
	}
	p.fail(at, "incomplete escape "+string(p.src[at:min(end, len(p.src))]))
	return 0
}

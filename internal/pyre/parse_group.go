package pyre

import (
	"fmt"
	"strconv"
	"strings"
)

// group parses what follows "(". It returns nil for a comment and for global flags.
func (p *parser) group(start int) *node {
	if !p.accept('?') {
		return p.capture(start, "")
	}
	r := p.peek()
	p.pos++
	switch r {
	case ':':
		return p.inner(&node{op: opGroup}, start)
	case 'P':
		return p.named(start)
	case '#':
		for !p.accept(')') {
			if p.peek() < 0 {
				p.fail(start, "missing ), unterminated comment")
			}
			p.pos++
		}
		return nil
	case '=', '!':
		return p.inner(&node{op: opLook, not: r == '!'}, start)
	case '<':
		return p.lookBehind(start)
	case '(':
		return p.conditional(start)
	}
	if r > 0 && strings.ContainsRune("aiLmsux-", r) {
		p.pos--
		return p.inlineFlags(start)
	}
	if r < 0 {
		p.fail(start+1, "unexpected end of pattern")
	}
	p.fail(start+1, "unknown extension ?"+string(r))
	return nil
}

// inner parses the content of a group up to its ")".
func (p *parser) inner(n *node, start int) *node {
	saved := p.flags
	n.subs = append(n.subs, p.alternation())
	if !p.accept(')') {
		p.fail(start, "missing ), unterminated subpattern")
	}
	p.flags = saved
	return n
}

func (p *parser) capture(start int, name string) *node {
	p.groups++
	n := &node{op: opGroup, index: p.groups}
	if name != "" {
		if first, taken := p.names[name]; taken {
			p.fail(start+4, fmt.Sprintf("redefinition of group name '%s' as group %d; was group %d", name, n.index, first))
		}
		p.names[name] = n.index
	}
	p.open[n.index] = true
	p.inner(n, start)
	delete(p.open, n.index)
	return n
}

func (p *parser) named(start int) *node {
	switch {
	case p.accept('<'):
		return p.capture(start, p.name('>'))
	case p.accept('='):
		at := p.pos
		name := p.name(')')
		index, ok := p.names[name]
		if !ok {
			p.fail(at, "unknown group name '"+name+"'")
		}
		return p.backref(index, at)
	}
	p.fail(start+1, "unknown extension ?P"+string(p.src[min(p.pos, len(p.src)):min(p.pos+1, len(p.src))]))
	return nil
}

// name reads a group name up to its terminator.
func (p *parser) name(end rune) string {
	from := p.pos
	for !p.accept(end) {
		if p.peek() < 0 {
			p.fail(from, "missing "+string(end)+", unterminated name")
		}
		p.pos++
	}
	name := string(p.src[from : p.pos-1])
	if name == "" {
		p.fail(from, "missing group name")
	}
	for i, r := range name {
		if !(IsWord(r) && (i > 0 || r < '0' || r > '9')) && !(end == ')' && IsWord(r)) {
			p.fail(from, "bad character in group name '"+name+"'")
		}
	}
	return name
}

func (p *parser) backref(index, at int) *node {
	if index > p.groups {
		p.fail(at, "invalid group reference "+strconv.Itoa(index))
	}
	if p.open[index] {
		p.fail(at, "cannot refer to an open group")
	}
	return &node{op: opBackref, index: index, fold: p.flags.fold}
}

func (p *parser) lookBehind(start int) *node {
	r := p.peek()
	if r != '=' && r != '!' {
		if r < 0 {
			p.fail(start+1, "unexpected end of pattern")
		}
		p.fail(start+1, "unknown extension ?<"+string(r))
	}
	p.pos++
	n := p.inner(&node{op: opLook, behind: true, not: r == '!'}, start)
	if lo, hi := n.subs[0].width(); lo != hi {
		p.fail(-1, "look-behind requires fixed-width pattern")
	}
	return n
}

func (p *parser) conditional(start int) *node {
	at := p.pos
	name := p.name(')')
	index, ok := p.names[name]
	if !ok {
		var err error
		if index, err = strconv.Atoi(name); err != nil {
			p.fail(at, "unknown group name '"+name+"'")
		}
		if index <= 0 || index > p.groups {
			p.fail(at, "invalid group reference "+name)
		}
	}
	saved := p.flags
	n := &node{op: opConditional, index: index, subs: []*node{p.sequence(), {op: opEmpty}}}
	if p.accept('|') {
		n.subs[1] = p.sequence()
		if p.peek() == '|' {
			p.fail(p.pos, "conditional backref with more than two branches")
		}
	}
	if !p.accept(')') {
		p.fail(start, "missing ), unterminated subpattern")
	}
	p.flags = saved
	return n
}

func (p *parser) inlineFlags(start int) *node {
	on, off := p.flagLetters()
	set := func(f *flags, letters string, v bool) {
		for _, r := range letters {
			switch r {
			case 'i':
				f.fold = v
			case 'm':
				f.multiline = v
			case 's':
				f.dotAll = v
			case 'x':
				f.verbose = v
			case 'a':
				f.ascii = v
			case 'u':
				f.ascii = false
			case 'L':
				p.fail(start, "bad inline flags: cannot use 'L' flag with a str pattern")
			}
		}
	}
	switch {
	case p.accept(')') && off == "":
		set(&p.global, on, true)
		return nil
	case p.accept(':'):
		saved := p.flags
		set(&p.flags, on, true)
		set(&p.flags, off, false)
		n := p.inner(&node{op: opGroup}, start)
		p.flags = saved
		return n
	}
	p.fail(p.pos, "missing -, : or )")
	return nil
}

func (p *parser) flagLetters() (on, off string) {
	letters := func() string {
		from := p.pos
		for p.peek() > 0 && strings.ContainsRune("aiLmsux", p.peek()) {
			p.pos++
		}
		return string(p.src[from:p.pos])
	}
	on = letters()
	if p.accept('-') {
		if off = letters(); off == "" {
			p.fail(p.pos, "missing flag")
		}
	}
	return on, off
}

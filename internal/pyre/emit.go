package pyre

import (
	"strconv"
	"strings"
	"unicode"
)

// dialect is the language a parsed pattern is written in.
type dialect uint8

const (
	// linearASCII is package regexp, right for ASCII texts; without a line feed if the pattern has $.
	linearASCII dialect = iota
	// linear is package regexp with Unicode; it cannot say \b.
	linear
	// backtracking is package regexp2.
	backtracking
)

const (
	unicodeWord  = `\p{L}\p{N}_`
	unicodeDigit = `\p{Nd}`
	unicodeSpace = "\t-\r\x1c-\x20\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
	asciiWord    = `0-9A-Za-z_`
	asciiDigit   = `0-9`
	asciiSpace   = "\t-\r\x1c-\x20"
	// flaggedSpace is \s under (?a), which unlike str.isspace does not include U+001C to U+001F.
	flaggedSpace = "\t-\r\x20"
)

type writer struct {
	strings.Builder
	to   dialect
	fold bool
	// failed is set when the dialect cannot say it.
	failed bool
}

// emit writes n in a dialect; ok is false when it has no words for it.
func emit(n *node, to dialect, fold bool) (pattern string, ok bool) {
	w := &writer{to: to, fold: fold}
	if fold {
		w.WriteString("(?i)")
	}
	w.node(n)
	return w.String(), !w.failed
}

func (w *writer) node(n *node) {
	switch n.op {
	case opLiteral:
		w.leaf(n, func() { w.literal(n) })
	case opSet:
		w.leaf(n, func() { w.set(n) })
	case opAny:
		if n.all {
			w.WriteString("(?s:.)")
		} else {
			w.WriteString("[^\n]")
		}
	case opConcat:
		for _, s := range n.subs {
			w.node(s)
		}
	case opAlternate:
		w.WriteString("(?:")
		w.list(n.subs)
		w.WriteByte(')')
	case opRepeat:
		w.repeat(n)
	case opGroup:
		if n.index == 0 {
			w.WriteString("(?:")
		} else {
			w.WriteByte('(')
		}
		w.list(n.subs)
		w.WriteByte(')')
	case opBoundary:
		w.boundary(n)
	case opBegin:
		w.WriteString(`\A`)
	case opBeginLine:
		w.WriteString(`(?m:^)`)
	case opEndLine:
		w.WriteString(`(?m:$)`)
	case opEndText:
		w.WriteString(`\z`)
	case opEnd:
		if w.to == backtracking {
			w.WriteString(`(?=\n?\z)`)
		} else {
			w.WriteString(`\z`)
		}
	case opLook, opBackref, opConditional:
		w.backtracking(n)
	}
}

func (w *writer) list(subs []*node) {
	for i, s := range subs {
		if i > 0 {
			w.WriteByte('|')
		}
		w.node(s)
	}
}

// leaf writes something whose case may count although it does not around it, or the other way round.
func (w *writer) leaf(n *node, write func()) {
	if n.fold == w.fold || n.op == opSet && len(n.set.ranges) == 0 {
		write()
		return
	}
	if n.fold {
		w.WriteString("(?i:")
	} else {
		w.WriteString("(?-i:")
	}
	write()
	w.WriteByte(')')
}

// literal writes a character. The backtracking engine knows only two spellings of a letter, not all three of sigma.
func (w *writer) literal(n *node) {
	next := unicode.SimpleFold(n.r)
	if w.to != backtracking || !n.fold || unicode.SimpleFold(next) == n.r {
		w.WriteString(quote(n.r))
		return
	}
	w.WriteByte('[')
	w.WriteRune(n.r)
	for ; next != n.r; next = unicode.SimpleFold(next) {
		w.WriteRune(next)
	}
	w.WriteByte(']')
}

func (w *writer) repeat(n *node) {
	w.WriteString("(?:")
	w.node(n.subs[0])
	w.WriteByte(')')
	switch {
	case n.min == 0 && n.max == unlimited:
		w.WriteByte('*')
	case n.min == 1 && n.max == unlimited:
		w.WriteByte('+')
	case n.min == 0 && n.max == 1:
		w.WriteByte('?')
	default:
		w.WriteByte('{')
		w.WriteString(strconv.Itoa(n.min))
		if n.max != n.min {
			w.WriteByte(',')
			if n.max != unlimited {
				w.WriteString(strconv.Itoa(n.max))
			}
		}
		w.WriteByte('}')
	}
	if n.lazy {
		w.WriteByte('?')
	}
}

func (w *writer) boundary(n *node) {
	switch {
	case w.to == linearASCII && n.not:
		w.WriteString(`\B`)
	case w.to == linearASCII:
		w.WriteString(`\b`)
	case w.to == linear:
		w.failed = true
	default:
		word := "[" + category('w', n.ascii, false) + "]"
		same, other := "(?<="+word+")(?!"+word+")", "(?<!"+word+")(?="+word+")"
		if n.not {
			same, other = "(?<="+word+")(?="+word+")", "(?<!"+word+")(?!"+word+")"
		}
		w.WriteString("(?:" + same + "|" + other + ")")
	}
}

// backtracking writes what only the backtracking engine has.
func (w *writer) backtracking(n *node) {
	if w.to != backtracking {
		w.failed = true
		return
	}
	switch n.op {
	case opBackref:
		w.leaf(n, func() { w.WriteString(`(?:\` + strconv.Itoa(n.index) + ")") })
		return
	case opConditional:
		w.WriteString("(?(" + strconv.Itoa(n.index) + ")")
	default:
		w.WriteString("(?")
		if n.behind {
			w.WriteByte('<')
		}
		if n.not {
			w.WriteByte('!')
		} else {
			w.WriteByte('=')
		}
	}
	w.list(n.subs)
	w.WriteByte(')')
}

// set writes a character set. A complement of a category inside a set has no notation of its own: it becomes an
// alternative or, in a negated set, a lookahead.
func (w *writer) set(n *node) {
	var inside strings.Builder
	var complements []string
	for _, r := range n.set.ranges {
		inside.WriteString(quote(r[0]))
		if r[1] > r[0] {
			inside.WriteByte('-')
			inside.WriteString(quote(r[1]))
		}
	}
	for _, c := range n.set.cats {
		chars := category(unicode.ToLower(c), n.ascii, w.to == linearASCII)
		if unicode.IsLower(c) {
			inside.WriteString(chars)
		} else {
			complements = append(complements, "[^"+chars+"]")
		}
	}
	if len(complements) == 0 {
		if n.set.not {
			w.WriteString("[^" + inside.String() + "]")
		} else {
			w.WriteString("[" + inside.String() + "]")
		}
		return
	}
	if inside.Len() > 0 {
		complements = append(complements, "["+inside.String()+"]")
	}
	any := "(?:" + strings.Join(complements, "|") + ")"
	if !n.set.not {
		w.WriteString(any)
		return
	}
	if w.to != backtracking {
		w.failed = true
		return
	}
	w.WriteString("(?:(?!" + any + ")(?s:.))")
}

// category returns the inside of a set for \d, \w or \s. asciiText says that only ASCII texts will be searched.
func category(c rune, asciiFlag, asciiText bool) string {
	ascii := asciiFlag || asciiText
	switch {
	case c == 'd' && ascii:
		return asciiDigit
	case c == 'd':
		return unicodeDigit
	case c == 'w' && ascii:
		return asciiWord
	case c == 'w':
		return unicodeWord
	case asciiFlag:
		return flaggedSpace
	case ascii:
		return asciiSpace
	}
	return unicodeSpace
}

func quote(r rune) string {
	if r < unicode.MaxASCII && unicode.IsGraphic(r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' && r != '_' {
		return `\` + string(r)
	}
	return string(r)
}

package pyre

import (
	"fmt"
	"math"
)

type op uint8

const (
	opEmpty op = iota
	opLiteral
	opAny // any character but, unless all is set, a line feed
	opSet
	opConcat
	opAlternate
	opRepeat
	opGroup
	opLook
	opBackref
	opConditional
	opBegin     // \A, and ^ without (?m)
	opBeginLine // ^ with (?m)
	opEnd       // $ without (?m): the end or before a final line feed
	opEndLine   // $ with (?m)
	opEndText   // \Z
	opBoundary
)

const unlimited = math.MaxInt32

type node struct {
	op       op
	r        rune
	set      *set
	subs     []*node
	min, max int
	lazy     bool
	// index is the number of a capturing group, of the group a back reference or conditional is about, 0 otherwise.
	index int
	// not negates a lookaround or boundary; behind makes a lookaround look back; all makes opAny match line feeds.
	not, behind, all bool
	fold, ascii      bool
}

// set is a character set; category is one of \d \w \s, in upper case for its complement.
type set struct {
	not    bool
	ranges [][2]rune
	cats   []rune
}

// width returns how many characters n can match.
func (n *node) width() (lo, hi int) {
	switch n.op {
	case opLiteral, opAny, opSet:
		return 1, 1
	case opConcat, opGroup:
		for _, s := range n.subs {
			l, h := s.width()
			lo, hi = lo+l, min(hi+h, unlimited)
		}
		return lo, hi
	case opAlternate, opConditional:
		lo = unlimited
		for _, s := range n.subs {
			l, h := s.width()
			lo, hi = min(lo, l), max(hi, h)
		}
		return lo, hi
	case opRepeat:
		l, h := n.subs[0].width()
		if h > 0 && n.max > unlimited/h {
			return min(l*n.min, unlimited), unlimited
		}
		return min(l*n.min, unlimited), h * n.max
	case opBackref:
		return 0, unlimited
	}
	return 0, 0
}

func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, s := range n.subs {
		s.walk(visit)
	}
}

// Error says why a pattern is not valid, in Python's words.
type Error struct {
	Msg string
	// Pos counts code points from the start of the pattern; -1 when it has no place.
	Pos int
}

// Error returns the message as Python's re.error prints it.
func (e *Error) Error() string {
	if e.Pos < 0 {
		return e.Msg
	}
	return fmt.Sprintf("%s at position %d", e.Msg, e.Pos)
}

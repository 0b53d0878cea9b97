package pyre

// WordLiteral reports whether the pattern is plain characters between two \b, and returns these.
func (r *Regexp) WordLiteral() (string, bool) {
	subs := r.root.subs
	if r.root.op != opConcat || len(subs) < 3 || !isPlainBoundary(subs[0]) || !isPlainBoundary(subs[len(subs)-1]) {
		return "", false
	}
	text := make([]rune, 0, len(subs))
	for _, s := range subs[1 : len(subs)-1] {
		if s.op != opLiteral || s.fold != r.fold {
			return "", false
		}
		text = append(text, s.r)
	}
	return string(text), true
}

func isPlainBoundary(n *node) bool { return n.op == opBoundary && !n.not && !n.ascii }

// RequiredLiteral returns characters that stand in every match, "" when there is nothing of the kind. When the pattern
// ignores case they are folded, and stand in every folded match (see Fold).
func (r *Regexp) RequiredLiteral() string { return r.required(r.root) }

func (r *Regexp) required(n *node) string {
	switch n.op {
	case opLiteral, opConcat:
		subs := n.subs
		if n.op == opLiteral {
			subs = []*node{n}
		}
		return r.longest(subs)
	case opGroup:
		return r.required(n.subs[0])
	case opRepeat:
		if n.min > 0 {
			return r.required(n.subs[0])
		}
	}
	return ""
}

// longest returns the longest run of literals among subs, or within one of them.
func (r *Regexp) longest(subs []*node) string {
	best, run := "", []rune(nil)
	flush := func(s string) {
		if len(s) > len(best) {
			best = s
		}
	}
	for _, s := range subs {
		if s.op == opLiteral && s.fold == r.fold {
			c := s.r
			if r.fold {
				c = foldRune(c)
			}
			run = append(run, c)
			continue
		}
		flush(string(run))
		run = run[:0]
		if s.op != opLiteral {
			flush(r.required(s))
		}
	}
	flush(string(run))
	return best
}

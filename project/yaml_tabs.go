package project

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// checkTabs reports tabs that stand outside of quoted texts, block texts and comments. The parser lets some of them
// pass as white space, but the one Rasa validates its files with does not.
func checkTabs(text, file string, doc *yaml.Node, ps *Problems) {
	if !strings.Contains(text, "\t") {
		return
	}
	lines := strings.Split(text, "\n")
	s := tabScanner{lines: lines, free: make([][]bool, len(lines))}
	for i, line := range lines {
		s.free[i] = make([]bool, len(line))
	}
	s.mark(doc, map[*yaml.Node]bool{})
	for i, line := range lines {
		for j := range len(line) {
			if s.free[i][j] {
				continue
			}
			if line[j] == '#' && (j == 0 || line[j-1] == ' ' || line[j-1] == '\t') {
				break
			}
			if line[j] == '\t' {
				ps.Errorf(Pos{file, i + 1, utf8.RuneCountInString(line[:j]) + 1}, "a tab stands here; use spaces")
				break
			}
		}
	}
}

// tabScanner marks the bytes of quoted and block texts as free to hold tabs.
type tabScanner struct {
	lines []string
	free  [][]bool
}

func (s *tabScanner) mark(n *yaml.Node, seen map[*yaml.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if n.Kind == yaml.ScalarNode && n.Line >= 1 && n.Line <= len(s.lines) {
		switch {
		case n.Style&yaml.DoubleQuotedStyle != 0:
			s.quoted(n, '"')
		case n.Style&yaml.SingleQuotedStyle != 0:
			s.quoted(n, '\'')
		case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			s.block(n)
		}
	}
	for _, child := range n.Content {
		s.mark(child, seen)
	}
}

// quoted marks from the opening to the closing quote.
func (s *tabScanner) quoted(n *yaml.Node, quote byte) {
	inside := false
	col := s.offset(n)
	for i := n.Line - 1; i < len(s.lines); i++ {
		line := s.lines[i]
		for j := col; j < len(line); j++ {
			switch c := line[j]; {
			case !inside:
				inside = c == quote
			case c == '\\' && quote == '"':
				s.free[i][j] = true
				j++
			case c == quote && quote == '\'' && j+1 < len(line) && line[j+1] == quote:
				j++
			case c == quote:
				return
			}
			if inside && j < len(line) {
				s.free[i][j] = true
			}
		}
		col = 0
	}
}

// offset is the byte at which n begins in its line.
func (s *tabScanner) offset(n *yaml.Node) int {
	line, at := s.lines[n.Line-1], 0
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	return at
}

// block marks the lines below the head of a block text, as long as they are indented like the first of them.
func (s *tabScanner) block(n *yaml.Node) {
	indent := -1
	for i := n.Line; i < len(s.lines); i++ {
		line := s.lines[i]
		own := len(line) - len(strings.TrimLeft(line, " "))
		if strings.TrimSpace(line) != "" {
			if indent < 0 {
				indent = own
			}
			if own < indent {
				return
			}
		}
		for j := range s.free[i] {
			s.free[i][j] = true
		}
	}
}

package jsonschema

import (
	"regexp"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// textWidth is the width to which schema and instance are laid out.
const textWidth = 72

// Error returns the message with the schema and the value it is about, laid out as by Python's pprint.
func (e *Error) Error() string {
	block := func(v any) string { return strings.ReplaceAll(layOut(v, textWidth), "\n", "\n    ") }
	text := e.Message +
		"\n\nFailed validating " + value.Repr(e.keyword) + " in " + index("schema", e.schemaPath[:len(e.schemaPath)-1]) + ":\n    " +
		block(e.schema) +
		"\n\nOn " + index("instance", e.path) + ":\n    " + block(e.instance)
	return strings.TrimRightFunc(text, value.IsSpace)
}

// index writes a path as Python subscripts of name.
func index(name string, path []any) string {
	var b strings.Builder
	b.WriteString(name)
	for _, p := range path {
		b.WriteString("[" + value.Repr(p) + "]")
	}
	return b.String()
}

// layOut is pprint.pformat of Python 3.10: dictionaries are sorted, what does not fit the width goes one entry a line.
func layOut(v any, width int) string {
	p := printer{width: width}
	p.format(sorted(v), 0, 0, 0)
	return p.out.String()
}

// sorted returns v with all dictionaries ordered by key.
func sorted(v any) any {
	switch v := v.(type) {
	case *value.Map:
		keys := v.Keys()
		slices.Sort(keys)
		m := &value.Map{}
		for _, key := range keys {
			m.Set(key, sorted(v.Value(key)))
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = sorted(v[i])
		}
		return out
	}
	return v
}

type printer struct {
	out   strings.Builder
	width int
}

// format writes v, which begins at column indent and is followed by allowance characters on its last line. level is
// the depth of nesting.
func (p *printer) format(v any, indent, allowance, level int) {
	text := value.Repr(v)
	if value.RuneLen(text) <= p.width-indent-allowance {
		p.out.WriteString(text)
		return
	}
	switch v := v.(type) {
	case *value.Map:
		p.dict(v, indent, allowance+1, level+1)
	case []any:
		p.list(v, indent, allowance+1, level+1)
	case string:
		p.text(v, indent, allowance, level+1)
	default:
		p.out.WriteString(text)
	}
}

func (p *printer) newline(indent int) { p.out.WriteString("\n" + strings.Repeat(" ", indent)) }

func (p *printer) dict(m *value.Map, indent, allowance, level int) {
	p.out.WriteByte('{')
	n := 0
	for key, v := range m.All() {
		if n > 0 {
			p.out.WriteByte(',')
			p.newline(indent + 1)
		}
		name := value.Repr(key)
		p.out.WriteString(name + ": ")
		p.format(v, indent+1+value.RuneLen(name)+2, follows(n, m.Len(), allowance), level)
		n++
	}
	p.out.WriteByte('}')
}

func (p *printer) list(items []any, indent, allowance, level int) {
	p.out.WriteByte('[')
	for i, v := range items {
		if i > 0 {
			p.out.WriteByte(',')
			p.newline(indent + 1)
		}
		p.format(v, indent+1, follows(i, len(items), allowance), level)
	}
	p.out.WriteByte(']')
}

// follows is the number of characters after entry i: a comma, or after the last entry what follows the whole.
func follows(i, n, allowance int) int {
	if i == n-1 {
		return allowance
	}
	return 1
}

var words = regexp.MustCompile(`\S*\s*`)

// text writes a long string as several literals.
func (p *printer) text(s string, indent, allowance, level int) {
	if level == 1 {
		indent++
		allowance++
	}
	var chunks []string
	lines := slices.Collect(strings.Lines(s))
	for i, line := range lines {
		lastLine := i == len(lines)-1
		room := p.width - indent
		if lastLine {
			room -= allowance
		}
		if value.RuneLen(value.Repr(line)) <= room {
			chunks = append(chunks, value.Repr(line))
			continue
		}
		chunks = append(chunks, p.breakLine(line, p.width-indent, lastLine, allowance)...)
	}
	if len(chunks) == 1 {
		p.out.WriteString(chunks[0])
		return
	}
	if level == 1 {
		p.out.WriteByte('(')
	}
	for i, c := range chunks {
		if i > 0 {
			p.newline(indent)
		}
		p.out.WriteString(c)
	}
	if level == 1 {
		p.out.WriteByte(')')
	}
}

// breakLine breaks a line behind spaces.
func (p *printer) breakLine(line string, room int, lastLine bool, allowance int) []string {
	var chunks []string
	parts := words.FindAllString(line, -1)
	if n := len(parts); n > 0 && parts[n-1] == "" {
		parts = parts[:n-1]
	}
	current := ""
	for j, part := range parts {
		if lastLine && j == len(parts)-1 {
			room -= allowance
		}
		if value.RuneLen(value.Repr(current+part)) <= room {
			current += part
			continue
		}
		if current != "" {
			chunks = append(chunks, value.Repr(current))
		}
		current = part
	}
	if current != "" {
		chunks = append(chunks, value.Repr(current))
	}
	return chunks
}

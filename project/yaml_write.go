package project

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// LiteralText is a text that WriteYAML writes as a | block.
type LiteralText string

// quotedText is a text that is always written in double quotes.
type quotedText string

// commented is a value with a comment behind it in the same line.
type commented struct {
	val     any
	comment string
}

// WriteYAML writes v as Rasa writes YAML files (rasa/shared/utils/io.py write_yaml, 3.6.21, with ruamel.yaml 0.17.21),
// byte for byte: a mapping (*value.Map) or a list ([]any) of the values of package value and of LiteralText.
func WriteYAML(v any) []byte {
	w := &yamlWriter{}
	w.value(v, 0, inDocument)
	w.endLine()
	if w.openEnded {
		w.write("...\n")
	}
	return []byte(w.out.String())
}

// yamlWriter writes YAML in ruamel.yaml's default block style. col is the column in code points.
type yamlWriter struct {
	out strings.Builder
	col int
	// openEnded tells that the last scalar was a block that keeps its trailing line breaks.
	openEnded bool
}

// yamlPlace is where a value stands.
type yamlPlace int

const (
	inDocument yamlPlace = iota
	// inMapping is behind "key:", inSequence behind "-", inComplex behind the ":" of a key of its own line.
	inMapping
	inSequence
	inComplex
)

// write writes text without line breaks.
func (w *yamlWriter) write(s string) {
	w.out.WriteString(s)
	w.col += utf8.RuneCountInString(s)
	w.openEnded = false
}

// endLine begins a new line unless one has just begun.
func (w *yamlWriter) endLine() {
	if w.col > 0 {
		w.out.WriteByte('\n')
		w.col = 0
	}
}

// newline begins a new line at column indent.
func (w *yamlWriter) newline(indent int) {
	w.out.WriteByte('\n')
	w.out.WriteString(strings.Repeat(" ", indent))
	w.col = indent
}

// startAt goes to column indent of a new line.
func (w *yamlWriter) startAt(indent int) {
	open := w.openEnded
	w.endLine()
	w.write(strings.Repeat(" ", indent))
	w.openEnded = open
}

// value writes v. indent is the column of the collection that v stands in.
func (w *yamlWriter) value(v any, indent int, at yamlPlace) {
	comment := ""
	if c, ok := v.(commented); ok {
		v, comment = c.val, c.comment
	}
	switch v := v.(type) {
	case *value.Map:
		w.mapping(v, indent, at)
		return
	case []any:
		w.sequence(v, indent, at)
		return
	}
	if at != inDocument {
		w.write(" ")
	}
	w.scalar(v, indent+2)
	if comment != "" {
		w.write("  # " + comment)
		w.endLine()
	}
}

func (w *yamlWriter) scalar(v any, indent int) {
	switch v := v.(type) {
	case LiteralText:
		w.literal(string(v), indent)
	case quotedText:
		w.doubleQuoted(string(v), indent, true)
	case string:
		w.text(v, indent, false)
	case nil:
		w.write("null")
	case bool:
		w.write(strings.ToLower(value.Str(v)))
	case float64:
		w.write(yamlFloatText(v))
	default:
		w.write(value.Str(v))
	}
}

func yamlFloatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	return value.FormatFloat(f)
}

// inside returns the column of the entries of a collection at a place in a collection at indent, and whether its
// first entry goes on in the same line.
func (w *yamlWriter) inside(indent int, at yamlPlace, indentless bool) (int, bool) {
	switch {
	case at == inDocument:
		return 0, true
	case at == inMapping && indentless:
		return indent, false
	case at == inMapping:
		return indent + 2, false
	}
	return indent + 2, true
}

// maxSimpleKey is the length from which a key stands in a line of its own: 128 less what the emitter counts for the
// tag !!str.
const maxSimpleKey = 123

// mapping writes the entries of m in block style.
func (w *yamlWriter) mapping(m *value.Map, indent int, at yamlPlace) {
	if m.Len() == 0 {
		w.empty("{}", at)
		return
	}
	column, compact := w.inside(indent, at, false)
	if compact && at != inDocument {
		w.write(" ")
	}
	for key, v := range m.All() {
		if !compact {
			w.startAt(column)
		}
		compact = false
		if utf8.RuneCountInString(key) < maxSimpleKey && !strings.ContainsAny(key, lineBreaks) {
			w.text(key, column+2, true)
			w.write(":")
			w.value(v, column, inMapping)
			continue
		}
		w.write("? ")
		w.text(key, column+2, false)
		w.startAt(column)
		w.write(":")
		w.value(v, column, inComplex)
	}
}

// sequence writes the items of list in block style; in a mapping the dashes stand below the key.
func (w *yamlWriter) sequence(list []any, indent int, at yamlPlace) {
	if len(list) == 0 {
		w.empty("[]", at)
		return
	}
	column, compact := w.inside(indent, at, true)
	if compact && at != inDocument {
		w.write(" ")
	}
	for _, v := range list {
		if !compact {
			w.startAt(column)
		}
		compact = false
		w.write("-")
		w.value(v, column, inSequence)
	}
}

// empty writes an empty collection and ends the line.
func (w *yamlWriter) empty(brackets string, at yamlPlace) {
	if at != inDocument {
		w.write(" ")
	}
	w.write(brackets)
	w.endLine()
}

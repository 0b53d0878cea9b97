package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
	"gopkg.in/yaml.v3"
)

// maxYAMLNodes bounds a document after its aliases are followed, so that a few lines of nested aliases cannot fill
// the memory.
const maxYAMLNodes = 5_000_000

// maxYAMLDepth bounds nesting; Rasa hits Python's recursion limit at a similar depth.
const maxYAMLDepth = 300

// yamlKind tells mappings, sequences and scalars apart.
type yamlKind int

const (
	yamlScalar yamlKind = iota
	yamlMap
	yamlList
)

// yamlNode is a YAML value that knows where it was written. Scalars are resolved by YAML 1.2 as Rasa's reader does
// (rasa/shared/utils/io.py read_yaml, 3.6.21): yes, no, on and off are strings, 017 is seventeen, dates are dates,
// and ${NAME} in a plain scalar is replaced by the environment. A nil *yamlNode stands for what is absent.
type yamlNode struct {
	Kind yamlKind
	At   Pos
	// Scalar is the value of a scalar: nil, bool, int64, *big.Int, float64 or string.
	Scalar any
	// Entries and Items are the content of mappings and sequences.
	Entries []yamlEntry
	Items   []*yamlNode
	// Date is true for an unquoted date or time; Scalar is then Python's str() of it. Env is true when ${NAME} was
	// replaced. Rasa's schemas take neither for a string.
	Date, Env bool
	// Block is the column where the text of a | block begins, 0 for other scalars. Line i of the text, from 0, stands
	// in line At.Line+1+i of the file.
	Block int

	size   int
	cached any
	done   bool
}

// yamlEntry is one entry of a mapping. Key is the key as JSON would write it (1 and "1" are both "1").
type yamlEntry struct {
	Key     string
	KeyNode *yamlNode
	Val     *yamlNode
}

// get returns the value of key, nil when n is no mapping or has no such key.
func (n *yamlNode) get(key string) *yamlNode {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Val
		}
	}
	return nil
}

// has reports whether n is a mapping with key.
func (n *yamlNode) has(key string) bool { return n.get(key) != nil }

// keyPos returns where key is written, or where n is.
func (n *yamlNode) keyPos(key string) Pos {
	if n == nil {
		return Pos{}
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].KeyNode.At
		}
	}
	return n.At
}

// isNull reports whether n is absent or null.
func (n *yamlNode) isNull() bool { return n == nil || n.Kind == yamlScalar && n.Scalar == nil }

// str returns the text of a string scalar.
func (n *yamlNode) str() (string, bool) {
	if n == nil || n.Kind != yamlScalar {
		return "", false
	}
	s, ok := n.Scalar.(string)
	return s, ok
}

// truthy is Python's bool(n).
func (n *yamlNode) truthy() bool {
	if n == nil {
		return false
	}
	switch n.Kind {
	case yamlMap:
		return len(n.Entries) > 0
	case yamlList:
		return len(n.Items) > 0
	}
	switch v := n.Scalar.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	return true
}

// kindName names the type of n for messages.
func (n *yamlNode) kindName() string {
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == yamlMap:
		return "a mapping"
	case n.Kind == yamlList:
		return "a list"
	case n.Date:
		return "a date"
	}
	switch n.Scalar.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a float"
	case string:
		return "a text"
	}
	return "an integer"
}

// value converts n. The result is shared between calls.
func (n *yamlNode) value() any {
	if n == nil {
		return nil
	}
	if n.done {
		return n.cached
	}
	switch n.Kind {
	case yamlScalar:
		n.cached = n.Scalar
	case yamlList:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.value()
		}
		n.cached = list
	case yamlMap:
		n.cached = n.mapValue()
	}
	n.done = true
	return n.cached
}

// mapValue converts a mapping, nil for anything else.
func (n *yamlNode) mapValue() *value.Map {
	if n == nil || n.Kind != yamlMap {
		return nil
	}
	m := value.NewMap()
	for _, e := range n.Entries {
		m.Set(e.Key, e.Val.value())
	}
	return m
}

// positions returns where each key of a mapping is written.
func (n *yamlNode) positions() map[string]Pos {
	at := make(map[string]Pos, len(n.Entries))
	for _, e := range n.Entries {
		at[e.Key] = e.KeyNode.At
	}
	return at
}

// parseYAML reads one YAML document. An empty document is an empty mapping, as Rasa reads it. What is not YAML, and
// what Rasa's loader refuses (duplicate keys, several documents, unknown tags, unset variables), is in the problems;
// the node is nil when there are errors.
func parseYAML(data []byte, file string) (*yamlNode, Problems) {
	var ps Problems
	empty := &yamlNode{Kind: yamlMap, At: Pos{File: file}, size: 1}
	if at, ok := notUTF8(data, file); !ok {
		ps.Errorf(at, "the file is not UTF-8")
		return nil, ps
	}
	text, err := decodeEscapes(string(data))
	if err != nil {
		ps.Errorf(Pos{File: file}, "%v", err)
		return nil, ps
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	err = dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return empty, nil
	}
	if err != nil {
		at, what := syntaxError(err, text, file)
		ps.Errorf(at, "%s", what)
		return nil, ps
	}
	var second yaml.Node
	switch err = dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		at, what := syntaxError(err, text, file)
		ps.Errorf(at, "%s", what)
		return nil, ps
	default:
		ps.Errorf(Pos{file, second.Line, second.Column}, "a second document begins here (---), but a file holds one")
		return nil, ps
	}
	b := yamlBuilder{file: file, text: text, anchors: map[*yaml.Node]*yamlNode{}}
	checkTabs(text, file, &doc, &b.ps)
	root := b.build(doc.Content[0], 0, false)
	if b.ps.HasErrors() {
		return nil, b.ps
	}
	if !root.truthy() {
		return empty, nil
	}
	return root, b.ps
}

// decodeEscapes replaces \uXXXX and \UXXXXXXXX in a document of ASCII characters only, wherever they stand: Rasa
// decodes such files as raw_unicode_escape before it parses them.
func decodeEscapes(text string) (string, error) {
	if !strings.Contains(text, `\u`) && !strings.Contains(text, `\U`) {
		return text, nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return text, nil
		}
	}
	var out bytes.Buffer
	var high rune
	for i := 0; i < len(text); {
		run := 0
		for i+run < len(text) && text[i+run] == '\\' {
			run++
		}
		if run == 0 {
			if high != 0 {
				return "", errors.New(`half a surrogate pair is written as \u escape`)
			}
			out.WriteByte(text[i])
			i++
			continue
		}
		next := i + run
		if run%2 == 0 || next >= len(text) || text[next] != 'u' && text[next] != 'U' {
			out.WriteString(text[i:next])
			i = next
			continue
		}
		digits := 4
		if text[next] == 'U' {
			digits = 8
		}
		if next+1+digits > len(text) {
			return "", errors.New(`a \u escape is cut short`)
		}
		code, err := strconv.ParseUint(text[next+1:next+1+digits], 16, 32)
		if err != nil || code > utf8.MaxRune {
			return "", fmt.Errorf(`\%s is no \u escape`, text[next:next+1+digits])
		}
		out.WriteString(text[i : next-1])
		i = next + 1 + digits
		if err := writeEscaped(&out, rune(code), &high); err != nil {
			return "", err
		}
	}
	if high != 0 {
		return "", errors.New(`half a surrogate pair is written as \u escape`)
	}
	return out.String(), nil
}

// writeEscaped writes r, joining surrogate pairs; high is the first half that waits for its second.
func writeEscaped(out *bytes.Buffer, r rune, high *rune) error {
	switch {
	case *high != 0 && r >= 0xDC00 && r <= 0xDFFF:
		out.WriteRune((*high-0xD800)<<10 + (r - 0xDC00) + 0x10000)
		*high = 0
	case *high != 0 || r >= 0xDC00 && r <= 0xDFFF:
		return errors.New(`half a surrogate pair is written as \u escape`)
	case r >= 0xD800 && r <= 0xDBFF:
		*high = r
	default:
		out.WriteRune(r)
	}
	return nil
}

package project

import (
	"math"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// yamlBuilder turns the nodes of the YAML parser into yamlNodes.
type yamlBuilder struct {
	file string
	text string
	// lines is text split into lines, made when it is first needed.
	lines   []string
	anchors map[*yaml.Node]*yamlNode
	size    int
	ps      Problems
}

func (b *yamlBuilder) errorf(n *yaml.Node, format string, args ...any) *yamlNode {
	at := Pos{b.file, n.Line, n.Column}
	b.ps.Errorf(at, format, args...)
	return &yamlNode{At: at, size: 1}
}

// build converts n. flow tells that n stands within [] or {}.
func (b *yamlBuilder) build(n *yaml.Node, depth int, flow bool) *yamlNode {
	if depth > maxYAMLDepth {
		return b.errorf(n, "more than %d values are nested", maxYAMLDepth)
	}
	if b.size > maxYAMLNodes {
		return &yamlNode{size: 1}
	}
	if n.Kind == yaml.AliasNode {
		target, ok := b.anchors[n.Alias]
		if !ok {
			return b.errorf(n, "alias %q refers to a value that contains it", n.Value)
		}
		return b.count(n, target)
	}
	out := &yamlNode{At: Pos{b.file, n.Line, n.Column}, size: 1}
	flow = flow || n.Style&yaml.FlowStyle != 0
	switch n.Kind {
	case yaml.SequenceNode:
		out.Kind = yamlList
		b.checkTag(n, "!!seq")
		for _, item := range n.Content {
			child := b.build(item, depth+1, flow)
			out.Items = append(out.Items, child)
			out.size += child.size
		}
	case yaml.MappingNode:
		out.Kind = yamlMap
		b.checkTag(n, "!!map")
		b.mapping(n, out, depth, flow)
	default:
		b.scalar(n, out, flow)
	}
	if n.Anchor != "" {
		b.anchors[n] = out
	}
	return b.count(n, out)
}

// count adds a finished node to the size of the document.
func (b *yamlBuilder) count(n *yaml.Node, out *yamlNode) *yamlNode {
	over := b.size > maxYAMLNodes
	if n.Kind == yaml.AliasNode {
		b.size += out.size
	} else {
		b.size++
	}
	if b.size > maxYAMLNodes && !over {
		b.errorf(n, "the document has more than %d values once its aliases are followed", maxYAMLNodes)
	}
	return out
}

func (b *yamlBuilder) checkTag(n *yaml.Node, want string) {
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != want {
		b.errorf(n, "tag %s is not known; remove it", n.Tag)
	}
}

// mapping fills out with the entries of n: the merged ones (<<) first, as Python's loader puts them.
func (b *yamlBuilder) mapping(n *yaml.Node, out *yamlNode, depth int, flow bool) {
	var merged []yamlEntry
	seen := map[string]*yamlNode{}
	for i := 0; i+1 < len(n.Content) && b.size <= maxYAMLNodes; i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style == 0 {
			merged = append(merged, b.merge(val, depth, flow)...)
			continue
		}
		k := b.build(key, depth+1, flow)
		v := b.build(val, depth+1, flow)
		out.size += k.size + v.size
		if k.Kind != yamlScalar {
			b.errorf(key, "a key must be a text, not %s", k.kindName())
			continue
		}
		// 1 and "1" are two keys in Python.
		id := k.kindName() + keyText(k)
		if first, ok := seen[id]; ok {
			b.errorf(key, "duplicate key %q (first in line %d)", keyText(k), first.At.Line)
			continue
		}
		seen[id] = k
		out.Entries = append(out.Entries, yamlEntry{keyText(k), k, v})
	}
	if merged == nil {
		return
	}
	own := map[string]bool{}
	for _, e := range out.Entries {
		own[e.Key] = true
	}
	var front []yamlEntry
	for _, e := range merged {
		if !own[e.Key] {
			own[e.Key] = true
			front = append(front, e)
			out.size += e.Val.size + 1
		}
	}
	out.Entries = append(front, out.Entries...)
}

// merge returns the entries of the value of a merge key.
func (b *yamlBuilder) merge(val *yaml.Node, depth int, flow bool) []yamlEntry {
	node := b.build(val, depth+1, flow)
	entries := []yamlEntry{}
	switch node.Kind {
	case yamlMap:
		entries = append(entries, node.Entries...)
	case yamlList:
		for _, item := range node.Items {
			if item.Kind != yamlMap {
				b.errorf(val, "<< merges mappings, not %s", item.kindName())
			}
			entries = append(entries, item.Entries...)
		}
	default:
		b.errorf(val, "<< merges mappings, not %s", node.kindName())
	}
	return entries
}

// keyText returns a key as Python's json.dumps would write it.
func keyText(n *yamlNode) string {
	switch v := n.Scalar.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return v
	}
	return ""
}

// scalar resolves a scalar into out.
func (b *yamlBuilder) scalar(n *yaml.Node, out *yamlNode, flow bool) {
	if n.Style&yaml.TaggedStyle != 0 {
		b.tagged(n, out)
		return
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		out.Scalar = n.Value
		if n.Style&yaml.LiteralStyle != 0 {
			out.Block = b.blockColumn(n.Line)
		}
		return
	}
	if flow && strings.Contains(n.Value, ":") {
		b.errorf(n, "a colon in %q: within [] and {} write a space after it, or quote the text", n.Value)
		return
	}
	switch n.Value {
	case "=", "<<":
		b.errorf(n, "%s alone has a meaning of its own in YAML; quote it", n.Value)
		return
	}
	b.plain(n, out)
}

// blockColumn returns the column of the first text behind line, where a block begins.
func (b *yamlBuilder) blockColumn(line int) int {
	if b.lines == nil {
		b.lines = strings.Split(b.text, "\n")
	}
	for _, l := range b.lines[min(line, len(b.lines)):] {
		if text := strings.TrimLeft(l, " "); strings.TrimRight(text, "\r") != "" {
			return len(l) - len(text) + 1
		}
	}
	return 1
}

var (
	yamlInt   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+][0-9_]+|[0-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?` +
		`|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?)$`)
	yamlDate = regexp.MustCompile(`^(\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d` +
		`(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$`)
	yamlEnv = regexp.MustCompile(`^.*\$\{.*\}.*$`)
	envName = regexp.MustCompile(`\$(\w+|\{[^}]*\})`)
)

// plain resolves an unquoted scalar by YAML 1.2.
func (b *yamlBuilder) plain(n *yaml.Node, out *yamlNode) {
	s := n.Value
	switch s {
	case "", "~", "null", "Null", "NULL":
		return
	case "true", "True", "TRUE":
		out.Scalar = true
		return
	case "false", "False", "FALSE":
		out.Scalar = false
		return
	case ".nan", ".NaN", ".NAN":
		out.Scalar = math.NaN()
		return
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		out.Scalar = math.Inf(1)
		return
	case "-.inf", "-.Inf", "-.INF":
		out.Scalar = math.Inf(-1)
		return
	}
	switch {
	case yamlInt.MatchString(s):
		i, ok := parseYAMLInt(s)
		if !ok {
			b.errorf(n, "%s looks like a number but is none; quote it", s)
		}
		out.Scalar = i
		return
	case yamlFloat.MatchString(s):
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if err != nil && !math.IsInf(f, 0) {
			b.errorf(n, "%s looks like a number but is none; quote it", s)
		}
		out.Scalar = f
		return
	case yamlDate.MatchString(s):
		if text, ok := pythonDate(s); ok {
			out.Scalar, out.Date = text, true
			return
		}
		b.errorf(n, "%s looks like a date but is none; quote it", s)
		return
	case yamlEnv.MatchString(s):
		b.env(n, out)
		return
	}
	out.Scalar = s
}

// parseYAMLInt reads an integer: 0b, 0o and 0x have their base, anything else is decimal.
func parseYAMLInt(s string) (any, bool) {
	digits := strings.ReplaceAll(s, "_", "")
	sign := ""
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	base := 10
	for prefix, of := range map[string]int{"0b": 2, "0o": 8, "0x": 16} {
		if strings.HasPrefix(digits, prefix) {
			base, digits = of, digits[2:]
			break
		}
	}
	if i, err := strconv.ParseInt(sign+digits, base, 64); err == nil {
		return i, true
	}
	i, ok := new(big.Int).SetString(sign+digits, base)
	return i, ok
}

// pythonDate returns str() of the date or datetime that Python makes of s; zones are converted to UTC and dropped.
func pythonDate(s string) (string, bool) {
	if d, err := time.Parse("2006-01-02", s); err == nil {
		return d.Format("2006-01-02"), true
	}
	for _, layout := range []string{"2006-1-2T15:4:5", "2006-1-2t15:4:5", "2006-1-2 15:4:5"} {
		for _, zone := range []string{"", "Z07:00", " Z07:00", "-07", " -07"} {
			if d, err := time.Parse(layout+zone, strings.Join(strings.Fields(s), " ")); err == nil {
				return d.UTC().Format("2006-01-02 15:04:05.999999"), true
			}
		}
	}
	return "", false
}

// env replaces $NAME and ${NAME}; a word that begins with an unset variable is refused
// (rasa/shared/utils/io.py replace_environment_variables, 3.6.21).
func (b *yamlBuilder) env(n *yaml.Node, out *yamlNode) {
	expanded := envName.ReplaceAllStringFunc(n.Value, func(m string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(m[1:], "{"), "}")
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		return m
	})
	for _, word := range strings.Fields(expanded) {
		if strings.HasPrefix(word, "$") && strings.Contains(n.Value, word) {
			b.errorf(n, "the environment variable in %q is not set: %s", n.Value, word)
		}
	}
	out.Scalar, out.Env = expanded, true
}

// tagged resolves a scalar with an explicit tag.
func (b *yamlBuilder) tagged(n *yaml.Node, out *yamlNode) {
	wrong := func() { b.errorf(n, "%q is no %s", n.Value, n.ShortTag()) }
	switch n.ShortTag() {
	case "!!str":
		out.Scalar = n.Value
	case "!!null":
	case "!env_var":
		b.env(n, out)
	case "!!int":
		i, ok := parseYAMLInt(n.Value)
		if !ok {
			wrong()
		}
		out.Scalar = i
	case "!!float":
		f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		if err != nil {
			wrong()
		}
		out.Scalar = f
	case "!!bool":
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on", "y":
			out.Scalar = true
		case "false", "no", "off", "n":
			out.Scalar = false
		default:
			wrong()
		}
	case "!!timestamp":
		text, ok := pythonDate(n.Value)
		if !ok {
			wrong()
		}
		out.Scalar, out.Date = text, true
	default:
		b.errorf(n, "tag %s is not known; remove it", n.Tag)
	}
}

package project

import "github.com/parleybot/parley/internal/value"

// nodeOf turns a value into nodes that all stand at the same place, so that what does not come from a YAML file can
// take the same way.
func nodeOf(v any, at Pos) *yamlNode {
	switch v := v.(type) {
	case *value.Map:
		n := &yamlNode{Kind: yamlMap, At: at, size: 1}
		for key, item := range v.All() {
			n.Entries = append(n.Entries, yamlEntry{key, nodeOf(key, at), nodeOf(item, at)})
		}
		return n
	case []any:
		n := &yamlNode{Kind: yamlList, At: at, size: 1}
		for _, item := range v {
			n.Items = append(n.Items, nodeOf(item, at))
		}
		return n
	}
	return &yamlNode{Scalar: v, At: at, size: 1}
}

// with returns a copy of mapping n in which key is val: in place when n has key, otherwise at the end.
func (n *yamlNode) with(key string, val *yamlNode) *yamlNode {
	out := &yamlNode{Kind: yamlMap, At: n.At, size: n.size}
	out.Entries = append(make([]yamlEntry, 0, len(n.Entries)+1), n.Entries...)
	for i := range out.Entries {
		if out.Entries[i].Key == key {
			out.Entries[i].Val = val
			return out
		}
	}
	out.Entries = append(out.Entries, yamlEntry{key, nodeOf(key, val.At), val})
	return out
}

// filter returns a copy of mapping n with the entries that keep accepts.
func (n *yamlNode) filter(keep func(e yamlEntry) bool) *yamlNode {
	out := &yamlNode{Kind: yamlMap, At: n.At, size: n.size}
	for _, e := range n.Entries {
		if keep(e) {
			out.Entries = append(out.Entries, e)
		}
	}
	return out
}

// listOf makes a list node.
func listOf(at Pos, items []*yamlNode) *yamlNode {
	return &yamlNode{Kind: yamlList, At: at, Items: items, size: 1}
}

// texts returns what Python iterates over in n, as texts: the items of a list, the keys of a mapping, the characters
// of a text. It is false for anything else.
func (n *yamlNode) texts() ([]string, bool) {
	if s, ok := n.str(); ok {
		var chars []string
		for _, r := range s {
			chars = append(chars, string(r))
		}
		return chars, true
	}
	if n == nil || n.Kind == yamlScalar {
		return nil, false
	}
	out := make([]string, 0, len(n.Items)+len(n.Entries))
	for _, e := range n.Entries {
		out = append(out, e.Key)
	}
	for _, item := range n.Items {
		out = append(out, value.Str(item.value()))
	}
	return out, true
}

// oneOrMore is a list of texts that may be written as a single text; null is empty.
func (n *yamlNode) oneOrMore() []string {
	if s, ok := n.str(); ok {
		return []string{s}
	}
	if n == nil {
		return nil
	}
	out, _ := n.texts()
	return out
}

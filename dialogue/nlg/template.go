package nlg

import (
	"errors"
	"regexp"
	"strings"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// template is a text with placeholders, taken apart when the model is loaded
// (rasa/core/nlg/interpolator.py interpolate_text).
type template struct {
	source string
	// parts are used when every field is a plain name, which is nearly always.
	parts []part
	// formatted is the text as Python's formatter gets it; used when parts is nil.
	formatted string
}

// part is a literal followed by a placeholder, whose name is "" in the last part.
type part struct {
	literal, name string
	// slot is the index of the slot in the domain, -1 when there is none of that name.
	slot int
}

// placeholder matches what the interpolator makes an item of the values: {name} becomes {0[name]}.
var placeholder = regexp.MustCompile(`\{([^\n{}]+)\}`)

// newTemplate returns nil for a text without braces, which is said as it is.
func newTemplate(text string, d *project.Domain) *template {
	if !strings.ContainsAny(text, "{}") {
		return nil
	}
	t := &template{source: text, formatted: placeholder.ReplaceAllString(text, "{0[${1}]}")}
	literal := ""
	for _, seg := range parseFormat(t.formatted) {
		literal += seg.literal
		if seg.err != nil {
			t.parts = nil
			return t
		}
		if seg.field == nil {
			continue
		}
		name, ok := plainName(seg.field)
		if !ok {
			t.parts = nil
			return t
		}
		slot := -1
		if i, ok := d.SlotIndex(name); ok {
			slot = i
		}
		t.parts = append(t.parts, part{literal, name, slot})
		literal = ""
	}
	t.parts = append(t.parts, part{literal: literal, slot: -1})
	return t
}

// plainName returns the name in 0[name] when it is looked up as it is.
func plainName(f *field) (string, bool) {
	name, ok := strings.CutPrefix(f.name, "0[")
	if !ok || f.conversion || f.spec != "" || f.nested {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "]")
	index, err := integer(name)
	return name, ok && err == nil && index < 0 && name != "" && !strings.Contains(name, "]")
}

// names returns the names of the placeholders, and what is wrong with the text beside them.
func (t *template) names() ([]string, error) {
	var names []string
	for _, seg := range parseFormat(t.formatted) {
		if seg.err != nil {
			return names, seg.err
		}
		if seg.field == nil {
			continue
		}
		if name, ok := plainName(seg.field); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// marker in a filled text makes Rasa believe that a placeholder was escaped, and format the source without values.
const marker = "0["

// fill returns the text with values filled in. A name without value leaves the whole text as it is written; missing is
// told of it. Other errors are those that Python's formatter has with the braces.
func (t *template) fill(v *values, missing func(name string)) (string, error) {
	var text string
	var err error
	if t.parts != nil {
		text, err = t.join(v)
	} else {
		text, err = format(t.formatted, v)
	}
	if err == nil && strings.Contains(text, marker) {
		text, err = format(t.source, none{})
	}
	var unknown *missingError
	if errors.As(err, &unknown) {
		missing(unknown.name)
		return t.source, nil
	}
	return text, err
}

func (t *template) join(v *values) (string, error) {
	var space [256]byte
	out := space[:0]
	for i := range t.parts {
		p := &t.parts[i]
		out = append(out, p.literal...)
		if p.name == "" {
			continue
		}
		found, ok := v.find(p.name, p.slot)
		if !ok {
			return "", &missingError{p.name}
		}
		out = appendText(out, found)
	}
	return string(out), nil
}

// node is the part of a value in which something is to be filled in. A nil node stands for a value without
// placeholders, which is shared by all messages.
type node struct {
	text *template
	// fields are those of a dictionary, items those of a list.
	fields []fieldNode
	items  []itemNode
}

type fieldNode struct {
	key string
	*node
}

type itemNode struct {
	index int
	*node
}

func newNode(v any, d *project.Domain) *node {
	n := &node{}
	switch v := v.(type) {
	case string:
		n.text = newTemplate(v, d)
	case *value.Map:
		for key, item := range v.All() {
			if child := newNode(item, d); child != nil {
				n.fields = append(n.fields, fieldNode{key, child})
			}
		}
	case []any:
		for i, item := range v {
			if child := newNode(item, d); child != nil {
				n.items = append(n.items, itemNode{i, child})
			}
		}
	}
	if n.text == nil && n.fields == nil && n.items == nil {
		return nil
	}
	return n
}

// fill returns a copy of original, the value n was made from, with values filled in. What has no placeholder is shared
// with original.
func (n *node) fill(original any, v *values, missing func(name string)) (any, error) {
	if n.text != nil {
		return n.text.fill(v, missing)
	}
	switch original := original.(type) {
	case *value.Map:
		copied := original.Clone()
		for _, f := range n.fields {
			filled, err := f.fill(original.Value(f.key), v, missing)
			if err != nil {
				return nil, err
			}
			copied.Set(f.key, filled)
		}
		return copied, nil
	case []any:
		copied := append([]any(nil), original...)
		for _, item := range n.items {
			filled, err := item.fill(original[item.index], v, missing)
			if err != nil {
				return nil, err
			}
			copied[item.index] = filled
		}
		return copied, nil
	}
	return original, nil
}

// each calls f for every template below n.
func (n *node) each(f func(*template)) {
	if n == nil {
		return
	}
	if n.text != nil {
		f(n.text)
	}
	for _, child := range n.fields {
		child.each(f)
	}
	for _, child := range n.items {
		child.each(f)
	}
}

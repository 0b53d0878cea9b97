package skops

import (
	"fmt"

	"github.com/parleybot/parley/internal/value"
)

// node turns a node of the schema into a value.
func (d *decoder) node(n *value.Map, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nodes are nested more than %d deep", maxDepth)
	}
	switch loader := n.String("__loader__"); loader {
	case "JsonNode":
		v, err := value.DecodeString(n.String("content"))
		if err != nil {
			return nil, fmt.Errorf("JSON: %w", err)
		}
		return v, nil
	case "DictNode":
		return d.dict(n.Map("content"), depth)
	case "ListNode", "TupleNode", "SetNode":
		return d.list(n.List("content"), depth)
	case "SliceNode":
		c := n.Map("content")
		return []any{c.Value("start"), c.Value("stop"), c.Value("step")}, nil
	case "BytesNode", "BytearrayNode":
		return d.member(n.String("file"))
	case "NdArrayNode":
		return d.array(n, depth)
	case "TypeNode":
		return Type(className(n)), nil
	case "ObjectNode", "RandomStateNode":
		return d.object(n, depth)
	default:
		return nil, fmt.Errorf("a node of type %q (%s) is not known", loader, className(n))
	}
}

func className(n *value.Map) string { return n.String("__module__") + "." + n.String("__class__") }

func (d *decoder) child(v any, depth int) (any, error) {
	n, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("%T is no node", v)
	}
	return d.node(n, depth+1)
}

func (d *decoder) dict(content *value.Map, depth int) (*value.Map, error) {
	out := &value.Map{}
	for key, v := range content.All() {
		item, err := d.child(v, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out.Set(key, item)
	}
	return out, nil
}

func (d *decoder) list(content []any, depth int) ([]any, error) {
	out := make([]any, len(content))
	for i, v := range content {
		item, err := d.child(v, depth)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out[i] = item
	}
	return out, nil
}

// object reads an object. Its state is a dictionary of attributes.
func (d *decoder) object(n *value.Map, depth int) (*Object, error) {
	o := &Object{Class: className(n), Attributes: &value.Map{}}
	content := n.Value("content")
	if content == nil {
		return o, nil
	}
	state, err := d.child(content, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Class, err)
	}
	switch s := state.(type) {
	case nil:
	case *value.Map:
		o.Attributes = s
	default:
		return nil, fmt.Errorf("%s: its state is no dictionary", o.Class)
	}
	return o, nil
}

// array reads an array of numbers or text from a member, one of Python objects from the nodes within.
func (d *decoder) array(n *value.Map, depth int) (any, error) {
	switch kind := n.String("type"); kind {
	case "numpy":
		name := n.String("file")
		data, err := d.member(name)
		if err != nil {
			return nil, err
		}
		a, err := ParseNpy(data)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", name, err)
		}
		return a, nil
	case "json":
		return d.objectArray(n, depth)
	default:
		return nil, fmt.Errorf("an array of type %q is not known", kind)
	}
}

func (d *decoder) objectArray(n *value.Map, depth int) (*Array, error) {
	items, err := d.list(n.List("content"), depth)
	if err != nil {
		return nil, err
	}
	size, err := d.child(n.Value("shape"), depth)
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	dimensions, _ := size.([]any)
	a := &Array{Type: "|O"}
	for _, v := range dimensions {
		dimension, ok := v.(int64)
		if !ok {
			return nil, fmt.Errorf("shape %v has something else than whole numbers", dimensions)
		}
		a.Shape = append(a.Shape, int(dimension))
	}
	count, err := elements(a.Shape)
	if err != nil {
		return nil, err
	}
	a.objects = flatten(items, len(a.Shape))
	if len(a.objects) != count {
		return nil, fmt.Errorf("shape %v does not fit %d objects", a.Shape, len(a.objects))
	}
	return a, nil
}

// flatten joins lists that are nested to the given depth.
func flatten(items []any, depth int) []any {
	if depth <= 1 {
		return items
	}
	var out []any
	for _, v := range items {
		list, _ := v.([]any)
		out = append(out, flatten(list, depth-1)...)
	}
	return out
}

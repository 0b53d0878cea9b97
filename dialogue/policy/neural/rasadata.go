package neural

import (
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// readLabels reads the features of all labels from nested feature arrays (rasa/utils/tensorflow/feature_array.py): by
// attribute, by kind, by label, by turn, of which a label has one.
func (s *Spec) readLabels(r component.Resource, prefix string) error {
	doc, err := decode(r, prefix+"_metadata.json")
	if err != nil {
		return err
	}
	set, err := readSet(r, prefix+".st")
	if err != nil {
		return err
	}
	attributes, _ := doc.([]any)
	for _, v := range attributes {
		m, _ := v.(*value.Map)
		name := m.String("key")
		const labels = "label_"
		if len(name) < len(labels) {
			continue
		}
		a, ok := attributeOf(name[len(labels):])
		if !ok {
			continue
		}
		if err := s.readLabel(a, m.List("components"), set); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *Spec) readLabel(a Attribute, components []any, set *weights.Set) error {
	size := &Size{}
	present := map[int]bool{}
	features := map[int]*Features{}
	of := func(label int) *Features {
		if features[label] == nil {
			features[label] = &Features{}
		}
		return features[label]
	}
	labels := 0
	for _, v := range components {
		c, _ := v.(*value.Map)
		kind := c.String("key")
		if kind != "mask" && kind != "sentence" && kind != "sequence" {
			continue
		}
		for _, f := range c.List("features") {
			array, _ := f.(*value.Map)
			items := array.List("subcomponents")
			labels = max(labels, len(items))
			for i, item := range items {
				m, err := readMatrix(item, set)
				if err != nil {
					return fmt.Errorf("%s of label %d: %w", kind, i, err)
				}
				if kind == "mask" {
					present[i] = len(m.rows) > 0 && occurs(&m.rows[0])
					continue
				}
				setSize(size, kind, m.sparse, m.units)
				m.addTo(of(i), kind)
			}
		}
	}
	if labels > len(s.Labels) {
		s.Labels = append(s.Labels, make([]Turn, labels-len(s.Labels))...)
	}
	for i := range present {
		if present[i] {
			s.Labels[i][a] = of(i)
		}
	}
	s.LabelSizes[a] = size
	return nil
}

func (m *matrix) addTo(f *Features, kind string) {
	for i, row := range m.rows {
		to := &f.Sentence
		if kind == "sequence" {
			for len(f.Sequence) <= i {
				f.Sequence = append(f.Sequence, Row{})
			}
			to = &f.Sequence[i]
		}
		if m.sparse {
			to.Cols, to.Values = row.Cols, row.Values
		} else {
			to.Dense = row.Dense
		}
	}
}

func occurs(r *Row) bool {
	for _, v := range r.Dense {
		if v != 0 {
			return true
		}
	}
	return len(r.Values) > 0
}

// matrix is one array of features.
type matrix struct {
	sparse bool
	units  int
	rows   []Row
}

const maxUnits = 1 << 24

// readMatrix reads an array whose outer dimensions, if there are more than two, have one element.
func readMatrix(node any, set *weights.Set) (*matrix, error) {
	m, _ := node.(*value.Map)
	switch kind := m.String("type"); kind {
	case "list":
		numbers, err := set.AsFloat32(m.String("key"))
		return &matrix{units: len(numbers), rows: []Row{{Dense: numbers}}}, err
	case "dense":
		rows, units, err := shapeOf(m)
		if err != nil {
			return nil, err
		}
		numbers, err := set.AsFloat32(m.String("key"), rows, units)
		if err != nil {
			return nil, err
		}
		out := &matrix{units: units, rows: make([]Row, rows)}
		for i := range out.rows {
			out.rows[i].Dense = numbers[i*units : (i+1)*units]
		}
		return out, nil
	case "sparse":
		return readSparse(m, set)
	case "group":
		return readGroup(m.List("subcomponents"), set)
	default:
		return nil, fmt.Errorf("array of type %q", kind)
	}
}

func readGroup(parts []any, set *weights.Set) (*matrix, error) {
	out := &matrix{}
	for i, p := range parts {
		m, err := readMatrix(p, set)
		if err != nil {
			return nil, err
		}
		if i > 0 && (m.sparse != out.sparse || m.units != out.units) {
			return nil, fmt.Errorf("arrays of %d and %d columns side by side", out.units, m.units)
		}
		out.sparse, out.units = m.sparse, m.units
		out.rows = append(out.rows, m.rows...)
	}
	return out, nil
}

func shapeOf(m *value.Map) (rows, units int, err error) {
	shape := m.List("shape")
	if len(shape) == 1 {
		shape = []any{int64(1), shape[0]}
	}
	if len(shape) != 2 {
		return 0, 0, fmt.Errorf("array of %d dimensions", len(shape))
	}
	r, _ := shape[0].(int64)
	u, _ := shape[1].(int64)
	if r < 0 || u < 0 || r > maxUnits || u > maxUnits {
		return 0, 0, fmt.Errorf("array of %d rows of %d", r, u)
	}
	return int(r), int(u), nil
}

func readSparse(m *value.Map, set *weights.Set) (*matrix, error) {
	rows, units, err := shapeOf(m)
	if err != nil {
		return nil, err
	}
	key := m.String("key")
	numbers, err := set.AsFloat32(key+"_data", -1)
	if err != nil {
		return nil, err
	}
	at, err := set.Ints(key+"_row", len(numbers))
	if err != nil {
		return nil, err
	}
	cols, err := set.Ints(key+"_col", len(numbers))
	if err != nil {
		return nil, err
	}
	out := &matrix{sparse: true, units: units, rows: make([]Row, rows)}
	for i, v := range numbers {
		if at[i] < 0 || at[i] >= rows || cols[i] < 0 || cols[i] >= units {
			return nil, fmt.Errorf("an element in row %d, column %d of a %dx%d array", at[i], cols[i], rows, units)
		}
		r := &out.rows[at[i]]
		r.Cols, r.Values = append(r.Cols, int32(cols[i])), append(r.Values, v)
	}
	return out, nil
}

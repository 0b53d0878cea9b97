package diet

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// A file of nested feature arrays is a safetensors file and a JSON file that says how its tensors make up features
// (rasa/utils/tensorflow/feature_array.py): attribute, kind of features, list of feature arrays, one matrix an example.
type nested map[string]map[string][][]matrix

// matrix holds the features of one example, sparse or dense.
type matrix struct {
	sparse bool
	// rows and cols of the whole; a sparse matrix has entries, a dense one data.
	rows, cols int
	entryRow   []int
	entryCol   []int
	data       []float32
}

// maxFeatures bounds what a file may claim to have.
const maxFeatures = 1 << 28

func readNested(from component.Resource, base string) (nested, error) {
	metaName := base + "_metadata.json"
	metaData, err := from.Get(metaName)
	if err != nil {
		return nil, err
	}
	meta, err := value.Decode(metaData)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", metaName, err)
	}
	data, err := from.Get(base + ".st")
	if err != nil {
		return nil, err
	}
	set, err := weights.Read(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s.st: %w", base, err)
	}
	n, err := nestedOf(set, meta)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", metaName, err)
	}
	return n, nil
}

func nestedOf(set *weights.Set, meta any) (nested, error) {
	out := nested{}
	attributes, _ := meta.([]any)
	for _, a := range attributes {
		attribute, ok := a.(*value.Map)
		if !ok {
			return nil, errors.New("an attribute is no object")
		}
		kinds := map[string][][]matrix{}
		for _, c := range attribute.List("components") {
			kind, ok := c.(*value.Map)
			if !ok {
				return nil, errors.New("a kind of features is no object")
			}
			for _, f := range kind.List("features") {
				array, err := featureArray(set, f)
				if err != nil {
					return nil, fmt.Errorf("%s of %s: %w", kind.String("key"), attribute.String("key"), err)
				}
				kinds[kind.String("key")] = append(kinds[kind.String("key")], array)
			}
		}
		out[attribute.String("key")] = kinds
	}
	return out, nil
}

// featureArray reads one array: a group with an item for each example, or a single item.
func featureArray(set *weights.Set, item any) ([]matrix, error) {
	m, ok := item.(*value.Map)
	if !ok {
		return nil, errors.New("a feature is no object")
	}
	if m.String("type") != "group" {
		one, err := readMatrix(set, m)
		return []matrix{one}, err
	}
	var out []matrix
	for _, sub := range m.List("subcomponents") {
		s, ok := sub.(*value.Map)
		if !ok {
			return nil, errors.New("a feature is no object")
		}
		one, err := readMatrix(set, s)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func readMatrix(set *weights.Set, m *value.Map) (matrix, error) {
	key := m.String("key")
	switch kind := m.String("type"); kind {
	case "sparse":
		return readSparse(set, key, m.List("shape"))
	case "dense":
		return readDense(set, key, m.List("shape"))
	case "list":
		data, err := set.AsFloat32(key)
		return matrix{rows: 1, cols: len(data), data: data}, err
	case "group":
		var out matrix
		for i, sub := range m.List("subcomponents") {
			s, ok := sub.(*value.Map)
			if !ok {
				return out, errors.New("a feature is no object")
			}
			if s.String("type") != "list" {
				return out, fmt.Errorf("features of type %q within one example", s.String("type"))
			}
			row, err := readMatrix(set, s)
			if err != nil {
				return out, err
			}
			if i > 0 && row.cols != out.cols {
				return out, fmt.Errorf("rows of %d and %d features", out.cols, row.cols)
			}
			out = matrix{rows: i + 1, cols: row.cols, data: append(out.data, row.data...)}
		}
		return out, nil
	default:
		return matrix{}, fmt.Errorf("features of unknown type %q", kind)
	}
}

// shape2 reads a shape of one or two dimensions.
func shape2(shape []any) (rows, cols int, err error) {
	dims := [2]int{1, 1}
	if len(shape) == 0 || len(shape) > 2 {
		return 0, 0, fmt.Errorf("a shape of %d dimensions", len(shape))
	}
	for i, d := range shape {
		n, ok := d.(int64)
		if !ok || n < 0 || n > maxFeatures {
			return 0, 0, fmt.Errorf("shape %s is not valid", value.Repr(shape))
		}
		dims[2-len(shape)+i] = int(n)
	}
	return dims[0], dims[1], nil
}

func readDense(set *weights.Set, key string, shape []any) (matrix, error) {
	rows, cols, err := shape2(shape)
	if err != nil {
		return matrix{}, fmt.Errorf("tensor %q: %w", key, err)
	}
	data, err := set.AsFloat32(key)
	if err == nil && len(data) != rows*cols {
		err = fmt.Errorf("tensor %q: %d elements do not make up %dx%d", key, len(data), rows, cols)
	}
	return matrix{rows: rows, cols: cols, data: data}, err
}

func readSparse(set *weights.Set, key string, shape []any) (matrix, error) {
	m := matrix{sparse: true}
	var err error
	if m.rows, m.cols, err = shape2(shape); err != nil {
		return m, fmt.Errorf("tensor %q: %w", key, err)
	}
	if m.data, err = set.AsFloat32(key + "_data"); err != nil {
		return m, err
	}
	if m.entryRow, err = set.Ints(key+"_row", len(m.data)); err != nil {
		return m, err
	}
	if m.entryCol, err = set.Ints(key+"_col", len(m.data)); err != nil {
		return m, err
	}
	for i := range m.data {
		if r, c := m.entryRow[i], m.entryCol[i]; r < 0 || r >= m.rows || c < 0 || c >= m.cols {
			return m, fmt.Errorf("tensor %q: an entry at (%d, %d) is outside of %dx%d", key, r, c, m.rows, m.cols)
		}
	}
	return m, nil
}

// signature returns what features an attribute has.
func (n nested) signature(attribute string) (Signature, error) {
	var s Signature
	for kind, u := range map[string]*Units{sequenceKey: &s.Sequence, sentenceKey: &s.Sentence} {
		for _, array := range n[attribute][kind] {
			if len(array) == 0 {
				return s, fmt.Errorf("%s of %s has no example", kind, attribute)
			}
			if array[0].sparse {
				u.Sparse += array[0].cols
			} else {
				u.Dense += array[0].cols
			}
		}
	}
	return s, nil
}

// features returns the features of all examples of an attribute.
func (n nested) features(attribute string) (Features, error) {
	var f Features
	s, err := n.signature(attribute)
	if err != nil {
		return f, err
	}
	f.reset(s)
	count := -1
	for kind, b := range map[string]*Block{sequenceKey: &f.Sequence, sentenceKey: &f.Sentence} {
		for _, array := range n[attribute][kind] {
			if count < 0 {
				count = len(array)
			}
			if len(array) != count {
				return f, fmt.Errorf("%s has %d and %d examples", attribute, count, len(array))
			}
			if err := b.appendArray(array); err != nil {
				return f, fmt.Errorf("%s of %s: %w", kind, attribute, err)
			}
		}
	}
	for i := range max(count, 0) {
		rows := 0
		if arrays := n[attribute][sequenceKey]; len(arrays) > 0 {
			rows = arrays[0][i].rows
		}
		f.Lengths = append(f.Lengths, f.Lengths[i]+rows)
	}
	if !f.Sequence.has(s.Sequence, f.Lengths.Rows()) || !f.Sentence.has(s.Sentence, max(count, 0)) {
		return f, fmt.Errorf("%s: the numbers of rows do not go together", attribute)
	}
	return f, nil
}

// has reports whether the block has so many rows of the features it should have.
func (b *Block) has(u Units, rows int) bool {
	return (u.Sparse == 0 || b.Sparse.Rows == rows) && (u.Dense == 0 || b.Dense.Rows == rows)
}

// appendArray appends the matrices of one feature array, all of them sparse or all dense.
func (b *Block) appendArray(array []matrix) error {
	for i := range array {
		m := &array[i]
		if m.sparse != array[0].sparse || m.cols != array[0].cols {
			return errors.New("examples have different features")
		}
		if !m.sparse {
			b.Dense.Data = append(b.Dense.Data, m.data...)
			b.Dense.Rows += m.rows
			continue
		}
		byRow := make([][]int, m.rows)
		for e, r := range m.entryRow {
			byRow[r] = append(byRow[r], e)
		}
		for _, entries := range byRow {
			for _, e := range entries {
				b.Sparse.Col = append(b.Sparse.Col, int32(m.entryCol[e]))
				b.Sparse.Val = append(b.Sparse.Val, m.data[e])
			}
			b.Sparse.Rows++
			b.Sparse.RowPtr = append(b.Sparse.RowPtr, len(b.Sparse.Col))
		}
	}
	return nil
}

// readRasa reads what Rasa's component persisted; nil when it is untrained. name is that of its class.
func readRasa(from component.Resource, name string) (*State, *weights.Set, error) {
	data, err := from.Get(name + ".weights.st")
	if errors.Is(err, fs.ErrNotExist) && !slices.Contains(from.Names(), name+".data_example_metadata.json") {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	set, err := weights.Read(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s.weights.st: %w", name, err)
	}
	example, err := readNested(from, name+".data_example")
	if err != nil {
		return nil, nil, err
	}
	labels, err := readNested(from, name+".label_data")
	if err != nil {
		return nil, nil, err
	}
	s := &State{}
	if s.Text, err = example.signature(textKey); err != nil {
		return nil, nil, fmt.Errorf("reading %s.data_example: %w", name, err)
	}
	if s.Label, err = example.signature(labelKey); err != nil {
		return nil, nil, fmt.Errorf("reading %s.data_example: %w", name, err)
	}
	if s.LabelFeatures, err = labels.features(labelKey); err != nil {
		return nil, nil, fmt.Errorf("reading %s.label_data: %w", name, err)
	}
	if err := s.readRasaJSON(from, name); err != nil {
		return nil, nil, err
	}
	if len(example[entitiesKey][entityTags]) == 0 {
		s.Tags = nil
	}
	return s, set, nil
}

func (s *State) readRasaJSON(from component.Resource, name string) error {
	file := name + ".index_label_id_mapping.json"
	m, err := component.ReadObject(from, file)
	if err != nil {
		return err
	}
	if s.Labels, err = numbered(m); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	file = name + ".entity_tag_specs.json"
	data, err := from.Get(file)
	if err != nil {
		return err
	}
	v, err := value.Decode(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	specs, ok := v.([]any)
	if !ok {
		return fmt.Errorf("reading %s: it is no list", file)
	}
	for _, item := range specs {
		spec, ok := item.(*value.Map)
		if !ok {
			return fmt.Errorf("reading %s: an item is no object", file)
		}
		tags, err := numbered(spec.Map("ids_to_tags"))
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		s.Tags = append(s.Tags, TagSpec{spec.String("tag_name"), tags})
	}
	return nil
}

// numbered turns {"0": a, "1": b} into a list.
func numbered(m *value.Map) ([]string, error) {
	list := make([]string, m.Len())
	for key, v := range m.All() {
		i, err := strconv.Atoi(key)
		name, ok := v.(string)
		if err != nil || i < 0 || i >= len(list) || !ok {
			return nil, fmt.Errorf("number %q for %s is not valid", key, value.Repr(v))
		}
		list[i] = name
	}
	return list, nil
}

package diet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/weights"
)

const (
	stateFile   = "diet.json"
	weightsFile = "diet.weights.st"
	// labelsPrefix is that of the tensors that hold the features of the labels.
	labelsPrefix = "label_data/"
)

// LoadRasa reads the files of Rasa's component whose class is called name. It returns nil for an untrained one.
func LoadRasa(o Options, from component.Resource, name string, textLabels bool) (*Model, error) {
	s, set, err := readRasa(from, name)
	if s == nil || err != nil {
		return nil, err
	}
	m, err := NewModel(o, s, set, textLabels)
	if err != nil {
		return nil, fmt.Errorf("reading the network of %s: %w", name, err)
	}
	return m, nil
}

// Load reads what Persist wrote; nil when there is nothing.
func Load(o Options, from component.Resource, textLabels bool) (*Model, error) {
	s, set, err := read(from)
	if s == nil || err != nil {
		return nil, err
	}
	m, err := NewModel(o, s, set, textLabels)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	return m, nil
}

// read reads state and weights.
func read(from component.Resource) (*State, *weights.Set, error) {
	data, err := from.Get(stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s := &State{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", stateFile, err)
	}
	if data, err = from.Get(weightsFile); err != nil {
		return nil, nil, err
	}
	set, err := weights.Read(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	if err := s.readLabels(set); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	return s, set, nil
}

// Persist writes state and weights.
func (m *Model) Persist(to component.Resource) error {
	data, err := json.Marshal(m.state)
	if err != nil {
		return err
	}
	if err := to.Put(stateFile, data); err != nil {
		return err
	}
	set := weights.New()
	for _, name := range m.weights.Names() {
		t, err := m.weights.Tensor(name)
		if err == nil {
			err = set.Put(name, t)
		}
		if err != nil {
			return err
		}
	}
	if err := m.state.saveLabels(set); err != nil {
		return err
	}
	if data, err = set.Bytes(); err != nil {
		return err
	}
	return to.Put(weightsFile, data)
}

func (s *State) saveLabels(set *weights.Set) error {
	f := &s.LabelFeatures
	lengths := make([]int64, len(f.Lengths))
	for i, n := range f.Lengths {
		lengths[i] = int64(n)
	}
	err := set.PutInt64(labelsPrefix+"lengths", lengths, len(lengths))
	for kind, b := range map[string]*Block{sequenceKey: &f.Sequence, sentenceKey: &f.Sentence} {
		at := labelsPrefix + kind + "/"
		if n := b.Sparse.Rows; n > 0 {
			starts := make([]int64, n+1)
			for i, p := range b.Sparse.RowPtr {
				starts[i] = int64(p)
			}
			err = errors.Join(err, set.PutInt64(at+"starts", starts, n+1),
				set.PutInt32(at+"columns", b.Sparse.Col, len(b.Sparse.Col)),
				set.PutFloat32(at+"values", b.Sparse.Val, len(b.Sparse.Val)))
		}
		if b.Dense.Rows > 0 {
			err = errors.Join(err, set.PutFloat32(at+"dense", b.Dense.Elements(), b.Dense.Rows, b.Dense.Cols))
		}
	}
	return err
}

func (s *State) readLabels(set *weights.Set) error {
	f := &s.LabelFeatures
	f.reset(s.Label)
	lengths, err := set.Ints(labelsPrefix+"lengths", -1)
	if err != nil {
		return err
	}
	for i, n := range lengths {
		if i == 0 && n != 0 || i > 0 && n < lengths[i-1] {
			return fmt.Errorf("tensor %q: it does not ascend from 0", labelsPrefix+"lengths")
		}
	}
	f.Lengths = lengths
	rows := f.Lengths.Rows()
	if err := f.Sequence.read(set, labelsPrefix+sequenceKey+"/", s.Label.Sequence, rows); err != nil {
		return err
	}
	return f.Sentence.read(set, labelsPrefix+sentenceKey+"/", s.Label.Sentence, f.Examples())
}

func (b *Block) read(set *weights.Set, at string, u Units, rows int) error {
	if set.Has(at + "starts") {
		starts, err := set.Ints(at+"starts", rows+1)
		if err != nil {
			return err
		}
		columns, err := set.Ints(at+"columns", -1)
		if err != nil {
			return err
		}
		values, err := set.Float32(at+"values", len(columns))
		if err != nil {
			return err
		}
		b.Sparse = f32.CSR{Rows: rows, Cols: u.Sparse, RowPtr: starts, Col: make([]int32, len(columns)), Val: values}
		for i, c := range columns {
			if c < 0 || c >= u.Sparse {
				return fmt.Errorf("tensor %q: column %d of %d", at+"columns", c, u.Sparse)
			}
			b.Sparse.Col[i] = int32(c)
		}
		for i, p := range starts {
			if i == 0 && p != 0 || i > 0 && p < starts[i-1] || p > len(columns) {
				return fmt.Errorf("tensor %q: it does not ascend from 0 to %d", at+"starts", len(columns))
			}
		}
	}
	if u.Dense == 0 || !set.Has(at+"dense") {
		return nil
	}
	data, err := set.Float32(at+"dense", rows, u.Dense)
	if err == nil {
		b.Dense = f32.Wrap(rows, u.Dense, data)
	}
	return err
}

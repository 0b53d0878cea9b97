package crfsuite

import (
	"fmt"
	"slices"

	"github.com/parleybot/parley/internal/ml/weights"
)

// Put stores the model in a set, under names that begin with prefix.
func (m *Model) Put(set *weights.Set, prefix string) error {
	targets := make([]int32, len(m.targets))
	for i, t := range m.targets {
		targets[i] = int32(t)
	}
	size := len(m.labels)
	for _, put := range []func() error{
		func() error { return putStrings(set, prefix+"labels", m.labels) },
		func() error { return putStrings(set, prefix+"attributes", m.names) },
		func() error { return set.PutInt32(prefix+"starts", m.starts, len(m.starts)) },
		func() error { return set.PutInt32(prefix+"targets", targets, len(targets)) },
		func() error { return set.PutFloat64(prefix+"weights", m.weights, len(m.weights)) },
		func() error { return set.PutFloat64(prefix+"pairs", m.pairs, size, size) },
	} {
		if err := put(); err != nil {
			return err
		}
	}
	return nil
}

// ReadModel reads what Put stored. The model refers to the set's data. The error names the tensor that is to blame.
func ReadModel(set *weights.Set, prefix string) (*Model, error) {
	m := &Model{}
	var err error
	if m.labels, err = readStrings(set, prefix+"labels"); err != nil {
		return nil, err
	}
	if m.names, err = readStrings(set, prefix+"attributes"); err != nil {
		return nil, err
	}
	size := len(m.labels)
	if m.pairs, err = set.Float64(prefix+"pairs", size, size); err != nil {
		return nil, err
	}
	if m.weights, err = set.Float64(prefix+"weights", -1); err != nil {
		return nil, err
	}
	targets, err := set.Ints(prefix+"targets", len(m.weights))
	if err != nil {
		return nil, err
	}
	m.targets = make([]uint16, len(targets))
	for i, t := range targets {
		if t < 0 || t >= size {
			return nil, fmt.Errorf("tensor %q: there is no label %d", prefix+"targets", t)
		}
		m.targets[i] = uint16(t)
	}
	starts, err := set.Ints(prefix+"starts", len(m.names)+1)
	if err != nil {
		return nil, err
	}
	if !slices.IsSorted(starts) || starts[0] != 0 || starts[len(starts)-1] != len(m.weights) {
		return nil, fmt.Errorf("tensor %q does not divide %d weights", prefix+"starts", len(m.weights))
	}
	m.starts = make([]int32, len(starts))
	for i, s := range starts {
		m.starts[i] = int32(s)
	}
	m.prepare()
	return m, nil
}

// putStrings stores strings as their bytes and the positions where they end.
func putStrings(set *weights.Set, name string, list []string) error {
	var data []byte
	ends := make([]int32, len(list))
	for i, s := range list {
		data = append(data, s...)
		ends[i] = int32(len(data))
	}
	if err := set.Put(name, weights.Tensor{DType: weights.U8, Shape: []int{len(data)}, Data: data}); err != nil {
		return err
	}
	return set.PutInt32(name+".ends", ends, len(ends))
}

func readStrings(set *weights.Set, name string) ([]string, error) {
	t, err := set.Tensor(name)
	if err != nil {
		return nil, err
	}
	ends, err := set.Ints(name+".ends", -1)
	if err != nil {
		return nil, err
	}
	all := string(t.Data)
	list := make([]string, len(ends))
	from := 0
	for i, end := range ends {
		if end < from || end > len(all) {
			return nil, fmt.Errorf("tensor %q: string %d ends at %d", name, i, end)
		}
		list[i], from = all[from:end], end
	}
	return list, nil
}

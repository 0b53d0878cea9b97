package sklearn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive/skops"
	"github.com/parleybot/parley/internal/ml/svm"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

const (
	weightsFile   = "svm.weights.st"
	headerKey     = "svm"
	estimatorFile = name + "_classifier.skops"
	encoderFile   = name + "_encoder.json"
)

// header is what is stored beside the numbers.
type header struct {
	Intents []string   `json:"intents"`
	Kernel  svm.Kernel `json:"kernel"`
	Counts  []int      `json:"counts"`
}

// Persist writes the model; an untrained classifier writes nothing.
func (c *Classifier) Persist(to component.Resource) error {
	if c.model == nil {
		return nil
	}
	m := c.model
	head, err := json.Marshal(header{c.intents, m.Kernel, m.Counts})
	if err != nil {
		return err
	}
	set := weights.New()
	set.Metadata = map[string]string{headerKey: string(head)}
	vectors := len(m.Vectors) / m.Features
	for _, put := range []func() error{
		func() error { return set.PutFloat64("vectors", m.Vectors, vectors, m.Features) },
		func() error { return set.PutFloat64("coefficients", m.Coefficients, m.Classes-1, vectors) },
		func() error { return set.PutFloat64("rho", m.Rho, len(m.Rho)) },
		func() error { return set.PutFloat64("a", m.A, len(m.A)) },
		func() error { return set.PutFloat64("b", m.B, len(m.B)) },
	} {
		if err := put(); err != nil {
			return err
		}
	}
	data, err := set.Bytes()
	if err != nil {
		return err
	}
	return to.Put(weightsFile, data)
}

// Load reads what Persist wrote.
func (c *Classifier) Load(from component.Resource) error {
	c.model, c.intents = nil, nil
	data, err := from.Get(weightsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = c.decode(data)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	return nil
}

func (c *Classifier) decode(data []byte) error {
	set, err := weights.Read(data)
	if err != nil {
		return err
	}
	var head header
	if err := json.Unmarshal([]byte(set.Metadata[headerKey]), &head); err != nil {
		return err
	}
	m := &svm.Model{Kernel: head.Kernel, Classes: len(head.Intents), Counts: head.Counts}
	for _, field := range []struct {
		name  string
		shape []int
		into  *[]float64
	}{
		{"vectors", []int{-1, -1}, &m.Vectors}, {"coefficients", []int{-1, -1}, &m.Coefficients},
		{"rho", []int{-1}, &m.Rho}, {"a", []int{-1}, &m.A}, {"b", []int{-1}, &m.B},
	} {
		if *field.into, err = set.Float64(field.name, field.shape...); err != nil {
			return err
		}
	}
	m.Features = set.Shape("vectors")[1]
	return c.use(m, head.Intents)
}

// use takes a model whose sizes fit.
func (c *Classifier) use(m *svm.Model, intents []string) error {
	if err := m.Check(); err != nil {
		return err
	}
	if m.A == nil || m.B == nil {
		return errors.New("the model has no probabilities")
	}
	if m.Classes != len(intents) {
		return fmt.Errorf("%d classes do not fit %d intents", m.Classes, len(intents))
	}
	c.model, c.intents = m, intents
	return nil
}

// LoadRasa reads the estimator of scikit-learn and the intents that Rasa persisted. Without them the classifier stays
// untrained.
func (c *Classifier) LoadRasa(from component.Resource) error {
	c.model, c.intents = nil, nil
	data, err := from.Get(estimatorFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := estimator(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", estimatorFile, err)
	}
	if data, err = from.Get(encoderFile); err != nil {
		return err
	}
	var intents []string
	if err := json.Unmarshal(data, &intents); err != nil {
		return fmt.Errorf("reading %s: %w", encoderFile, err)
	}
	slices.Sort(intents)
	if err := c.use(m, slices.Compact(intents)); err != nil {
		return fmt.Errorf("reading %s: %w", estimatorFile, err)
	}
	return nil
}

// estimator reads an SVC of scikit-learn.
func estimator(data []byte) (*svm.Model, error) {
	o, err := skops.DecodeObject(data, "sklearn.svm._classes.SVC")
	if err != nil {
		return nil, err
	}
	m := &svm.Model{}
	m.Kernel.Name, _ = o.Attributes.Value("kernel").(string)
	m.Kernel.Gamma, _ = number(o.Attributes.Value("_gamma"))
	m.Kernel.Coef0, _ = number(o.Attributes.Value("coef0"))
	degree, _ := number(o.Attributes.Value("degree"))
	m.Kernel.Degree = int(degree)
	vectors, err := o.Array("support_vectors_")
	if err != nil {
		return nil, err
	}
	if len(vectors.Shape) != 2 {
		return nil, fmt.Errorf("support_vectors_ has shape %v", vectors.Shape)
	}
	m.Features = vectors.Shape[1]
	for _, field := range []struct {
		name  string
		shape []int
		into  *[]float64
	}{
		{"support_vectors_", []int{-1, -1}, &m.Vectors}, {"_dual_coef_", []int{-1, -1}, &m.Coefficients},
		{"_intercept_", []int{-1}, &m.Rho}, {"_probA", []int{-1}, &m.A}, {"_probB", []int{-1}, &m.B},
	} {
		if *field.into, err = o.Floats(field.name, field.shape...); err != nil {
			return nil, err
		}
	}
	if m.Counts, err = o.Ints("_n_support", -1); err != nil {
		return nil, err
	}
	m.Classes = len(m.Counts)
	rho := make([]float64, len(m.Rho))
	for i, v := range m.Rho {
		rho[i] = -v
	}
	m.Rho = rho
	return m, nil
}

// number reads a number, or an array of a single one.
func number(v any) (float64, bool) {
	if a, ok := v.(*skops.Array); ok {
		list, err := a.Floats()
		if err != nil || len(list) != 1 {
			return 0, false
		}
		return list[0], true
	}
	return value.ToFloat(v)
}

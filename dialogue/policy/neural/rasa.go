package neural

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// ReadRasa reads what Rasa's policy persisted under the file name prefix. It returns nil when the policy was not trained.
func ReadRasa(r component.Resource, prefix string, defaults *value.Map) (*Spec, error) {
	meta, err := component.ReadObject(r, prefix+".meta.json")
	if err != nil || meta == nil {
		return nil, err
	}
	s := &Spec{}
	if err := s.Options.Decode(component.Config{Name: prefix, Options: meta}, defaults); err != nil {
		return nil, fmt.Errorf("reading %s.meta.json: %w", prefix, err)
	}
	steps := []struct {
		file string
		read func(r component.Resource, file string) error
	}{
		{"featurizer.json", s.readFeaturizer},
		{prefix + ".fake_features_metadata.json", s.readInputs},
		{prefix + ".label_data", s.readLabels},
		{prefix + ".entity_tag_specs.json", s.readTags},
		{prefix + ".label_quantiles.st", s.readQuantiles},
		{prefix + ".weights.st", s.readWeights},
	}
	for _, step := range steps {
		if err := step.read(r, step.file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", step.file, err)
		}
	}
	return s, nil
}

func decode(r component.Resource, file string) (any, error) {
	data, err := r.Get(file)
	if err != nil {
		return nil, err
	}
	return value.Decode(data)
}

func readSet(r component.Resource, file string) (*weights.Set, error) {
	data, err := r.Get(file)
	if err != nil {
		return nil, err
	}
	return weights.Read(data)
}

func (s *Spec) readFeaturizer(r component.Resource, file string) error {
	m, err := component.ReadObject(r, file)
	if err != nil {
		return err
	}
	s.Featurizer = m.String("type")
	if !slices.Contains([]string{MaxHistoryFeaturizer, FullDialogueFeaturizer, IntentFeaturizer}, s.Featurizer) {
		return fmt.Errorf("featurizer %q is not known", s.Featurizer)
	}
	if n, ok := m.Value("max_history").(int64); ok && s.reversed() {
		s.MaxHistory = int(n)
	}
	tables := m.Map("state_featurizer").Map("feature_states")
	for a := range attributeCount {
		s.Tables[a] = map[string]int{}
		for name, v := range tables.Map(a.String()).All() {
			i, ok := v.(int64)
			if !ok || i < 0 || i > 1<<24 {
				return fmt.Errorf("%s %q has the number %v", a, name, v)
			}
			s.Tables[a][name] = int(i)
		}
	}
	return nil
}

// readInputs reads which attributes occurred in training, and how wide their features are.
func (s *Spec) readInputs(r component.Resource, file string) error {
	m, err := component.ReadObject(r, file)
	if err != nil {
		return err
	}
	for name := range m.All() {
		a, ok := attributeOf(name)
		if !ok {
			return fmt.Errorf("attribute %q is not known", name)
		}
		s.Inputs[a] = &Size{}
		for _, v := range m.List(name) {
			f, _ := v.(*value.Map)
			shape := f.List("shape")
			if len(shape) != 2 {
				return fmt.Errorf("features of %s have no shape", name)
			}
			units, _ := shape[1].(int64)
			setSize(s.Inputs[a], f.String("data_type"), value.Truthy(f.Value("is_sparse")), int(units))
			// Features that the policy made itself have its featurizer as origin, those of the pipeline a list.
			origin, _ := f.Value("origin").(string)
			own := origin == "SingleStateFeaturizer" || origin == "IntentTokenizerSingleStateFeaturizer"
			s.EndToEnd[a] = s.EndToEnd[a] || !own
		}
	}
	return nil
}

// setSize notes the width of features.
func setSize(z *Size, kind string, sparse bool, units int) {
	switch {
	case kind == "sequence" && sparse:
		z.SequenceSparse = units
	case kind == "sequence":
		z.SequenceDense = units
	case sparse:
		z.SentenceSparse = units
	default:
		z.SentenceDense = units
	}
}

func (s *Spec) readTags(r component.Resource, file string) error {
	doc, err := decode(r, file)
	if err != nil {
		return err
	}
	list, _ := doc.([]any)
	if len(list) == 0 || !s.Options.EntityRecognition {
		return nil
	}
	spec, _ := list[0].(*value.Map)
	n, _ := spec.Value("num_tags").(int64)
	if n < 1 || n > 1<<16 {
		return fmt.Errorf("there are %v tags", spec.Value("num_tags"))
	}
	s.Tags = make([]string, n)
	for tag, v := range spec.Map("tags_to_ids").All() {
		i, ok := v.(int64)
		if !ok || i < 0 || i >= n {
			return fmt.Errorf("tag %q has the number %v of %d", tag, v, n)
		}
		s.Tags[i] = tag
	}
	return nil
}

func (s *Spec) readQuantiles(r component.Resource, file string) error {
	set, err := readSet(r, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Quantiles = map[int][]float32{}
	for _, name := range set.Names() {
		var label int
		if _, err := fmt.Sscanf(name, "%d", &label); err != nil {
			return fmt.Errorf("label %q is no number", name)
		}
		numbers, err := set.AsFloat32(name, -1)
		if err != nil {
			return err
		}
		s.Quantiles[label] = numbers
	}
	return nil
}

func (s *Spec) readWeights(r component.Resource, file string) (err error) {
	s.Weights, err = readSet(r, file)
	return err
}

package neural

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// The files of a trained policy.
const (
	networkFile = "network.json"
	weightsFile = "network.st"
)

// stored is a Spec as networkFile has it.
type stored struct {
	Options    json.RawMessage        `json:"options"`
	Featurizer string                 `json:"featurizer"`
	MaxHistory int                    `json:"max_history"`
	Tables     map[string][]string    `json:"tables"`
	Inputs     map[string]storedInput `json:"inputs"`
	LabelSizes map[string]Size        `json:"label_sizes"`
	Labels     []map[string]*Features `json:"labels"`
	Tags       []string               `json:"tags,omitempty"`
	Quantiles  map[string][]float32   `json:"quantiles,omitempty"`
}

type storedInput struct {
	Size
	EndToEnd bool `json:"end_to_end,omitempty"`
}

// Write stores s; options are those the policy was built with.
func (s *Spec) Write(r component.Resource, options *value.Map) error {
	out := stored{Options: value.Encode(options, value.JSON), Featurizer: s.Featurizer, MaxHistory: s.MaxHistory, Tables: map[string][]string{},
		Inputs: map[string]storedInput{}, LabelSizes: map[string]Size{}, Tags: s.Tags, Quantiles: map[string][]float32{}}
	for a := range attributeCount {
		names := make([]string, len(s.Tables[a]))
		for name, i := range s.Tables[a] {
			names[i] = name
		}
		out.Tables[a.String()] = names
		if size := s.Inputs[a]; size != nil {
			out.Inputs[a.String()] = storedInput{*size, s.EndToEnd[a]}
		}
		if size := s.LabelSizes[a]; size != nil {
			out.LabelSizes[a.String()] = *size
		}
	}
	for _, label := range s.Labels {
		m := map[string]*Features{}
		for a, f := range label {
			if f != nil {
				m[Attribute(a).String()] = f
			}
		}
		out.Labels = append(out.Labels, m)
	}
	for label, q := range s.Quantiles {
		out.Quantiles[strconv.Itoa(label)] = q
	}
	data, err := json.Marshal(out)
	if err == nil {
		err = r.Put(networkFile, data)
	}
	if err == nil {
		data, err = s.Weights.Bytes()
	}
	if err == nil {
		err = r.Put(weightsFile, data)
	}
	if err != nil {
		return fmt.Errorf("storing the network: %w", err)
	}
	return nil
}

// Read reads what Write stored, nil when there is nothing.
func Read(r component.Resource, defaults *value.Map) (*Spec, error) {
	data, err := r.Get(networkFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in stored
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("reading %s: %w", networkFile, err)
	}
	s, err := in.spec(defaults)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", networkFile, err)
	}
	if data, err = r.Get(weightsFile); err == nil {
		s.Weights, err = weights.Read(data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	return s, nil
}

func (in *stored) spec(defaults *value.Map) (*Spec, error) {
	s := &Spec{Featurizer: in.Featurizer, MaxHistory: in.MaxHistory, Tags: in.Tags, Quantiles: map[int][]float32{}}
	options, err := value.DecodeObject(in.Options)
	if err != nil {
		return nil, err
	}
	if err := s.Options.Decode(component.Config{Options: options}, defaults); err != nil {
		return nil, err
	}
	for a := range attributeCount {
		s.Tables[a] = map[string]int{}
		for i, name := range in.Tables[a.String()] {
			s.Tables[a][name] = i
		}
		if input, ok := in.Inputs[a.String()]; ok {
			size := input.Size
			s.Inputs[a], s.EndToEnd[a] = &size, input.EndToEnd
		}
		if size, ok := in.LabelSizes[a.String()]; ok {
			s.LabelSizes[a] = &size
		}
	}
	for _, m := range in.Labels {
		var label Turn
		for name, f := range m {
			a, ok := attributeOf(name)
			if !ok {
				return nil, fmt.Errorf("attribute %q is not known", name)
			}
			label[a] = f
		}
		s.Labels = append(s.Labels, label)
	}
	for name, q := range in.Quantiles {
		label, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("label %q is no number", name)
		}
		s.Quantiles[label] = q
	}
	return s, nil
}

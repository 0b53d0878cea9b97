// Package synonym provides EntitySynonymMapper, which replaces the values of entities by those the training data says
// they stand for (rasa/nlu/extractors/entity_synonyms.py, 3.6.21).
package synonym

import (
	"context"
	"log/slog"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	name     = "EntitySynonymMapper"
	fileName = "synonyms.json"
)

var spec = component.Spec{
	Name:     name,
	Summary:  "Replaces the values of entities by those their synonyms and annotations in the training data name.",
	Source:   "rasa/nlu/extractors/entity_synonyms.py",
	Provides: []string{nlu.RoleExtractor},
}

func init() { nlu.Components.Register(spec, build) }

// Mapper is EntitySynonymMapper.
type Mapper struct {
	log *slog.Logger
	// synonyms maps lower-case texts to values, in the order of training.
	synonyms *value.Map
}

var _ nlu.Trainable = (*Mapper)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	return &Mapper{log: cfg.Env.Logger, synonyms: value.NewMap()}, nil
}

// DependsOn implements nlu.Trainable.
func (p *Mapper) DependsOn() nlu.DataParts {
	return nlu.SynonymData | nlu.ExampleEntities | nlu.ExampleTexts
}

// Train collects the synonyms of the training data, and those annotated in examples.
func (p *Mapper) Train(_ context.Context, data *nlu.TrainingData) error {
	p.synonyms = value.NewMap()
	for _, s := range data.Synonyms {
		p.add(s.Text, s.Value)
	}
	for _, m := range data.EntityExamples() {
		for _, e := range m.Annotations {
			p.add(nlu.Slice(m.Value(nlu.Text), e.Start, e.End), value.Str(e.Value))
		}
	}
	return nil
}

func (p *Mapper) add(text, target string) {
	if text != target {
		key := value.Lower(text)
		if known, ok := p.synonyms.Get(key); ok && known != target {
			p.log.Warn("two values for one synonym, the later one counts", "synonym", key, "value", target)
		}
		p.synonyms.Set(key, target)
	}
	// The value stands for itself in any spelling.
	if key := value.Lower(target); !p.synonyms.Has(key) {
		p.synonyms.Set(key, target)
	}
}

// Process replaces values and adds the mapper to the entity's processors.
func (p *Mapper) Process(_ context.Context, m *nlu.Message) error {
	for _, e := range m.Entities {
		target, ok := p.synonyms.Get(value.Lower(value.Str(e.Value("value"))))
		if !ok {
			continue
		}
		e.Set("value", target)
		e.Set("processors", append(e.List("processors"), name))
	}
	return nil
}

// Persist writes the synonyms in Rasa's format; without any it writes nothing.
func (p *Mapper) Persist(to component.Resource) error {
	if p.synonyms.Len() == 0 {
		return nil
	}
	return to.Put(fileName, value.Encode(p.synonyms, value.JSON))
}

// Load reads what Persist, or Rasa, wrote.
func (p *Mapper) Load(from component.Resource) error {
	var err error
	p.synonyms, err = component.ReadObject(from, fileName)
	return err
}

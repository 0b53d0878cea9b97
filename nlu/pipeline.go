package nlu

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/project"
)

// Config says what a pipeline is made of.
type Config struct {
	// Entries is the `pipeline` of config.yml; empty means that only intent messages are understood.
	Entries  []project.Entry
	Language string
	// Domain limits what intent messages may name; nil (a model without dialogue) accepts everything.
	Domain Domain
	Env    component.Env
	// OnTrained, if not nil, is told the ID of each component that learnt or took over what was learnt.
	OnTrained func(id string)
	// Registry is where components come from. Default is Components.
	Registry *component.Registry[Component]
}

// Pipeline is the list of components that turns a message into parse data. Train or Load must have returned before
// Parse is called; from then on it may be called by several goroutines.
type Pipeline struct {
	steps          []*step
	intentMessages *IntentMessages
	skipSequence   bool
	onTrained      func(id string)
	warnings       []component.Warning
	// steady tells that no component is Unsteady.
	steady     bool
	remembered remembered
}

type step struct {
	// id is the component's name and position, as Rasa names the nodes of its graph.
	id        string
	entry     project.Entry
	spec      *component.Spec
	component Component
}

// NewPipeline builds the components, untrained. The error holds everything wrong with the entries (*component.NameError,
// *component.OptionError, and what Rasa's graph validation refuses), each with its place in config.yml.
func NewPipeline(cfg Config) (*Pipeline, error) {
	registry := cfg.Registry
	if registry == nil {
		registry = Components
	}
	env := cfg.Env.WithDefaults()
	p := &Pipeline{intentMessages: NewIntentMessages(cfg.Domain), steady: true, onTrained: cfg.OnTrained}
	p.intentMessages.Warn = func(problem, detail string) {
		env.Logger.Debug("reading a message that names its intent", "err", problem, "text", detail)
	}
	var errs []error
	for i, entry := range cfg.Entries {
		c := ComponentConfig(entry, i, env)
		warnings, err := registry.Check(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.warnings = append(p.warnings, warnings...)
		built, err := registry.Build(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, ok := built.(Unsteady); ok {
			p.steady = false
		}
		spec, _ := registry.Lookup(entry.Name)
		p.steps = append(p.steps, &step{id: c.ID, entry: entry, spec: spec, component: built})
	}
	if len(errs) == 0 {
		errs = p.check(cfg.Language)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	p.skipSequence = !p.reads(SequenceFeatures)
	return p, nil
}

// ComponentConfig turns an entry of a list in config.yml into what a registry builds from; index is its position.
func ComponentConfig(entry project.Entry, index int, env component.Env) component.Config {
	return component.Config{
		Name:    entry.Name,
		ID:      entry.Name + strconv.Itoa(index),
		Options: entry.Options,
		Pos:     entry.Pos.String(),
		At:      func(key string) string { return entry.OptionPos(key).String() },
		Env:     env,
	}
}

// Warnings are the options that no component knows.
func (p *Pipeline) Warnings() []component.Warning { return p.warnings }

// IntentMessages returns the reader of messages that name their intent.
func (p *Pipeline) IntentMessages() *IntentMessages { return p.intentMessages }

func (p *Pipeline) reads(t FeatureType) bool {
	for _, s := range p.steps {
		if r, ok := s.component.(FeatureReader); ok && r.ReadsFeatures()&t != 0 {
			return true
		}
	}
	return false
}

// ResourceID is the name under which a component's files are kept, that of Rasa's training nodes.
func ResourceID(id string) string { return "train_" + id }

// Persist writes every trained component into the resource open returns for it.
func (p *Pipeline) Persist(open func(resourceID string) (component.Resource, error)) error {
	return p.withResources(open, "persisting", Trainable.Persist)
}

// Load reads every trainable component from the resource open returns for it.
func (p *Pipeline) Load(open func(resourceID string) (component.Resource, error)) error {
	return p.withResources(open, "loading", Trainable.Load)
}

// LoadRasa is Load for resources that Rasa persisted.
func (p *Pipeline) LoadRasa(open func(resourceID string) (component.Resource, error)) error {
	return p.withResources(open, "loading", func(t Trainable, r component.Resource) error {
		if l, ok := t.(RasaLoader); ok {
			return l.LoadRasa(r)
		}
		return t.Load(r)
	})
}

func (p *Pipeline) withResources(open func(string) (component.Resource, error), verb string,
	do func(Trainable, component.Resource) error) error {
	for _, s := range p.steps {
		t, ok := s.component.(Trainable)
		if !ok {
			continue
		}
		r, err := open(ResourceID(s.id))
		if err == nil {
			err = do(t, r)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", verb, s.spec.Name, err)
		}
	}
	return nil
}

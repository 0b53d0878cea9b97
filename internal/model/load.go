package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// LoadFile reads the archive at path and makes it ready to serve.
func LoadFile(path string, env component.Env) (*dialogue.Model, error) {
	a, err := archive.Load(path)
	if err != nil {
		return nil, err
	}
	m, err := Load(a, filepath.Base(path), env)
	if err != nil {
		return nil, fmt.Errorf("loading model %s: %w", path, err)
	}
	if evict := a.OnDisk(); evict != nil {
		// Weights stay mapped; a model that was replaced must not keep them in memory.
		runtime.AddCleanup(m, func(evict func()) { evict() }, evict)
	}
	return m, nil
}

// Load makes an archive ready to serve; file is the name it is known by. The error wraps archive.ErrCorrupt when the
// archive does not hold what its manifest promises.
func Load(a *archive.Archive, file string, env component.Env) (*dialogue.Model, error) {
	env = env.WithDefaults()
	config, domain, err := read(a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", archive.ErrCorrupt, err)
	}
	m := a.Manifest
	spec := dialogue.ModelSpec{ID: m.ModelID, File: file, AssistantID: m.AssistantID, TrainedAt: m.TrainedAt,
		Domain: domain, NLG: nlg.NewTemplated(domain, env.Logger)}
	h, err := build(a, config, domain, env)
	if err == nil {
		err = h.load(a, domain)
	}
	if err != nil {
		return nil, err
	}
	spec.NLU = h.pipeline
	// Assigned only when it is there: a nil *Ensemble in the interface would not be nil.
	if h.ensemble != nil {
		spec.Policies = h.ensemble
	}
	return dialogue.NewModel(spec), nil
}

func read(a *archive.Archive) (*project.Config, *project.Domain, error) {
	data, err := a.File(configFile)
	if err != nil {
		return nil, nil, err
	}
	config, err := decodeConfig(data)
	if err != nil {
		return nil, nil, err
	}
	if data, err = a.File(domainFile); err != nil {
		return nil, nil, err
	}
	m, err := value.DecodeObject(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", domainFile, err)
	}
	domain, problems := project.DomainFromMap(m)
	return config, domain, problems.Err()
}

// halves are the two halves of a model.
type halves struct {
	pipeline *nlu.Pipeline
	// ensemble is nil for a model without dialogue.
	ensemble *policy.Ensemble
}

// build builds the components and policies of a. The error holds all that cannot be built.
func build(a *archive.Archive, config *project.Config, domain *project.Domain, env component.Env) (h halves, err error) {
	c := nlu.Config{Language: config.Language, Domain: nluDomain(domain, a.Manifest.Core), Env: env}
	if a.Manifest.NLU {
		c.Entries = config.Pipeline
	}
	var components, policies error
	h.pipeline, components = nlu.NewPipeline(c)
	if a.Manifest.Core {
		h.ensemble, policies = policy.NewEnsemble(config, env)
	}
	if err = errors.Join(components, policies); err != nil && a.Manifest.Origin == archive.OriginRasa {
		err = fmt.Errorf("%w: it was trained by Rasa with parts that cannot be served here; change them in config.yml and train again, "+
			"or keep serving this model with Rasa:\n%w", archive.ErrIncompatible, err)
	}
	return h, err
}

// load lets the components and policies read what they learnt.
func (h halves) load(a *archive.Archive, domain *project.Domain) error {
	loadPipeline := (*nlu.Pipeline).Load
	loadPolicy := (*policy.Ensemble).LoadPolicy
	if a.Manifest.Origin == archive.OriginRasa {
		loadPipeline, loadPolicy = (*nlu.Pipeline).LoadRasa, (*policy.Ensemble).LoadRasaPolicy
	}
	err := loadPipeline(h.pipeline, func(resource string) (component.Resource, error) {
		return partOf(a, nluPart(resource))
	})
	if err != nil || h.ensemble == nil {
		return err
	}
	if a.Manifest.NLU {
		h.ensemble.ReadTexts(texts{h.pipeline})
	}
	for i := range h.ensemble.Len() {
		r, err := partOf(a, policyPart(i, h.ensemble.Name(i)))
		if err != nil {
			return err
		}
		if err := loadPolicy(h.ensemble, i, domain, r); err != nil {
			return err
		}
	}
	h.ensemble.Connect(domain)
	return nil
}

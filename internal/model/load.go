package model

import (
	"fmt"
	"path/filepath"

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
	if spec.NLU, err = loadNLU(a, config, domain, env); err != nil {
		return nil, err
	}
	if m.Core {
		// Assigned only when it is there: a nil *Ensemble in the interface would not be nil.
		ensemble, err := loadPolicies(a, config, domain, env)
		if err != nil {
			return nil, err
		}
		spec.Policies = ensemble
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

func loadNLU(a *archive.Archive, config *project.Config, domain *project.Domain, env component.Env) (*nlu.Pipeline, error) {
	c := nlu.Config{Language: config.Language, Domain: nluDomain(domain, a.Manifest.Core), Env: env}
	if a.Manifest.NLU {
		c.Entries = config.Pipeline
	}
	pipeline, err := nlu.NewPipeline(c)
	if err != nil {
		return nil, err
	}
	err = pipeline.Load(func(resource string) (component.Resource, error) {
		name := nluPart(resource)
		if _, ok := a.Part(name); !ok {
			return nil, fmt.Errorf("%w: part %q is missing", archive.ErrCorrupt, name)
		}
		return a.Resource(name), nil
	})
	return pipeline, err
}

func loadPolicies(a *archive.Archive, config *project.Config, domain *project.Domain, env component.Env) (*policy.Ensemble, error) {
	ensemble, err := policy.NewEnsemble(config, env)
	if err != nil {
		return nil, err
	}
	for i := range ensemble.Len() {
		name := policyPart(i, ensemble.Name(i))
		if _, ok := a.Part(name); !ok {
			return nil, fmt.Errorf("%w: part %q is missing", archive.ErrCorrupt, name)
		}
		if err := ensemble.LoadPolicy(i, domain, a.Resource(name)); err != nil {
			return nil, err
		}
	}
	ensemble.Connect(domain)
	return ensemble, nil
}

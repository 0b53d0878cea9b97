package model

import (
	"context"

	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// NeedsTraining reports whether Train would train any part, that is whether anything but responses changed since
// o.Previous (`train --dry-run`).
func NeedsTraining(_ context.Context, p *project.Project, o Options) (bool, error) {
	o.Env = o.Env.WithDefaults()
	t := &trainer{p: p, o: o}
	if o.Core {
		ensemble, err := policy.NewEnsemble(p.Config, o.Env)
		if err != nil {
			return false, err
		}
		for i := range ensemble.Len() {
			if _, ok := t.previous(policyPart(i, ensemble.Name(i)), t.policyFingerprint(ensemble, i)); !ok {
				return true, nil
			}
		}
	}
	if !o.NLU {
		return false, nil
	}
	pipeline, err := t.pipeline()
	if err != nil {
		return false, err
	}
	prints := pipeline.Fingerprints(nlu.NewTrainingData(p.NLU, p.Stories))
	for i, e := range p.Config.Pipeline {
		name := nluPart(nlu.ResourceID(nlu.ComponentConfig(e, i, o.Env).ID))
		if pipeline.Trainable(i) {
			if _, ok := t.previous(name, prints[i]); !ok {
				return true, nil
			}
		}
	}
	return false, nil
}

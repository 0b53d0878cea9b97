package model

import (
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// NeedsTraining reports whether Train would train any part, that is whether anything but responses changed since
// o.Previous (`train --dry-run`).
func NeedsTraining(p *project.Project, o Options) (bool, error) {
	t, err := newTrainer(p, o)
	if err != nil {
		return false, err
	}
	var parts []archive.Part
	if o.Core {
		for i := range t.ensemble.Len() {
			parts = append(parts, t.policyPart(i))
		}
	}
	if o.NLU {
		parts = append(parts, t.nluParts(nlu.NewTrainingData(p.NLU, p.Stories))...)
	}
	for _, part := range parts {
		if _, ok := o.Previous.Find(part.Name, part.Fingerprint); !ok {
			return true, nil
		}
	}
	return false, nil
}

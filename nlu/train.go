package nlu

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/component"
)

// Train trains the components in their order. reuse, if not nil, is asked for a resource that holds what a component
// learnt earlier under the same fingerprint; nil means that there is none.
func (p *Pipeline) Train(ctx context.Context, data *TrainingData, reuse func(id, fingerprint string) component.Resource) error {
	fingerprints := p.Fingerprints(data)
	return p.train(ctx, data, func(i int, t Trainable) error {
		if reuse != nil {
			if r := reuse(p.steps[i].id, fingerprints[i]); r != nil {
				return t.Load(r)
			}
		}
		return t.Train(ctx, data)
	})
}

// Finetuning says from where components go on.
type Finetuning struct {
	// From returns what a component persisted when it was trained.
	From func(resourceID string) (component.Resource, error)
	// EpochFraction is the part of the configured epochs that is run.
	EpochFraction float64
	// Begin, if not nil, is told which component comes next.
	Begin func(id string)
}

// Finetune is Train for components that go on from an earlier model; those that cannot are trained anew.
func (p *Pipeline) Finetune(ctx context.Context, data *TrainingData, o Finetuning) error {
	return p.train(ctx, data, func(i int, t Trainable) error {
		if o.Begin != nil {
			o.Begin(p.steps[i].id)
		}
		f, ok := t.(Finetuner)
		if !ok {
			return t.Train(ctx, data)
		}
		from, err := o.From(ResourceID(p.steps[i].id))
		if err != nil {
			return err
		}
		return f.Finetune(ctx, data, from, o.EpochFraction)
	})
}

// train lets one learn each trainable component and processes the examples by it for the next ones.
func (p *Pipeline) train(ctx context.Context, data *TrainingData, one func(i int, t Trainable) error) error {
	for i, s := range p.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t, ok := s.component.(Trainable); ok {
			if err := one(i, t); err != nil {
				return fmt.Errorf("training %s: %w", s.spec.Name, err)
			}
			if p.onTrained != nil {
				p.onTrained(s.id)
			}
		}
		if i == len(p.steps)-1 {
			break
		}
		if err := p.preprocess(ctx, s, data); err != nil {
			return fmt.Errorf("processing training data by %s: %w", s.spec.Name, err)
		}
	}
	return nil
}

// preprocess lets tokenizers and featurizers add to the training examples.
func (p *Pipeline) preprocess(ctx context.Context, s *step, data *TrainingData) error {
	if !s.spec.Has(RoleTokenizer) && !s.spec.Has(RoleFeaturizer) {
		return nil
	}
	for _, m := range data.Examples {
		m.SkipSequence = p.skipSequence
	}
	if batch, ok := s.component.(BatchPreprocessor); ok {
		return batch.ProcessExamples(ctx, data.Examples)
	}
	process := s.component.Process
	if pre, ok := s.component.(Preprocessor); ok {
		process = pre.ProcessExample
	}
	for _, m := range data.Examples {
		if err := process(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

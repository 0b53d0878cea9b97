package ted

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/neural"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/project"
)

var _ policy.Finetuner = (*Policy)(nil)

// Train implements policy.Component.
func (p *Policy) Train(ctx context.Context, data *training.Data) error {
	return p.train(ctx, data, p.setup.Start(&p.options, data.Domain, p.env))
}

// Finetune implements policy.Finetuner.
func (p *Policy) Finetune(ctx context.Context, data *training.Data, from component.Resource, epochFraction float64) error {
	t, err := p.setup.Resume(&p.options, data.Domain, p.env, from, defaults, epochFraction)
	if err != nil {
		return err
	}
	return p.train(ctx, data, t)
}

func (p *Policy) train(ctx context.Context, data *training.Data, t *neural.Training) error {
	whole := p.setup.Featurizer == neural.FullDialogueFeaturizer
	t.Examples = neural.ActionExamples(data, p.setup.MaxHistory, whole)
	t.Labels, t.LabelKind = data.Domain.ActionNames(), neural.ActionName
	t.IsText = map[string]bool{}
	for _, text := range data.Domain.E2EActions {
		t.IsText[text] = true
	}
	t.Texts = neural.NewTexts(p.reader, nil)
	spec, err := t.Run(ctx)
	if errors.Is(err, neural.ErrNothingToLearn) {
		p.env.Logger.WarnContext(ctx, "training is skipped: there are no stories to learn from; the policy can be left out of config.yml", "policy", name)
		return p.use(data.Domain, nil)
	}
	if err != nil {
		return err
	}
	return p.use(data.Domain, spec)
}

// Persist implements policy.Component.
func (p *Policy) Persist(r component.Resource) error {
	if p.spec == nil {
		return nil
	}
	return p.spec.Write(r, p.given)
}

// Load implements policy.Component.
func (p *Policy) Load(d *project.Domain, r component.Resource) error {
	spec, err := neural.Read(r, defaults)
	if err != nil {
		return fmt.Errorf("loading a network: %w", err)
	}
	return p.use(d, spec)
}

package neural

import (
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Setup is how a policy reads conversations, from its options.
type Setup struct {
	// Name is that of the policy.
	Name       string
	Featurizer string
	MaxHistory int
}

// SetupOf returns the tracker featurizer that the options name, or the standard one of the policy.
func SetupOf(cfg component.Config, o *Options, standard string) (Setup, error) {
	s := Setup{Name: cfg.Name, Featurizer: standard}
	if o.MaxHistory != nil {
		s.MaxHistory = *o.MaxHistory
	}
	if len(o.Featurizer) == 0 {
		return s, nil
	}
	if len(o.Featurizer) > 1 {
		return s, cfg.OptionError("featurizer", "must name one featurizer, not %d", len(o.Featurizer))
	}
	m, ok := o.Featurizer[0].(*value.Map)
	if !ok {
		return s, cfg.OptionError("featurizer", "must be a list of one mapping")
	}
	s.Featurizer = m.String("name")
	if s.Featurizer != standard && s.Featurizer != MaxHistoryFeaturizer && s.Featurizer != FullDialogueFeaturizer {
		return s, cfg.OptionError("featurizer", "names %q, which is not known", s.Featurizer)
	}
	if n, ok := m.Value("max_history").(int64); ok {
		s.MaxHistory = int(n)
	}
	if s.Featurizer == FullDialogueFeaturizer {
		s.MaxHistory = 0
	}
	return s, nil
}

// Start returns a training with what all policies have in common. Without a seed in the options, random decides.
func (s Setup) Start(o *Options, d *project.Domain, env component.Env) *Training {
	t := &Training{Name: s.Name, Options: *o, Featurizer: s.Featurizer, MaxHistory: s.MaxHistory, Tables: tablesOf(d), Progress: env.Progress}
	if o.RandomSeed != nil {
		t.Seed = uint64(*o.RandomSeed)
	} else {
		t.Seed = uint64(env.Random() * (1 << 53))
	}
	return t
}

// Resume is Start for a training that goes on from what Spec.Write stored in from, with a part of the epochs. Where
// nothing was learnt before it begins anew. Absent options have the values of defaults.
func (s Setup) Resume(o *Options, d *project.Domain, env component.Env, from component.Resource, defaults *value.Map,
	epochFraction float64) (*Training, error) {
	earlier, err := Read(from, defaults)
	if err != nil {
		return nil, err
	}
	t := s.Start(o, d, env)
	if t.From = earlier; earlier != nil {
		t.Options.Epochs = o.finetuneEpochs(epochFraction)
	}
	return t, nil
}

// finetuneEpochs returns how many epochs a training that goes on from an earlier one has.
func (o *Options) finetuneEpochs(fraction float64) int {
	n := float64(o.Epochs) * fraction
	if whole := int(n); float64(whole) < n {
		return whole + 1
	}
	return int(n)
}

package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

// ErrNoPolicy is returned when an ensemble without policies is to predict.
var ErrNoPolicy = errors.New("expected at least one prediction: the configuration names no policy")

// Ensemble asks all policies and chooses the best prediction (DefaultPolicyPredictionEnsemble of
// rasa/core/policies/ensemble.py, 3.6.21). After Train or Load it is immutable.
type Ensemble struct {
	policies []Component
	domain   *project.Domain
	history  *state.History
	// order is that in which policies are asked when some are bounded: those last, by descending priority.
	order   []int
	bounded bool
}

// Len returns the number of policies.
func (e *Ensemble) Len() int { return len(e.policies) }

// Name returns the name of policy i.
func (e *Ensemble) Name(i int) string { return e.policies[i].Name() }

// Train trains all policies on data.
func (e *Ensemble) Train(ctx context.Context, data *training.Data) error {
	for i := range e.policies {
		if err := e.TrainPolicy(ctx, i, data); err != nil {
			return err
		}
	}
	e.Connect(data.Domain)
	return nil
}

// TrainPolicy trains policy i alone. When all policies are trained or loaded, Connect is to be called.
func (e *Ensemble) TrainPolicy(ctx context.Context, i int, data *training.Data) error {
	p := e.policies[i]
	if c, ok := p.(DomainChecker); ok {
		if err := c.CheckDomain(data.Domain); err != nil {
			return fmt.Errorf("training %s: %w", p.Name(), err)
		}
	}
	if err := p.Train(ctx, data); err != nil {
		return fmt.Errorf("training %s: %w", p.Name(), err)
	}
	return nil
}

// FinetunePolicy is TrainPolicy for a policy that goes on from what it persisted in an earlier model; one that cannot is
// trained anew.
func (e *Ensemble) FinetunePolicy(ctx context.Context, i int, data *training.Data, from component.Resource, epochFraction float64) error {
	f, ok := e.policies[i].(Finetuner)
	if !ok {
		return e.TrainPolicy(ctx, i, data)
	}
	if err := f.Finetune(ctx, data, from, epochFraction); err != nil {
		return fmt.Errorf("finetuning %s: %w", e.policies[i].Name(), err)
	}
	return nil
}

// PersistPolicy stores what policy i learned.
func (e *Ensemble) PersistPolicy(i int, r component.Resource) error {
	if err := e.policies[i].Persist(r); err != nil {
		return fmt.Errorf("storing %s: %w", e.policies[i].Name(), err)
	}
	return nil
}

// LoadPolicy loads policy i. When all policies are trained or loaded, Connect is to be called.
func (e *Ensemble) LoadPolicy(i int, d *project.Domain, r component.Resource) error {
	if err := e.policies[i].Load(d, r); err != nil {
		return fmt.Errorf("loading %s: %w", e.policies[i].Name(), err)
	}
	return nil
}

// LoadRasaPolicy is LoadPolicy for a resource that Rasa persisted.
func (e *Ensemble) LoadRasaPolicy(i int, d *project.Domain, r component.Resource) error {
	l, ok := e.policies[i].(RasaLoader)
	if !ok {
		return e.LoadPolicy(i, d, r)
	}
	if err := l.LoadRasa(d, r); err != nil {
		return fmt.Errorf("loading %s: %w", e.policies[i].Name(), err)
	}
	return nil
}

// Connect makes the policies ready to predict.
func (e *Ensemble) Connect(d *project.Domain) {
	e.domain = d
	var only state.RuleOnly
	window := 0
	for _, p := range e.policies {
		if r, ok := p.(RuleOnlyProvider); ok {
			only = r.RuleOnly()
		}
		window = max(window, p.Window())
	}
	e.history = state.NewHistory(state.NewFeaturizer(d), only, window)
	for _, p := range e.policies {
		p.Connect(e.history)
	}
	e.arrange()
}

// arrange decides in which order policies are asked.
func (e *Ensemble) arrange() {
	e.order, e.bounded = nil, false
	isBounded := func(i int) bool {
		_, ok := e.policies[i].(Bounded)
		return ok
	}
	for i := range e.policies {
		e.order = append(e.order, i)
		e.bounded = e.bounded || isBounded(i)
	}
	slices.SortStableFunc(e.order, func(a, b int) int {
		switch {
		case isBounded(a) != isBounded(b):
			if isBounded(a) {
				return 1
			}
			return -1
		case !isBounded(a):
			return 0
		}
		return e.policies[b].Priority() - e.policies[a].Priority()
	})
}

// Predict returns the best prediction. Its events have no timestamps yet and belong to the caller.
func (e *Ensemble) Predict(ctx context.Context, t *tracker.Tracker) (Prediction, error) {
	var buffer [6]Prediction
	votes, err := e.askNeeded(ctx, t, buffer[:0])
	if err != nil {
		return Prediction{}, err
	}
	return e.Combine(t, votes)
}

// Votes is Predict together with what every policy said, in the order of the configuration.
func (e *Ensemble) Votes(ctx context.Context, t *tracker.Tracker) (best Prediction, votes []Prediction, err error) {
	if votes, err = e.ask(ctx, t, nil); err != nil {
		return Prediction{}, nil, err
	}
	best, err = e.Combine(t, votes)
	return best, votes, err
}

// ask appends what every policy says to votes.
func (e *Ensemble) ask(ctx context.Context, t *tracker.Tracker, votes []Prediction) ([]Prediction, error) {
	for _, p := range e.policies {
		vote, err := p.Predict(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("predicting with %s: %w", p.Name(), err)
		}
		votes = append(votes, vote)
	}
	return votes, nil
}

// Combine chooses the best of votes (combine_predictions). An action that was just rejected loses its score in all of
// them.
func (e *Ensemble) Combine(t *tracker.Tracker, votes []Prediction) (Prediction, error) {
	if len(votes) == 0 {
		return Prediction{}, ErrNoPolicy
	}
	if i := e.rejected(t); i >= 0 {
		for v := range votes {
			votes[v].Probabilities = slices.Clone(votes[v].Probabilities)
			votes[v].Probabilities[i] = 0
		}
	}
	best := pick(votes)
	if best < 0 {
		return Prediction{}, errors.New("no best prediction found: check the model's configuration")
	}
	won := votes[best]
	won.Events = nil
	for i := range votes {
		won.Events = append(won.Events, votes[i].Events...)
	}
	won.Events = append(won.Events, won.OptionalEvents...)
	won.OptionalEvents = nil
	if t.State().LatestAction == tracker.ActionListen {
		won.Events = append(won.Events, &tracker.DefinePrevUserUtteredFeaturization{UseText: won.EndToEnd})
	}
	return won, nil
}

// rejected returns the index of the action that was rejected last, -1 when another one ran since.
func (e *Ensemble) rejected(t *tracker.Tracker) int {
	events := t.Events()
	for i := len(events) - 1; i >= 0; i-- {
		switch event := events[i].(type) {
		case *tracker.ActionExecutionRejected:
			if index, ok := e.domain.ActionIndex(event.Name); ok {
				return index
			}
			return -1
		case *tracker.ActionExecuted:
			return -1
		}
	}
	return -1
}

// pick returns the index of the best vote: those without need of a user message before all others, then those by the
// text of the message, then by confidence, then by priority, then the first.
func pick(votes []Prediction) int {
	noUser, endToEnd := false, false
	for i := range votes {
		noUser = noUser || votes[i].NoUser
		endToEnd = endToEnd || votes[i].EndToEnd
	}
	best, bestConfidence := -1, -1.0
	for i := range votes {
		v := &votes[i]
		if v.NoUser != noUser || !noUser && v.EndToEnd != endToEnd {
			continue
		}
		c := v.MaxConfidence()
		if c > bestConfidence || c == bestConfidence && (best < 0 || v.Priority > votes[best].Priority) {
			best, bestConfidence = i, c
		}
	}
	return best
}

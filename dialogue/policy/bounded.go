package policy

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/dialogue/tracker"
)

// Bounded is a policy whose answers cost so much that the ensemble asks it only when the answer can make a difference.
// Its predictions have no Events and never NoUser.
type Bounded interface {
	// Bound returns what Predict can say about t at most.
	Bound(t *tracker.Tracker) Bound
}

// Bound is what a prediction can be at most.
type Bound struct {
	// Confidence is the highest possible.
	Confidence float64
	// EndToEnd is true when the prediction may be one by the text of the message.
	EndToEnd bool
}

// askNeeded appends what policies say to votes, in the order of the configuration, without those that cannot change what
// Combine makes of them.
func (e *Ensemble) askNeeded(ctx context.Context, t *tracker.Tracker, votes []Prediction) ([]Prediction, error) {
	if !e.bounded {
		return e.ask(ctx, t, votes)
	}
	all := make([]Prediction, len(e.policies))
	c := contest{votes: all, asked: make([]bool, len(e.policies)), rejected: e.rejected(t)}
	for _, i := range e.order {
		p := e.policies[i]
		if b, ok := p.(Bounded); ok && !c.open(b.Bound(t), p.Priority(), i) {
			continue
		}
		vote, err := p.Predict(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("predicting with %s: %w", p.Name(), err)
		}
		all[i], c.asked[i] = vote, true
	}
	for i := range all {
		if c.asked[i] {
			votes = append(votes, all[i])
		}
	}
	return votes, nil
}

// contest is what is known while the policies are asked.
type contest struct {
	votes []Prediction
	asked []bool
	// rejected is the action that loses its score, -1 for none.
	rejected int
}

// open reports whether a policy with this bound, priority and place in the configuration may win, or may make another
// one win. It follows pick.
func (c *contest) open(b Bound, priority, index int) bool {
	endToEnd := false
	for i := range c.votes {
		if c.asked[i] && c.votes[i].NoUser {
			return false
		}
		endToEnd = endToEnd || c.asked[i] && c.votes[i].EndToEnd
	}
	if b.EndToEnd && !endToEnd {
		return true
	}
	if !b.EndToEnd && endToEnd {
		return false
	}
	for i := range c.votes {
		v := &c.votes[i]
		if !c.asked[i] || v.EndToEnd != endToEnd {
			continue
		}
		confidence := v.maxWithout(c.rejected)
		if confidence > b.Confidence ||
			confidence == b.Confidence && (v.Priority > priority || v.Priority == priority && i < index) {
			return false
		}
	}
	return true
}

// maxWithout returns the best score, that of one action counting 0.
func (p *Prediction) maxWithout(action int) float64 {
	best := 0.0
	for i, v := range p.Probabilities {
		if i != action && v > best {
			best = v
		}
	}
	return best
}

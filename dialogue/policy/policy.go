// Package policy holds the contract of dialogue policies and the ensemble that chooses between their predictions.
// Each policy has a package of its own below this one.
package policy

import (
	"context"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// Policy predicts the next action of a conversation. A trained policy is immutable: Predict may be called
// concurrently.
type Policy interface {
	// Name is the name users write in config.yml.
	Name() string
	// Predict returns the scores of all actions. It does not change t, except for memos on its history.
	Predict(ctx context.Context, t *tracker.Tracker) (Prediction, error)
}

// Prediction is what one policy, or the ensemble, says about the next action (rasa/core/policies/policy.py,
// PolicyPrediction).
type Prediction struct {
	// Probabilities has one score for each of Domain.ActionNames. Predictions share them: they must not be changed.
	Probabilities []float64
	// Policy and Priority are those of the policy that predicted.
	Policy   string
	Priority int
	// Events are logged whatever the ensemble chooses, OptionalEvents only when this prediction wins.
	Events         []tracker.Event
	OptionalEvents []tracker.Event
	// EndToEnd is true when the text of the message was used.
	EndToEnd bool
	// NoUser is true when the prediction does not depend on a new user message, as for followups and happy loops.
	NoUser bool
	// Metadata is that of the event of the predicted action; nil for none.
	Metadata *value.Map
	// HideRuleTurn hides the turn from policies that learn from stories.
	HideRuleTurn bool
	// Reason tells why.
	Reason Reason
}

// Reason tells where a prediction came from.
type Reason struct {
	// Kind is one word: "rule", "loop", "default_action", "followup", "story", "fallback", "none", ...
	Kind string
	// Source is the rule or story that matched, with the place it was written at (file:line).
	Source string
	// Key is the state that matched, as text.
	Key string
}

// Max returns the index and the score of the best action, the first of equals.
func (p *Prediction) Max() (int, float64) {
	best := 0
	for i, v := range p.Probabilities {
		if v > p.Probabilities[best] {
			best = i
		}
	}
	if len(p.Probabilities) == 0 {
		return -1, 0
	}
	return best, p.Probabilities[best]
}

// MaxConfidence returns the best score, 0 without any.
func (p *Prediction) MaxConfidence() float64 {
	_, c := p.Max()
	return c
}

package dialogue

import (
	"strings"
	"sync"
	"time"

	"github.com/parleybot/parley/dialogue/form"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// ModelSpec is what a loaded model consists of.
type ModelSpec struct {
	// ID is the model's id; it is written into the metadata of every event.
	ID string
	// File is the name of the archive it was loaded from.
	File string
	// AssistantID is that of config.yml, "" when the model has none.
	AssistantID string
	TrainedAt   time.Time
	Domain      *project.Domain
	// NLU understands messages. It is never nil: a model trained without NLU data still reads intent messages.
	NLU Parser
	// Policies predict actions; nil for a model that was trained for NLU only.
	Policies Predictor
	// NLG generates the responses of Domain.
	NLG Generator
}

// Model is a loaded model with everything about it that would otherwise be worked out in every turn. It is immutable
// and shared by goroutines.
type Model struct {
	ModelSpec
	// Trackers makes trackers for the domain.
	Trackers *tracker.Factory

	stamp   *value.Map
	slots   *form.Slots
	actions []action
	extract action
	session action
	// warned holds what was warned of already, so that it is said once a model.
	warned sync.Map
}

// NewModel prepares a model for use.
func NewModel(spec ModelSpec) *Model {
	m := &Model{ModelSpec: spec, Trackers: tracker.NewFactory(spec.Domain), slots: form.NewSlots(spec.Domain)}
	m.stamp = &value.Map{}
	if spec.ID != "" {
		m.stamp.Set("model_id", spec.ID)
	}
	if spec.AssistantID != "" {
		m.stamp.Set("assistant_id", spec.AssistantID)
	}
	names := spec.Domain.ActionNames()
	m.actions = make([]action, len(names))
	for i, name := range names {
		m.actions[i] = m.newAction(name)
	}
	m.extract = m.actionOr(actionExtractSlots, extractSlots{})
	m.session = m.actionOr(tracker.ActionSessionStart, sessionStart{})
	return m
}

func (m *Model) actionOr(name string, def action) action {
	if i, ok := m.Domain.ActionIndex(name); ok {
		return m.actions[i]
	}
	return def
}

// newAction finds what runs for a name (rasa/core/actions/action.py action_for_name_or_text, 3.6.21).
func (m *Model) newAction(name string) action {
	d := m.Domain
	_, isForm := d.Form(name)
	if def, ok := defaultActions[name]; ok && !isForm && !d.IsUserAction(name) {
		return def
	}
	isUtter := strings.HasPrefix(name, utterPrefix)
	switch {
	case isUtter && m.isRetrieval(name):
		return retrievalResponse{name}
	case isText(d, name):
		return textAction{name}
	case isUtter:
		return response{actionName: name, response: name}
	case isForm && !d.IsUserAction(name):
		return formAction{form.New(d, name)}
	}
	return remoteAction{name}
}

func (m *Model) isRetrieval(name string) bool {
	intent, ok := m.Domain.Intent(retrievalIntent(name))
	return ok && intent.IsRetrieval
}

func isText(d *project.Domain, name string) bool {
	for _, text := range d.E2EActions {
		if text == name {
			return true
		}
	}
	return false
}

// forAction returns the prediction that nothing but the action with this index should run.
func (m *Model) forAction(index int, policyName string, confidence float64) policy.Prediction {
	p := policy.Prediction{Probabilities: make([]float64, len(m.actions)), Policy: policyName, Priority: 1}
	p.Probabilities[index] = confidence
	return p
}

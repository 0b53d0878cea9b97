package evaluate

import (
	"context"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Tester evaluates models for the HTTP API. It is safe for concurrent use.
type Tester struct {
	Processor *dialogue.Processor
	// TrainNLU trains the NLU half of a project.
	TrainNLU TrainNLU
	// Random returns a number in [0, 1).
	Random func() float64
}

// Stories compares the loaded model's predictions with test stories in YAML.
func (t *Tester) Stories(ctx context.Context, yaml []byte, endToEnd bool) (*value.Map, error) {
	m := t.Processor.Model()
	if m == nil {
		return nil, dialogue.ErrNoModel
	}
	stories, problems := project.ParseStories(yaml, "test_data.yml")
	if err := problems.Err(); err != nil {
		return nil, err
	}
	played, err := Stories(ctx, t.Processor, m, stories, StoryOptions{EndToEnd: endToEnd, InFileOrder: true})
	if err != nil {
		return nil, err
	}
	return StoryReport(played, endToEnd), nil
}

// Intents compares what m understands with NLU data in YAML or JSON.
func (t *Tester) Intents(ctx context.Context, data []byte, m *dialogue.Model) (*value.Map, error) {
	nlu, problems := project.ParseNLU(data, "data.yml")
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return NLU(ctx, m.NLU, nlu.Examples)
}

// CrossValidate trains and evaluates models on folds of the NLU data of a project in one YAML document.
func (t *Tester) CrossValidate(ctx context.Context, yaml []byte, folds int) (*value.Map, error) {
	p, err := project.Parse(yaml, "data.yml")
	if err != nil {
		return nil, err
	}
	all, err := CrossValidate(ctx, p, folds, t.Random, t.TrainNLU, nil)
	if err != nil {
		return nil, err
	}
	return all.asMap(), nil
}

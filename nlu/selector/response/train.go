package response

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

// Train learns which response fits which text. Without retrieval intents it learns nothing, as in Rasa; with fewer than two
// responses it logs so and learns nothing.
func (s *Selector) Train(ctx context.Context, data *nlu.TrainingData) error {
	return s.train(ctx, data, s.job(data))
}

// Finetune implements nlu.Finetuner.
func (s *Selector) Finetune(ctx context.Context, data *nlu.TrainingData, from component.Resource, epochFraction float64) error {
	job := s.job(data)
	job.From, job.Epochs = from, diet.Fraction(s.options.Epochs, epochFraction)
	return s.train(ctx, data, job)
}

func (s *Selector) job(data *nlu.TrainingData) diet.Job {
	job := diet.Job{Name: s.id, Options: s.options, TextLabels: s.UseTextAsLabel, Env: s.env, LabelLetter: "r"}
	job.Examples.Label = nlu.IntentResponseKey
	if s.UseTextAsLabel {
		job.Examples.Label = nlu.Response
	}
	for _, m := range data.IntentExamples() {
		if s.RetrievalIntent == "" || m.Value(nlu.Intent) == s.RetrievalIntent {
			job.Examples.Messages = append(job.Examples.Messages, m)
		}
	}
	job.Examples.LabelExamples = job.Examples.Messages
	return job
}

func (s *Selector) train(ctx context.Context, data *nlu.TrainingData, job diet.Job) error {
	s.known = newResponses(responsesOf(data), retrievalIntents(data))
	if s.RetrievalIntent == "" {
		s.log.Info("the responses of all retrieval intents are learnt together, because retrieval_intent is not set")
	}
	var err error
	s.model, err = diet.Train(ctx, job)
	if errors.Is(err, diet.ErrFewLabels) {
		s.log.Error("at least 2 responses are needed, training of the selector is skipped")
		return nil
	}
	if err != nil {
		return fmt.Errorf("training the network: %w", err)
	}
	if s.model == nil {
		s.log.Debug("there are no examples of retrieval intents, training of the selector is skipped")
	}
	return nil
}

func responsesOf(data *nlu.TrainingData) *value.Map {
	all := value.NewMap()
	for _, r := range data.Responses {
		list := make([]any, len(r.Variations))
		for i, v := range r.Variations {
			list[i] = v.Raw
		}
		all.Set(r.Name, list)
	}
	return all
}

// retrievalIntents returns the intents of examples with a response key, sorted.
func retrievalIntents(data *nlu.TrainingData) []any {
	var names []string
	for _, m := range data.Examples {
		if m.Value(nlu.IntentResponseKey) != "" {
			names = append(names, m.Value(nlu.Intent))
		}
	}
	slices.Sort(names)
	return value.Strings(slices.Compact(names))
}

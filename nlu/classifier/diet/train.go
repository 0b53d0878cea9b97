package diet

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

// Train learns intents and entities. With fewer than two intents it logs so and learns nothing, as Rasa does.
func (c *Classifier) Train(ctx context.Context, data *nlu.TrainingData) error {
	return c.train(ctx, c.job(data))
}

// Finetune implements nlu.Finetuner.
func (c *Classifier) Finetune(ctx context.Context, data *nlu.TrainingData, from component.Resource, epochFraction float64) error {
	job := c.job(data)
	job.From, job.Epochs = from, diet.Fraction(c.options.Epochs, epochFraction)
	return c.train(ctx, job)
}

func (c *Classifier) job(data *nlu.TrainingData) diet.Job {
	job := diet.Job{Name: c.id, Options: c.options, Env: c.env, LabelLetter: "i"}
	for _, m := range data.Examples {
		if !m.FromCore() {
			job.Examples.Messages = append(job.Examples.Messages, m)
		}
	}
	job.Examples.Label = nlu.Intent
	job.Examples.LabelExamples = data.IntentExamples()
	job.Examples.Tagged = job.Examples.Messages
	return job
}

func (c *Classifier) train(ctx context.Context, job diet.Job) error {
	if job.Options.Entities {
		for _, m := range diet.Misaligned(job.Examples.Messages) {
			c.log.Warn("an entity does not start and end where tokens do and is not learnt", "intent", m.Value(nlu.Intent))
			c.log.Debug("example with such an entity", "text", m.Value(nlu.Text))
		}
	}
	var err error
	c.model, err = diet.Train(ctx, job)
	if errors.Is(err, diet.ErrFewLabels) {
		c.log.Error("at least 2 intents are needed, training of the classifier is skipped")
		return nil
	}
	if err != nil {
		return fmt.Errorf("training the network: %w", err)
	}
	if c.model == nil {
		c.log.Debug("there are no examples, training of the classifier is skipped")
	}
	return nil
}

// Persist writes the network; an untrained classifier writes nothing.
func (c *Classifier) Persist(to component.Resource) error {
	if c.model == nil {
		return nil
	}
	return c.model.Persist(to)
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/server"
)

// modelLoader loads models for PUT /model.
type modelLoader struct{ app *app }

var _ server.ModelLoader = (*modelLoader)(nil)

// Load reads the archive completely before it returns, so that a damaged one never replaces the model in use.
func (l *modelLoader) Load(_ context.Context, from server.ModelSource) (*dialogue.Model, error) {
	if from.File == "" {
		return nil, errors.New("only model files can be loaded")
	}
	file, err := archive.Resolve(from.File)
	if err != nil {
		return nil, err
	}
	return model.LoadFile(file, l.app.env())
}

// modelTrainer trains models for POST /model/train.
type modelTrainer struct{ app *app }

var _ server.Trainer = (*modelTrainer)(nil)

// Train trains the project that the request holds.
func (t *modelTrainer) Train(ctx context.Context, r server.TrainRequest) (*server.Trained, error) {
	// The name is that of the file Rasa writes the request to; its ending says that it is YAML.
	p, err := project.Parse(r.YAML, "data.yml")
	if err != nil {
		return nil, err
	}
	o := model.Options{NLU: len(p.NLU.Examples) > 0, Core: len(p.Stories) > 0, Augmentation: r.Augmentation, Env: t.app.env()}
	if !o.NLU && !o.Core {
		return nil, server.ErrNothingTrained
	}
	trained, _, err := model.Train(ctx, p, o)
	if err != nil {
		return nil, err
	}
	name := archive.Name(trained.Manifest.TrainedAt.Local(), t.app.env().Random) + archive.Extension
	switch {
	case !o.Core:
		name = "nlu-" + name
	case !o.NLU:
		name = "core-" + name
	}
	if r.Keep {
		if err := trained.Save(filepath.Join(defaultModels, name)); err != nil {
			return nil, err
		}
	}
	data, err := trained.Bytes()
	if err != nil {
		return nil, fmt.Errorf("packing model %s: %w", name, err)
	}
	return &server.Trained{Name: name, Archive: io.NopCloser(bytes.NewReader(data)), Size: int64(len(data))}, nil
}

// tester evaluates models for POST /model/test.
func (a *app) tester(p *dialogue.Processor) *evaluate.Tester {
	env := a.env()
	return &evaluate.Tester{Processor: p, Random: env.WithDefaults().Random,
		TrainNLU: func(ctx context.Context, p *project.Project) (evaluate.Parser, error) {
			trained, _, err := model.Train(ctx, p, model.Options{NLU: true, Env: env})
			if err != nil {
				return nil, err
			}
			m, err := model.Load(trained, "fold"+archive.Extension, env)
			if err != nil {
				return nil, err
			}
			return m.NLU, nil
		}}
}

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
type modelLoader struct{ site *site }

var _ server.ModelLoader = (*modelLoader)(nil)

// Load reads the model completely before it returns, so that a damaged one never replaces the model in use. As in Rasa
// the model server of endpoints.yml comes before anything the request names (rasa/core/agent.py, load_agent).
func (l *modelLoader) Load(ctx context.Context, from server.ModelSource) (*dialogue.Model, error) {
	source := l.site.models
	if source == nil && from.Server != nil {
		var err error
		if source, err = newModelServer(l.site, project.Entry{Name: "model_server", Options: from.Server}); err != nil {
			return nil, err
		}
		defer source.server.Close()
	}
	switch {
	case source != nil:
		m, _, err := source.pull(ctx, "")
		return m, err
	case from.RemoteStorage != "":
		return nil, fmt.Errorf("remote storage %q: models are read from files and model servers only", from.RemoteStorage)
	case from.File == "":
		return nil, errors.New("no model file is named")
	}
	file, err := archive.Resolve(from.File)
	if err != nil {
		return nil, err
	}
	return model.LoadFile(file, l.site.app.env())
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
	h := wholeModel(p)
	if h.none() {
		return nil, server.ErrNothingTrained
	}
	o := model.Options{NLU: h.nlu, Core: h.core, Augmentation: r.Augmentation, Env: t.app.env()}
	if !r.Force {
		o.Previous = archive.NewHistory(defaultModels, t.app.log)
	}
	trained, _, err := model.Train(ctx, p, o)
	if errors.Is(err, model.ErrInvalidDomain) {
		return nil, fmt.Errorf("%w: %w", server.ErrInvalidDomain, err)
	}
	if err != nil {
		return nil, err
	}
	name := h.prefix() + archive.Name(trained.Manifest.TrainedAt.Local(), t.app.env().Random) + archive.Extension
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
		TrainNLU: func(ctx context.Context, p *project.Project) (evaluate.Parser, func(), error) {
			trained, _, err := model.Train(ctx, p, model.Options{NLU: true, Env: env})
			if err != nil {
				return nil, nil, err
			}
			m, err := model.Load(trained, "fold"+archive.Extension, env)
			if err != nil {
				return nil, nil, err
			}
			return m.NLU, func() {}, nil
		}}
}

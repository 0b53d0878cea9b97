package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// defaultPull is wait_time_between_pulls when models: does not say.
const defaultPull = 100 * time.Second

// modelServer is a server that models are pulled from (rasa/core/agent.py, load_from_server). update and run belong to
// one goroutine; pull may be called by any.
type modelServer struct {
	site   *site
	server *endpoint.Endpoint
	// every is the time between two pulls; 0 pulls once.
	every time.Duration
	// etag is that of the model in use.
	etag string
}

// newModelServer reads the section models of endpoints.yml.
func newModelServer(s *site, section project.Entry) (*modelServer, error) {
	cfg, err := endpoint.FromEntry(section)
	if err != nil {
		return nil, err
	}
	server, err := endpoint.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: models: %w", section.Pos, err)
	}
	m := &modelServer{site: s, server: server, every: defaultPull}
	if v, ok := section.Options.Get("wait_time_between_pulls"); ok {
		seconds, number := value.ToFloat(v)
		if v != nil && (!number || seconds < 0 || seconds > 1e9) {
			return nil, fmt.Errorf("%s: models: wait_time_between_pulls must be a number of seconds, not %s",
				section.OptionPos("wait_time_between_pulls"), value.Repr(v))
		}
		m.every = time.Duration(int64(seconds)) * time.Second
	}
	return m, nil
}

// errNoNewModel says that the server has no model, or none but the one that is loaded.
var errNoNewModel = errors.New("the model server has no new model")

// pull fetches and loads the server's model unless it is the one with this ETag, and returns it with its own.
func (m *modelServer) pull(ctx context.Context, etag string) (*dialogue.Model, string, error) {
	doc, err := m.server.Get(ctx, etag)
	if err != nil {
		return nil, "", fmt.Errorf("pulling a model from %s: %w", m.server.URL(), err)
	}
	if doc == nil {
		return nil, "", errNoNewModel
	}
	file := doc.FileName
	if file == "" {
		file = "model" + archive.Extension
	}
	a, err := archive.Read(bytes.NewReader(doc.Data))
	if err != nil {
		return nil, "", fmt.Errorf("model %s from %s: %w", file, m.server.URL(), err)
	}
	loaded, err := model.Load(a, file, m.site.app.env())
	if err != nil {
		return nil, "", fmt.Errorf("model %s from %s: %w", file, m.server.URL(), err)
	}
	return loaded, doc.ETag, nil
}

// update serves the server's model from now on, when it has a new one. The model in use stays whenever something goes
// wrong.
func (m *modelServer) update(ctx context.Context) {
	log := m.site.app.log
	loaded, etag, err := m.pull(ctx, m.etag)
	switch {
	case errors.Is(err, errNoNewModel):
		log.Debug("no new model", "url", m.server.URL())
	case ctx.Err() != nil:
	case err != nil:
		log.Error("no model pulled; the previous one stays", "err", err)
	default:
		m.etag = etag
		m.site.processor.SetModel(loaded)
		log.Info("model pulled", "model", loaded.File, "url", m.server.URL())
	}
}

// run pulls again and again until ctx ends.
func (m *modelServer) run(ctx context.Context) {
	if m.every <= 0 {
		return
	}
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.update(ctx)
		}
	}
}

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/outbox"
	"github.com/parleybot/parley/stores/spool"
)

// site is everything a server needs beside its model: what endpoints.yml names, and the processor over it.
type site struct {
	app       *app
	processor *dialogue.Processor
	ready     chan struct{} // closed when there is a processor
	endpoints *project.Endpoints
	// models is nil unless models are pulled from a server.
	models *modelServer
	// store, locks and outbox are what the processor works on; outbox is nil when nothing has to be delivered.
	store   stores.TrackerStore
	locks   stores.Locker
	timers  stores.Timers
	outbox  *outbox.Outbox
	notes   stores.Outbox // nil when the store keeps none
	spool   *spool.Store  // nil when turns do not wait
	durable bool          // conversations outlive the process
	// retention is how long conversations are kept after their last event, 0 for ever.
	retention time.Duration
	// counted is what happens at the stores.
	counted  counted
	channels []channels.Channel
	closers  []func() error
}

// openSite opens what an endpoints file names; "" stands for no file. Without a tracker store it says, conversations are
// kept by the type that storeType names.
func (a *app) openSite(path, storeType string) (_ *site, err error) {
	s := &site{app: a, ready: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	endpoints, problems := project.LoadEndpoints(path)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range problems {
		a.warn(p.String())
	}
	s.endpoints = endpoints
	cfg := dialogue.Config{Logger: a.log, OutputOf: s.outputOf}
	if err := s.openStores(&cfg, endpoints, storeType); err != nil {
		return nil, err
	}
	if err := s.openServers(&cfg, endpoints); err != nil {
		return nil, err
	}
	s.processor = dialogue.New(cfg)
	close(s.ready)
	return s, nil
}

// openServers connects to the model, NLG and action servers.
func (s *site) openServers(cfg *dialogue.Config, endpoints *project.Endpoints) error {
	if section, ok := endpoints.Section("nlu"); ok {
		return fmt.Errorf("%s: nlu: this version cannot have messages parsed by another server", section.Pos)
	}
	if section, ok := endpoints.Section("models"); ok {
		models, err := newModelServer(s, section)
		if err != nil {
			return err
		}
		s.models = models
	}
	generator, err := nlg.FromEndpoint(endpoints)
	if err != nil {
		return err
	}
	if generator != nil {
		cfg.NLG = generator
	}
	client, err := actions.FromEndpoints(endpoints)
	if err != nil {
		return err
	}
	if client != nil {
		cfg.Actions = client
	}
	return nil
}

// close releases everything, the processor's timers first, then what is still to be delivered.
func (s *site) close() {
	if s.processor != nil {
		s.processor.Close()
	}
	if s.outbox != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := s.outbox.Close(ctx); err != nil {
			s.app.log.Warn("some events are delivered when the server runs again", "err", err)
		}
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); err != nil {
			s.app.log.Error("closing", "err", err)
		}
	}
}

// openPart builds the back end that a section names by `type`, by default the one called otherwise.
func openPart[T interface{ Close() error }](s *site, entry project.Entry, otherwise string, r *component.Registry[T]) (T, error) {
	name := strings.ToLower(endpoint.Type(entry))
	if name == "" {
		name = otherwise
	}
	part, err := r.Build(partConfig(entry, name, s.app.env()))
	if err != nil {
		return part, err
	}
	s.closers = append(s.closers, part.Close)
	return part, nil
}

// openChannels builds the channels of the credentials file.
func (a *app) openChannels(r *runFlags) ([]channels.Channel, error) {
	credentials, problems := project.LoadCredentials(a.path(r.credentials, defaultCredentials))
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range problems {
		a.warn(p.String())
	}
	var list []component.Config
	for _, e := range credentials.Channels {
		list = append(list, partConfig(e, e.Name, a.env()))
	}
	return channels.Create(list, r.connector, a.env())
}

// partConfig is what a registry builds an entry of endpoints.yml or credentials.yml from.
func partConfig(e project.Entry, name string, env component.Env) component.Config {
	return component.Config{Name: name, ID: name, Options: e.Options, Pos: e.Pos.String(),
		At: func(key string) string { return e.OptionPos(key).String() }, Env: env}
}

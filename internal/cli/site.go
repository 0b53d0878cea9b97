package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// site is everything a server needs beside its model: what endpoints.yml names, and the processor over it.
type site struct {
	app       *app
	processor *dialogue.Processor
	// models is nil unless models are pulled from a server.
	models  *modelServer
	closers []func() error
}

// openSite opens what an endpoints file names; "" stands for no file.
func (a *app) openSite(path string) (_ *site, err error) {
	s := &site{app: a}
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
	cfg := dialogue.Config{Logger: a.log}
	if err := s.openStores(&cfg, endpoints); err != nil {
		return nil, err
	}
	if err := s.openServers(&cfg, endpoints); err != nil {
		return nil, err
	}
	s.processor = dialogue.New(cfg)
	return s, nil
}

// openStores opens the stores. A name that means nothing is passed over where Rasa goes on without it; one that stands
// for a store this version does not have is an error.
func (s *site) openStores(cfg *dialogue.Config, endpoints *project.Endpoints) (err error) {
	const memory = "in_memory"
	cfg.Store, err = openPart(s, endpoints, "tracker_store", memory, stores.Trackers)
	if errors.Is(err, component.ErrUnknown) {
		s.app.warn(err.Error() + "; conversations are kept in memory")
		cfg.Store, err = openPart(s, nil, "tracker_store", memory, stores.Trackers)
	}
	if err != nil {
		return err
	}
	if cfg.Locks, err = openPart(s, endpoints, "lock_store", memory, stores.Locks); err != nil {
		return err
	}
	if _, ok := endpoints.Section("event_broker"); !ok {
		return nil
	}
	// Without a type Rasa means pika.
	broker, err := openPart(s, endpoints, "event_broker", "pika", stores.Brokers)
	if errors.Is(err, component.ErrUnknown) {
		s.app.warn(err.Error() + "; events are not published")
		return nil
	}
	if err != nil {
		return err
	}
	cfg.Brokers = append(cfg.Brokers, broker)
	return nil
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

// close releases everything, the processor's timers first.
func (s *site) close() {
	if s.processor != nil {
		s.processor.Close()
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); err != nil {
			s.app.log.Error("closing", "err", err)
		}
	}
}

// openPart builds the back end that a section names by `type`, by default the one called otherwise.
func openPart[T interface{ Close() error }](s *site, e *project.Endpoints, section, otherwise string, r *component.Registry[T]) (T, error) {
	entry, _ := e.Section(section)
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

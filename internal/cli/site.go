package cli

import (
	"fmt"
	"os"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// site is everything a server needs beside its model: what endpoints.yml names, and the processor over it.
type site struct {
	processor *dialogue.Processor
	closers   []func() error
	app       *app
}

// openSite opens what an endpoints file names; a missing file is an empty one, as in Rasa.
func (a *app) openSite(path string) (_ *site, err error) {
	s := &site{app: a}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	endpoints := &project.Endpoints{}
	if _, err := os.Stat(path); err == nil {
		loaded, problems := project.LoadEndpoints(path)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		endpoints = loaded
	} else {
		a.log.Info("there is no endpoints file; defaults are used", "url", path)
	}
	cfg := dialogue.Config{Logger: a.log}
	if cfg.Store, err = openPart(s, endpoints, "tracker_store", "in_memory", stores.Trackers); err != nil {
		return nil, err
	}
	if cfg.Locks, err = openPart(s, endpoints, "lock_store", "in_memory", stores.Locks); err != nil {
		return nil, err
	}
	if _, ok := endpoints.Section("event_broker"); ok {
		broker, err := openPart(s, endpoints, "event_broker", "", stores.Brokers)
		if err != nil {
			return nil, err
		}
		cfg.Brokers = append(cfg.Brokers, broker)
	}
	if err := s.openServers(&cfg, endpoints); err != nil {
		return nil, err
	}
	s.processor = dialogue.New(cfg)
	return s, nil
}

// openServers connects to the NLG and action servers.
func (s *site) openServers(cfg *dialogue.Config, endpoints *project.Endpoints) error {
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

// openPart builds the back end that a section names by `type`.
func openPart[T interface{ Close() error }](s *site, e *project.Endpoints, section, def string, r *component.Registry[T]) (T, error) {
	entry, _ := e.Section(section)
	name := entry.Options.String("type")
	if name == "" {
		name = def
	}
	if name == "" {
		var none T
		return none, fmt.Errorf("%s: %s: the key \"type\" is missing", entry.Pos, section)
	}
	part, err := r.Build(partConfig(entry, name, s.app.env()))
	if err != nil {
		return part, fmt.Errorf("%s: %w", section, err)
	}
	s.closers = append(s.closers, part.Close)
	return part, nil
}

// partConfig is what a registry builds an entry of endpoints.yml or credentials.yml from.
func partConfig(e project.Entry, name string, env component.Env) component.Config {
	return component.Config{Name: name, ID: name, Options: e.Options, Pos: e.Pos.String(),
		At: func(key string) string { return e.OptionPos(key).String() }, Env: env}
}

package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/server"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/outbox"
	timermemory "github.com/parleybot/parley/stores/timer/memory"
)

// The tracker stores that are taken when endpoints.yml names none.
const (
	// inMemory forgets everything with the process; it is Rasa's default.
	inMemory = "in_memory"
	// embedded is a file in the project's state folder.
	embedded = "sqlite"
)

// flushTimeout is how long a server that stops waits for brokers.
const flushTimeout = 5 * time.Second

// openStores opens the stores and what delivers from them. A name that means nothing is passed over where Rasa goes on
// without it; one that stands for a store this version does not have is an error.
func (s *site) openStores(cfg *dialogue.Config, endpoints *project.Endpoints, storeType string) (err error) {
	options, err := s.stateOptions(endpoints)
	if err != nil {
		return err
	}
	s.retention = days(options.RetentionDays)
	trackers, err := s.openTrackers(endpoints, storeType)
	if err != nil {
		return err
	}
	if s.store = trackers; s.durable {
		if s.store, err = s.guard(trackers, options); err != nil {
			return err
		}
	}
	locks, _ := endpoints.Section("lock_store")
	if s.locks, err = openPart(s, locks, inMemory, stores.Locks); err != nil {
		return err
	}
	brokers, err := s.openBrokers(endpoints)
	if err != nil {
		return err
	}
	if kept, ok := s.store.(stores.TimerStore); ok {
		s.timers = kept.Timers()
	}
	cfg.SharedTimers = s.timers != nil
	if s.timers == nil {
		s.timers = timermemory.New()
	}
	s.count(cfg, brokers)
	s.notes, _ = trackers.(stores.Outbox)
	if len(brokers) > 0 || s.notes != nil {
		s.outbox = outbox.New(outbox.Config{
			Store: trackers, Brokers: brokers, Locks: s.locks, Logger: s.app.log, Lease: duration(options.OutboxLease),
			Timers: s.setTimers,
		})
		cfg.Outbox, cfg.PublishAll = s.outbox, len(brokers) > 0
	}
	return nil
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// openInbox opens the inbox if a channel wants one, by default the one in the process. Where that finds no place, channels
// answer when the turn is stored.
func (s *site) openInbox(endpoints *project.Endpoints, list []channels.Channel) (stores.Inbox, error) {
	section, given := endpoints.Section("inbox")
	if !given && !slices.ContainsFunc(list, func(ch channels.Channel) bool { _, ok := ch.(channels.Async); return ok }) {
		return nil, nil
	}
	inbox, err := openPart(s, section, "nats", stores.Inboxes)
	if err != nil && !given {
		s.app.warn(err.Error() + "; messages are answered before their channel is")
		return nil, nil
	}
	return inbox, err
}

// checks are what a node needs to answer messages.
func (s *site) checks() []server.Check {
	const nobody = "parley:health"
	return []server.Check{
		{Name: "tracker_store", Run: func(ctx context.Context) error {
			f := s.factory()
			if f == nil {
				return nil
			}
			_, err := s.store.Load(ctx, f, nobody)
			return err
		}},
		{Name: "lock_store", Optional: true, Run: func(ctx context.Context) error {
			unlock, err := s.locks.Lock(ctx, nobody)
			if err == nil {
				unlock()
			}
			return err
		}},
	}
}

// waiting returns how many turns wait on disk.
func (s *site) waiting() int {
	if s.spool == nil {
		return 0
	}
	return s.spool.Waiting()
}

// openTrackers opens the tracker store. Where the embedded one finds no place to write, conversations are kept in memory.
func (s *site) openTrackers(endpoints *project.Endpoints, storeType string) (stores.TrackerStore, error) {
	section, given := endpoints.Section("tracker_store")
	s.durable = true
	if !given || endpoint.Type(section) == "" {
		if storeType == inMemory {
			return s.inMemory()
		}
		store, err := openPart(s, section, storeType, stores.Trackers)
		if !errors.Is(err, stores.ErrUnavailable) {
			return store, err
		}
		s.app.warn(err.Error() + "; conversations are kept in memory and are lost when the server ends")
		return s.inMemory()
	}
	store, err := openPart(s, section, storeType, stores.Trackers)
	if errors.Is(err, component.ErrUnknown) {
		s.app.warn(err.Error() + "; conversations are kept in memory")
		return s.inMemory()
	}
	s.durable = strings.ToLower(endpoint.Type(section)) != inMemory
	return store, err
}

// inMemory opens the store that forgets.
func (s *site) inMemory() (stores.TrackerStore, error) {
	s.durable = false
	return openPart(s, project.Entry{}, inMemory, stores.Trackers)
}

// openBrokers opens the brokers: one, or a list of them.
func (s *site) openBrokers(endpoints *project.Endpoints) ([]outbox.Target, error) {
	entries := endpoints.Brokers
	if section, ok := endpoints.Section("event_broker"); ok {
		entries = append(entries, section)
	}
	var targets []outbox.Target
	for _, entry := range entries {
		// Without a type Rasa means pika.
		broker, err := openPart(s, entry, "pika", stores.Brokers)
		if errors.Is(err, component.ErrUnknown) {
			s.app.warn(err.Error() + "; events are not published there")
			continue
		}
		if err != nil {
			return nil, err
		}
		name := endpoint.Type(entry)
		if name == "" {
			name = "pika"
		}
		targets = append(targets, outbox.Target{Name: name, Broker: broker})
	}
	return targets, nil
}

// rerun has the processor answer a message again.
func (s *site) rerun(ctx context.Context, message *value.Map, held bool) error {
	return s.processor.Rerun(ctx, message, held)
}

// deliver hands a commit to the outbox that was stored late.
func (s *site) deliver(c stores.Commit, after []string) {
	if s.outbox != nil {
		s.outbox.Deliver(c, after)
	}
}

// setTimers hands a commit to the processor, which is made after the outbox.
func (s *site) setTimers(ctx context.Context, c stores.Commit) error {
	select {
	case <-s.ready:
		return s.processor.SetTimers(ctx, c)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outputOf returns the way to users of a channel who did not just write.
func (s *site) outputOf(name string) channels.Output {
	for _, ch := range s.channels {
		if ch.Name() == name {
			return ch.Output()
		}
	}
	return nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/outbox"
	"github.com/parleybot/parley/stores/spool"
)

// embeddedFile is where the tracker store is that is taken without a section (stores/tracker/sqlite).
var embeddedFile = filepath.Join(stateFolder, "conversations.db")

// errNoTrackerStore is told where Rasa has words of its own for it.
var errNoTrackerStore = errors.New("endpoints.yml names no tracker store, and " + embeddedFile + " does not exist")

// openState opens the stores that an endpoints file names, without a model, beside servers that may run on them. With
// make the embedded tracker store is made if it is not there.
func (a *app) openState(path string, make bool) (_ *site, err error) {
	s := &site{app: a}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	endpoints, problems := project.LoadEndpoints(a.path(path, defaultEndpoints))
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range problems {
		a.warn(p.String())
	}
	s.endpoints = endpoints
	section, _ := endpoints.Section("tracker_store")
	switch kind := strings.ToLower(endpoint.Type(section)); {
	case kind == "" && section.Options.Len() == 0 && !make && !exists(embeddedFile):
		return nil, errNoTrackerStore
	case kind == inMemory:
		return nil, fmt.Errorf("%s: conversations of this tracker store are in the memory of the server; ask its HTTP API", section.Pos)
	}
	if s.store, err = openPart(s, section, embedded, stores.Trackers); err != nil {
		return nil, err
	}
	s.notes, _ = s.store.(stores.Outbox)
	if kept, ok := s.store.(stores.TimerStore); ok {
		s.timers = kept.Timers()
	}
	locks, _ := endpoints.Section("lock_store")
	s.locks, err = openPart(s, locks, inMemory, stores.Locks)
	return s, err
}

// openStateToDelete opens everything that may have something of a conversation, as far as it can be reached beside a
// running server.
func (a *app) openStateToDelete(path string) (s *site, m *manage.Manager, err error) {
	if s, err = a.openState(path, false); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	options, err := s.stateOptions(s.endpoints)
	if err != nil {
		return nil, nil, err
	}
	s.retention = days(options.RetentionDays)
	if err := s.claimSpool(options); err != nil {
		return nil, nil, err
	}
	brokers, err := s.openBrokers(s.endpoints)
	if err != nil {
		return nil, nil, err
	}
	inbox, err := s.reachInbox()
	if err != nil {
		return nil, nil, err
	}
	cfg := manage.Config{Store: s.store, Notes: s.notes, Locks: s.locks, Timers: s.timers, Inbox: inbox, Logger: a.log}
	if len(brokers) > 0 {
		cfg.Forget = func(ctx context.Context, senderID string) error { return forgetAll(ctx, brokers, senderID) }
	}
	return s, manage.New(cfg), nil
}

// forgetAll tells brokers of a deletion. There is no outbox: it would deliver what is another node's.
func forgetAll(ctx context.Context, brokers []outbox.Target, senderID string) error {
	var problems []error
	for _, b := range brokers {
		if err := b.Broker.Forget(ctx, senderID); err != nil {
			problems = append(problems, fmt.Errorf("telling event broker %s of the deletion of %q: %w", b.Name, senderID, err))
		}
	}
	return errors.Join(problems...)
}

// claimSpool puts the turns of processes that died in front of the store, so that they can be deleted. Those of a running
// server are its own.
func (s *site) claimSpool(o stateOptions) error {
	place := filepath.Join(o.Folder, "spool")
	if !o.Spool || o.FailSafe || !exists(place) {
		return nil
	}
	folder, err := spool.Claim(place)
	if err != nil {
		s.app.warn(err.Error())
		return nil
	}
	none := func() *tracker.Factory { return nil } // nothing is written
	guarded, err := spool.Open(spool.Config{Store: s.store, Dir: folder.Path, Logger: s.app.log, Factory: none})
	if err != nil {
		return errors.Join(err, folder.Release())
	}
	s.store = guarded
	s.closers = append(s.closers, folder.Release, guarded.Close)
	return nil
}

// reachInbox opens the inbox if it is on a server of its own.
func (s *site) reachInbox() (stores.Inbox, error) {
	section, given := s.endpoints.Section("inbox")
	if given && section.Options.Has("url") {
		return openPart(s, section, "nats", stores.Inboxes)
	}
	if given || exists(filepath.Join(stateFolder, "nats")) {
		s.app.warn("messages in the inbox of a running server are not deleted from here; DELETE /parley/conversations/ID of its API does")
	}
	return nil, nil
}

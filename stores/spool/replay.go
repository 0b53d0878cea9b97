package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// writeTimeout bounds what one waiting turn may take.
const writeTimeout = 30 * time.Second

// run writes what waits until ctx ends.
func (s *Store) run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for {
		if s.Waiting() > 0 && s.cfg.Factory() != nil {
			s.writeAll(ctx)
		}
		wake := s.wake
		if s.Waiting() > 0 {
			wake = nil // it is being tried as often as it should be
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
	}
}

// writeAll writes turns in the order in which they began to wait, until the store fails again.
func (s *Store) writeAll(ctx context.Context) {
	s.mu.Lock()
	list := append([]*waitingTurn(nil), s.order...)
	s.mu.Unlock()
	held := map[string]bool{} // conversations whose turn has to wait longer
	for _, w := range list {
		if held[w.SenderID] {
			continue
		}
		err := s.writeOne(ctx, w)
		if err == nil {
			err = s.finish(w)
		}
		if err == nil {
			s.cfg.Logger.Info("a turn that waited is stored", "sender_id", w.SenderID)
			continue
		}
		held[w.SenderID] = true
		s.cfg.Logger.Warn("a turn waits on", "sender_id", w.SenderID, "err", err)
		if errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil {
			return
		}
	}
}

func (s *Store) writeOne(ctx context.Context, w *waitingTurn) error {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, replaying{}, true), writeTimeout)
	defer cancel()
	f := s.cfg.Factory()
	for {
		err := s.place(ctx, f, w)
		if !errors.Is(err, stores.ErrConflict) || ctx.Err() != nil {
			return err
		}
	}
}

// place stores a turn where it belongs.
func (s *Store) place(ctx context.Context, f *tracker.Factory, w *waitingTurn) error {
	all, err := stores.LoadKept(ctx, s.TrackerStore, f, w.SenderID)
	if err != nil {
		return err
	}
	var events []tracker.Event
	if all.Tracker != nil {
		events = all.Tracker.Events()
	}
	switch {
	case w.isIn(events):
		s.stored(w, all.Unsettled)
		return nil
	case len(events) != w.Count && w.Message != nil:
		if err := s.cfg.Rerun(ctx, w.Message, w.done != nil); err != nil {
			return fmt.Errorf("running a turn again: %w", err)
		}
		return nil
	}
	return s.append(ctx, f, w)
}

// append stores a turn behind what is there, which is what the turn knew, or did not care for.
func (s *Store) append(ctx context.Context, f *tracker.Factory, w *waitingTurn) error {
	conv, err := s.TrackerStore.Load(ctx, f, w.SenderID)
	if err != nil {
		return err
	}
	t := conv.Tracker
	if t == nil || w.Replace {
		t = f.New(w.SenderID)
	}
	turn := stores.Turn{Tracker: t, Known: len(t.Events()), At: conv.At, ID: w.ID, Deliver: w.Deliver, Replace: w.Replace}
	added, err := w.events()
	if err != nil {
		return err
	}
	t.UpdateAll(added)
	if _, err := s.TrackerStore.Save(ctx, turn); err != nil {
		return err
	}
	s.stored(w, conv.Unsettled)
	return nil
}

// stored hands on what a turn that is stored now set off.
func (s *Store) stored(w *waitingTurn, unsettled []string) {
	if !w.Deliver || s.cfg.Stored == nil {
		return
	}
	if i := slices.Index(unsettled, w.ID); i >= 0 {
		unsettled = unsettled[:i]
	}
	if events, err := w.events(); err == nil {
		s.cfg.Stored(stores.Commit{SenderID: w.SenderID, ID: w.ID, Events: events, Time: w.Time}, unsettled)
	}
}

// isIn reports whether events have those of the turn where it would have written them.
func (r *record) isIn(events []tracker.Event) bool {
	if r.Replace {
		return len(events) == len(r.Events) && r.same(events)
	}
	return len(events) >= r.Count+len(r.Events) && len(r.Events) > 0 && r.same(events[r.Count:])
}

func (r *record) same(events []tracker.Event) bool {
	for i, want := range r.Events {
		if !bytes.Equal(value.Encode(want, value.SortKeys), value.Encode(tracker.AsMap(events[i]), value.SortKeys)) {
			return false
		}
	}
	return true
}

// Package spool keeps turns that a tracker store cannot write for now on this node's disk, and writes them when it can: in
// order for each conversation, and only once, also when the failed write had taken place after all.
//
// While a turn of a conversation waits, the conversation cannot be loaded here; its lock, which the caller holds until
// then, keeps other nodes away. A turn that finds the conversation changed nevertheless (its lock was lost, or the process
// died) is run again on what the conversation is by then; it is never appended to a past it did not know.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Config says what a Store needs. Store, Dir and Factory are required.
type Config struct {
	// Store is where turns belong.
	Store stores.TrackerStore
	// Dir is the folder of waiting turns. It is made when the first one has to wait. Two processes must not share it.
	Dir string
	// Factory returns the factory of trackers, nil while no model is loaded.
	Factory func() *tracker.Factory
	// Rerun answers a message again, on a conversation that is not what it was, and tells nobody. held tells that the
	// conversation's lock is held by this process for it. What it returns is tried again later if it may work later.
	Rerun func(ctx context.Context, message *value.Map, held bool) error
	// Stored is told of commits that were to be delivered and are stored now. after are the IDs of earlier commits of the
	// conversation that may not be delivered yet.
	Stored func(c stores.Commit, after []string)
	Logger *slog.Logger
	// After is how long a turn is tried to be stored before it waits on disk and counts as accepted. While it is not, a
	// node that dies has promised nothing. Default: DefaultAfter; negative: not at all.
	After time.Duration
	// Every is how often the store is tried while turns wait on disk. Default: 1 second.
	Every time.Duration
}

// DefaultAfter is shorter than clients wait for an answer, and longer than a store needs to elect another primary.
const DefaultAfter = 10 * time.Second

// The pauses between attempts before a turn waits on disk.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

// Store is a stores.TrackerStore that accepts turns while the one behind it cannot. It is safe for concurrent use.
type Store struct {
	stores.TrackerStore
	cfg  Config
	dir  folder
	stop context.CancelFunc
	done sync.WaitGroup
	wake chan struct{}

	mu sync.Mutex
	// waiting has the turns of each conversation, oldest first.
	waiting map[string][]*waitingTurn
	order   []*waitingTurn
}

type waitingTurn struct {
	record
	name string        // of the file
	done chan struct{} // closed when it is stored; nil for one of an earlier process
}

var _ stores.TrackerStore = (*Store)(nil)

// Open returns the store, which begins to write what an earlier process left in the folder. The error names a file that
// cannot be read.
func Open(cfg Config) (*Store, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.After == 0 {
		cfg.After = DefaultAfter
	}
	s := &Store{TrackerStore: cfg.Store, cfg: cfg, dir: folder(cfg.Dir), waiting: map[string][]*waitingTurn{}, wake: make(chan struct{}, 1)}
	left, err := s.dir.read()
	if err != nil {
		return nil, err
	}
	for _, w := range left {
		s.add(w)
	}
	if len(left) > 0 {
		cfg.Logger.Warn("turns of an earlier run wait for the tracker store")
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.done.Go(func() { s.run(ctx) })
	return s, nil
}

func (s *Store) add(w *waitingTurn) {
	s.waiting[w.SenderID] = append(s.waiting[w.SenderID], w)
	s.order = append(s.order, w)
}

// Waiting returns how many turns wait.
func (s *Store) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.order)
}

type replaying struct{}

// Load implements stores.TrackerStore. A conversation of which a turn waits is not available.
func (s *Store) Load(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	s.mu.Lock()
	waits := len(s.waiting[senderID]) > 0
	s.mu.Unlock()
	if waits && ctx.Value(replaying{}) == nil {
		return stores.Conversation{}, fmt.Errorf("an earlier turn of %q waits to be stored: %w", senderID, stores.ErrUnavailable)
	}
	return s.TrackerStore.Load(ctx, f, senderID)
}

// Save implements stores.TrackerStore. The error is a *stores.SpooledError for a turn that waits on disk.
func (s *Store) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	at, err := s.TrackerStore.Save(ctx, turn)
	if turn.Partial || ctx.Value(replaying{}) != nil {
		return at, err
	}
	at, err = s.insist(ctx, turn, at, err)
	if !errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil { // nobody waits for the turn any more
		return at, err
	}
	w := &waitingTurn{record: newRecord(&turn), done: make(chan struct{})}
	if w.name, err = s.dir.write(&w.record); err != nil {
		return at, fmt.Errorf("%w, and the turn cannot be kept on disk: %w", stores.ErrUnavailable, err)
	}
	s.cfg.Logger.WarnContext(ctx, "the tracker store cannot be written, the turn waits on disk", "sender_id", w.SenderID)
	s.mu.Lock()
	s.add(w)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return at, &stores.SpooledError{Done: w.done}
}

// insist tries again to store a turn for which the store was not available. An attempt that failed may have taken place: then
// the next one is a conflict, and who runs the turn again finds it stored.
func (s *Store) insist(ctx context.Context, turn stores.Turn, at stores.Position, err error) (stores.Position, error) {
	until := time.Now().Add(s.cfg.After)
	for pause := firstPause; errors.Is(err, stores.ErrUnavailable) && time.Now().Add(pause).Before(until); pause = min(2*pause, mostPause) {
		select {
		case <-ctx.Done():
			return at, err
		case <-time.After(pause):
		}
		at, err = s.TrackerStore.Save(ctx, turn)
	}
	return at, err
}

// Delete implements stores.TrackerStore. Waiting turns of the conversation are dropped.
func (s *Store) Delete(ctx context.Context, senderID string) (int, error) {
	s.mu.Lock()
	list := append([]*waitingTurn(nil), s.waiting[senderID]...)
	s.mu.Unlock()
	n, err := s.TrackerStore.Delete(ctx, senderID)
	if err != nil {
		return n, err
	}
	for _, w := range list {
		n += len(w.Events)
		if err := s.finish(w); err != nil {
			return n, err
		}
	}
	return n, nil
}

// finish forgets a turn.
func (s *Store) finish(w *waitingTurn) error {
	if err := s.dir.remove(w.name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	without := func(list []*waitingTurn) []*waitingTurn {
		kept := list[:0:0]
		for _, other := range list {
			if other != w {
				kept = append(kept, other)
			}
		}
		return kept
	}
	before := len(s.order)
	s.order = without(s.order)
	if s.waiting[w.SenderID] = without(s.waiting[w.SenderID]); len(s.waiting[w.SenderID]) == 0 {
		delete(s.waiting, w.SenderID)
	}
	if w.done != nil && len(s.order) < before {
		close(w.done)
	}
	return nil
}

// Close implements stores.TrackerStore. What waits stays on disk for the next process. The store behind stays open: it
// belongs to whoever opened it.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	return nil
}

// Timers implements stores.TimerStore. It returns nil when the store behind keeps none.
func (s *Store) Timers() stores.Timers {
	if t, ok := s.TrackerStore.(stores.TimerStore); ok {
		return t.Timers()
	}
	return nil
}

// LoadKept implements stores.Keeper.
func (s *Store) LoadKept(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	return stores.LoadKept(ctx, s.TrackerStore, f, senderID)
}

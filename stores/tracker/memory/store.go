// Package memory keeps conversations in the memory of the process: the default tracker store, for single servers whose
// conversations may end with them.
//
// Like Rasa's InMemoryTrackerStore (rasa/core/tracker_store.py, 3.6.21) it forgets the sessions before the last one when
// a conversation is stored again. Trackers are kept as they are, not as text: loading copies one small struct.
package memory

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "in_memory",
		Summary: "Keeps conversations in the memory of the process; they are lost when it ends.",
		Source:  "rasa/core/tracker_store.py InMemoryTrackerStore",
	}, func(component.Config) (stores.TrackerStore, error) { return New(), nil })
}

const shardCount = 64

// Store is a stores.TrackerStore in memory.
type Store struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	mu            sync.RWMutex
	conversations map[string]*conversation
}

type conversation struct {
	tracker *tracker.Tracker
	// lent tells that someone may append in the space behind the stored events. It is taken by one loader at a time,
	// the others copy the list of events when they append.
	lent bool
}

var _ stores.TrackerStore = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].conversations = make(map[string]*conversation)
	}
	return s
}

func (s *Store) shard(senderID string) *shard {
	return &s.shards[maphash.String(s.seed, senderID)%shardCount]
}

// Load implements stores.TrackerStore.
func (s *Store) Load(_ context.Context, f *tracker.Factory, senderID string) (*tracker.Tracker, error) {
	sh := s.shard(senderID)
	sh.mu.Lock()
	c := sh.conversations[senderID]
	if c == nil {
		sh.mu.Unlock()
		return nil, nil
	}
	t, lent := c.tracker, c.lent
	c.lent = true
	sh.mu.Unlock()

	if !f.SameDomain(t) {
		t, lent = f.FromEvents(senderID, t.Events()), false
	}
	if last := t.LastSession(); last != t {
		return last, nil
	}
	t = t.Reload()
	if lent {
		t = t.Fork()
	}
	return t, nil
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(_ context.Context, f *tracker.Factory, senderID string) (*tracker.Tracker, error) {
	sh := s.shard(senderID)
	sh.mu.RLock()
	c := sh.conversations[senderID]
	if c == nil {
		sh.mu.RUnlock()
		return nil, nil
	}
	t := c.tracker
	sh.mu.RUnlock()
	if !f.SameDomain(t) {
		t = f.FromEvents(senderID, t.Events())
	}
	return t.Reload().Fork(), nil
}

// Save implements stores.TrackerStore. It replaces what is stored.
func (s *Store) Save(_ context.Context, t *tracker.Tracker, _ int) error {
	kept := t.Snapshot()
	kept.Stamp(nil)
	sh := s.shard(t.SenderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if c := sh.conversations[t.SenderID]; c != nil {
		c.tracker, c.lent = kept, false
		return nil
	}
	sh.conversations[t.SenderID] = &conversation{tracker: kept}
	return nil
}

// Keys implements stores.TrackerStore.
func (s *Store) Keys(context.Context) ([]string, error) {
	var keys []string
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		for id := range sh.conversations {
			keys = append(keys, id)
		}
		sh.mu.RUnlock()
	}
	return keys, nil
}

// Close implements stores.TrackerStore. There is nothing to release.
func (s *Store) Close() error { return nil }

// Package memory keeps conversations in the memory of the process: the default tracker store, for single servers whose
// conversations may end with them.
//
// Like Rasa's InMemoryTrackerStore (rasa/core/tracker_store.py, 3.6.21) it forgets the sessions before the last one when
// a conversation is stored again. The conversations in use are kept as trackers, so that loading one copies a small struct;
// the others are packed (see pack.go).
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
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
	words  *dictionary
}

// liveInShard is how many conversations of a shard are kept as trackers, ready to go on; the others are packed.
const liveInShard = 8

type shard struct {
	mu            sync.RWMutex
	conversations map[string]*conversation
	// packed has the conversations that went out of use.
	packed map[string][]byte
	// clock counts saves; it tells which conversation was saved least recently.
	clock uint64
}

type conversation struct {
	tracker *tracker.Tracker
	// saved is the shard's clock when the conversation was saved last.
	saved uint64
	// lent tells that someone may append in the space behind the stored events. It is taken by one loader at a time,
	// the others copy the list of events when they append.
	lent bool
}

var _ stores.TrackerStore = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{seed: maphash.MakeSeed(), words: newDictionary()}
	for i := range s.shards {
		s.shards[i].conversations = make(map[string]*conversation)
		s.shards[i].packed = make(map[string][]byte)
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
	c, packed := sh.conversations[senderID], sh.packed[senderID]
	if c == nil {
		sh.mu.Unlock()
		return s.unpack(f, senderID, packed, (*tracker.Tracker).LastSession)
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
	c, packed := sh.conversations[senderID], sh.packed[senderID]
	if c == nil {
		sh.mu.RUnlock()
		return s.unpack(f, senderID, packed, (*tracker.Tracker).Reload)
	}
	t := c.tracker
	sh.mu.RUnlock()
	if !f.SameDomain(t) {
		t = f.FromEvents(senderID, t.Events())
	}
	return t.Reload().Fork(), nil
}

// unpack returns the part of a packed conversation that part selects, nil for one that is not there.
func (s *Store) unpack(f *tracker.Factory, senderID string, packed []byte, part func(*tracker.Tracker) *tracker.Tracker) (*tracker.Tracker, error) {
	if packed == nil {
		return nil, nil
	}
	events, err := s.words.unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("loading the conversation of %q: %w", senderID, err)
	}
	return part(f.FromEvents(senderID, events)).Reload(), nil
}

// Save implements stores.TrackerStore. It replaces what is stored.
func (s *Store) Save(_ context.Context, t *tracker.Tracker, _ int) error {
	kept := t.Snapshot()
	kept.Stamp(nil)
	sh := s.shard(t.SenderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.clock++
	if c := sh.conversations[t.SenderID]; c != nil {
		c.tracker, c.lent, c.saved = kept, false, sh.clock
		return nil
	}
	if len(sh.conversations) == liveInShard {
		s.packOldest(sh)
	}
	delete(sh.packed, t.SenderID)
	sh.conversations[t.SenderID] = &conversation{tracker: kept, saved: sh.clock}
	return nil
}

// packOldest packs the conversation of a shard that was saved least recently.
func (s *Store) packOldest(sh *shard) {
	oldest, found := "", (*conversation)(nil)
	for id, c := range sh.conversations {
		if found == nil || c.saved < found.saved {
			oldest, found = id, c
		}
	}
	sh.packed[oldest] = s.words.pack(found.tracker.Events())
	delete(sh.conversations, oldest)
}

// Keys implements stores.TrackerStore.
func (s *Store) Keys(context.Context) ([]string, error) {
	var keys []string
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		keys = slices.AppendSeq(keys, maps.Keys(sh.conversations))
		keys = slices.AppendSeq(keys, maps.Keys(sh.packed))
		sh.mu.RUnlock()
	}
	return keys, nil
}

// Close implements stores.TrackerStore. There is nothing to release.
func (s *Store) Close() error { return nil }

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

// packAtOnce is the number of events up to which a conversation is packed turn by turn. The rest of a longer one is packed
// when it goes out of use, so that it is not in memory twice.
const packAtOnce = 256

type shard struct {
	mu            sync.RWMutex
	conversations map[string]*conversation
	// packed has the conversations that went out of use.
	packed map[string]record
	// clock counts uses; it tells which conversation was used least recently.
	clock uint64
}

type conversation struct {
	tracker *tracker.Tracker
	// packed has the events of tracker, or those of its beginning.
	packed record
	// saved is the shard's clock when the conversation was saved last, or loaded after it was packed.
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
		s.shards[i].packed = make(map[string]record)
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
		packed := sh.packed[senderID]
		sh.mu.Unlock()
		return s.revive(f, senderID, packed)
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

// revive loads a packed conversation and keeps it as a tracker from now on: it is about to go on.
func (s *Store) revive(f *tracker.Factory, senderID string, packed record) (*tracker.Tracker, error) {
	t, err := s.unpack(f, senderID, packed)
	if t == nil {
		return nil, err
	}
	sh := s.shard(senderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.conversations[senderID] == nil && sh.packed[senderID].same(packed) {
		c := s.admit(sh, senderID)
		c.tracker, c.lent = t, true
	}
	if last := t.LastSession(); last != t {
		return last, nil
	}
	return t.Reload(), nil
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(_ context.Context, f *tracker.Factory, senderID string) (*tracker.Tracker, error) {
	sh := s.shard(senderID)
	sh.mu.RLock()
	c := sh.conversations[senderID]
	if c == nil {
		packed := sh.packed[senderID]
		sh.mu.RUnlock()
		t, err := s.unpack(f, senderID, packed)
		if t == nil {
			return nil, err
		}
		return t.Reload(), nil
	}
	t := c.tracker
	sh.mu.RUnlock()
	if !f.SameDomain(t) {
		t = f.FromEvents(senderID, t.Events())
	}
	return t.Reload().Fork(), nil
}

// unpack returns a packed conversation, nil for one that is not there.
func (s *Store) unpack(f *tracker.Factory, senderID string, packed record) (*tracker.Tracker, error) {
	if packed.data == nil {
		return nil, nil
	}
	events, err := s.words.unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("loading the conversation of %q: %w", senderID, err)
	}
	return f.FromEvents(senderID, events), nil
}

// Save implements stores.TrackerStore. It replaces what is stored.
func (s *Store) Save(_ context.Context, t *tracker.Tracker, _ int) error {
	kept := t.Snapshot()
	kept.Stamp(nil)
	sh := s.shard(t.SenderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.conversations[t.SenderID]
	if c == nil {
		c = s.admit(sh, t.SenderID)
	}
	if !c.goesOn(kept) {
		c.packed = record{}
	}
	c.tracker, c.lent, c.saved = kept, false, sh.tick()
	if len(kept.Events()) <= packAtOnce {
		c.packed = s.words.extend(c.packed, kept.Events())
	}
	return nil
}

// goesOn reports whether t begins with the events that are packed. Otherwise some were dropped, as those before the last
// session are, or replaced.
func (c *conversation) goesOn(t *tracker.Tracker) bool {
	n, events := c.packed.events, t.Events()
	if n == 0 || c.tracker == nil {
		return n == 0
	}
	return n <= len(events) && events[0] == c.tracker.Events()[0] && events[n-1] == c.tracker.Events()[n-1]
}

func (sh *shard) tick() uint64 {
	sh.clock++
	return sh.clock
}

// admit makes place for a conversation among those that are kept as trackers.
func (s *Store) admit(sh *shard, senderID string) *conversation {
	if len(sh.conversations) == liveInShard {
		s.pack(sh)
	}
	c := &conversation{packed: sh.packed[senderID], saved: sh.tick()}
	delete(sh.packed, senderID)
	sh.conversations[senderID] = c
	return c
}

// pack keeps only the packed form of the conversation that was saved least recently.
func (s *Store) pack(sh *shard) {
	oldest, found := "", (*conversation)(nil)
	for id, c := range sh.conversations {
		if found == nil || c.saved < found.saved {
			oldest, found = id, c
		}
	}
	r := s.words.extend(found.packed, found.tracker.Events())
	r.data = append(make([]byte, 0, len(r.data)), r.data...)
	sh.packed[oldest] = r
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

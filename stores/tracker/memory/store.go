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
	// count is how many events were ever saved.
	count int
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
func (s *Store) Load(_ context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	t, count, err := s.load(f, senderID)
	return stores.Conversation{Tracker: t, At: stores.Position{Count: count}}, err
}

func (s *Store) load(f *tracker.Factory, senderID string) (*tracker.Tracker, int, error) {
	sh := s.shard(senderID)
	sh.mu.Lock()
	c := sh.conversations[senderID]
	if c == nil {
		packed := sh.packed[senderID]
		sh.mu.Unlock()
		return s.revive(f, senderID, packed)
	}
	t, lent, count := c.tracker, c.lent, c.count
	c.lent = true
	sh.mu.Unlock()

	if !f.SameDomain(t) {
		t, lent = f.FromEvents(senderID, t.Events()), false
	}
	if last := t.LastSession(); last != t {
		return last, count, nil
	}
	t = t.Reload()
	if lent {
		t = t.Fork()
	}
	return t, count, nil
}

// revive loads a packed conversation and keeps it as a tracker from now on: it is about to go on.
func (s *Store) revive(f *tracker.Factory, senderID string, packed record) (*tracker.Tracker, int, error) {
	t, err := s.unpack(f, senderID, packed)
	if t == nil {
		return nil, 0, err
	}
	sh := s.shard(senderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.conversations[senderID] == nil && sh.packed[senderID].same(packed) {
		c := s.admit(sh, senderID)
		c.tracker, c.lent = t, true
	}
	if last := t.LastSession(); last != t {
		return last, packed.count, nil
	}
	return t.Reload(), packed.count, nil
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(_ context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	sh := s.shard(senderID)
	sh.mu.RLock()
	c := sh.conversations[senderID]
	if c == nil {
		packed := sh.packed[senderID]
		sh.mu.RUnlock()
		t, err := s.unpack(f, senderID, packed)
		if t == nil {
			return stores.Conversation{}, err
		}
		return stores.Conversation{Tracker: t.Reload(), At: stores.Position{Count: packed.count}}, nil
	}
	t, count := c.tracker, c.count
	sh.mu.RUnlock()
	if !f.SameDomain(t) {
		t = f.FromEvents(senderID, t.Events())
	}
	return stores.Conversation{Tracker: t.Reload().Fork(), At: stores.Position{Count: count}}, nil
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

// Save implements stores.TrackerStore. What the turn's tracker holds takes the place of what is stored.
func (s *Store) Save(_ context.Context, turn stores.Turn) (stores.Position, error) {
	kept := turn.Tracker.Snapshot()
	kept.Stamp(nil)
	sh := s.shard(kept.SenderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.conversations[kept.SenderID]
	count := sh.packed[kept.SenderID].count
	if c != nil {
		count = c.count
	}
	if count != turn.At.Count {
		return stores.Position{}, stores.ErrConflict
	}
	if c == nil {
		c = s.admit(sh, kept.SenderID)
	}
	if !c.goesOn(kept) {
		c.packed = record{}
	}
	c.tracker, c.lent, c.saved, c.count = kept, false, sh.tick(), count+len(turn.New())
	if len(kept.Events()) <= packAtOnce {
		c.packed = s.words.extend(c.packed, kept.Events())
	}
	return stores.Position{Count: c.count}, nil
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
	c.count = c.packed.count
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
	r.data, r.count = append(make([]byte, 0, len(r.data)), r.data...), found.count
	sh.packed[oldest] = r
	delete(sh.conversations, oldest)
}

// IDs implements stores.TrackerStore. It leaves nothing out for q.
func (s *Store) IDs(_ context.Context, _ stores.Query, after string, limit int) ([]string, error) {
	ids := []string{}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		ids = slices.AppendSeq(ids, maps.Keys(sh.conversations))
		ids = slices.AppendSeq(ids, maps.Keys(sh.packed))
		sh.mu.RUnlock()
	}
	slices.Sort(ids)
	if after != "" {
		i, found := slices.BinarySearch(ids, after)
		if found {
			i++
		}
		ids = ids[i:]
	}
	if limit > 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	return ids, nil
}

// Delete implements stores.TrackerStore.
func (s *Store) Delete(_ context.Context, senderID string) (events int, err error) {
	sh := s.shard(senderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	events = sh.packed[senderID].events
	if c := sh.conversations[senderID]; c != nil {
		events = len(c.tracker.Events())
	}
	delete(sh.conversations, senderID)
	delete(sh.packed, senderID)
	return events, nil
}

// Close implements stores.TrackerStore. There is nothing to release.
func (s *Store) Close() error { return nil }

package eventlog

import (
	"container/list"
	"hash/maphash"
	"sync"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// cache keeps the sessions of recent conversations as trackers. It is never asked what a conversation is, only what of it
// need not be read again.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

const cacheShards = 16

type cacheShard struct {
	mu     sync.Mutex
	byID   map[string]*list.Element
	recent list.List // of *entry, the one used last in front
	events int
	room   int
}

// entry is a session of which at is the end. It is not changed once it is in the cache, but for lent.
type entry struct {
	id      string
	tracker *tracker.Tracker
	at      stores.Position
	// hidden is how many events of the conversation are not shown.
	hidden int
	// lent tells that someone may append in the space behind the tracker's events.
	lent bool
}

// cost counts the conversation itself as some events.
func (e *entry) cost() int { return len(e.tracker.Events()) + 8 }

// newCache returns a cache for about that many events, none if the number is negative.
func newCache(events int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].byID = make(map[string]*list.Element)
		c.shards[i].room = events / cacheShards
	}
	return c
}

func (c *cache) shard(id string) *cacheShard {
	return &c.shards[maphash.String(c.seed, id)%cacheShards]
}

// borrow returns what is known of a conversation, nil for nothing, and whether someone else borrowed it, too.
func (c *cache) borrow(id string) (e *entry, lent bool) {
	sh := c.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	element := sh.byID[id]
	if element == nil {
		return nil, false
	}
	sh.recent.MoveToFront(element)
	e = element.Value.(*entry)
	lent, e.lent = e.lent, true
	return e, lent
}

// hidden returns how many events of a conversation are not shown, if it is known.
func (c *cache) hidden(id string) (n int, known bool) {
	sh := c.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if element := sh.byID[id]; element != nil {
		return element.Value.(*entry).hidden, true
	}
	return 0, false
}

// put keeps what is known of a conversation from now on. It makes place at the expense of those that were not used for
// longest; one conversation stays whatever its length.
func (c *cache) put(id string, e *entry, lent bool) {
	sh := c.shard(id)
	if sh.room < 0 {
		return
	}
	e.id, e.lent = id, lent
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.remove(id)
	sh.byID[id] = sh.recent.PushFront(e)
	sh.events += e.cost()
	for sh.events > sh.room && sh.recent.Len() > 1 {
		sh.remove(sh.recent.Back().Value.(*entry).id)
	}
}

func (c *cache) drop(id string) {
	sh := c.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.remove(id)
}

func (sh *cacheShard) remove(id string) {
	element := sh.byID[id]
	if element == nil {
		return
	}
	sh.events -= sh.recent.Remove(element).(*entry).cost()
	delete(sh.byID, id)
}

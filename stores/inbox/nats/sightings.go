package nats

import (
	"sync"
	"time"
)

// sightings are the records of other owners that a node has seen, to tell those whose owner has fallen silent.
type sightings struct {
	lease time.Duration
	mu    sync.Mutex
	list  map[string]sighting
}

type sighting struct {
	seq         uint64
	first, last time.Time
}

func newSightings(lease time.Duration) *sightings {
	return &sightings{lease: lease, list: make(map[string]sighting)}
}

// silent notes that a conversation's record has a sequence now, and reports whether it had it a whole lease ago already.
func (g *sightings) silent(to string, seq uint64) bool {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	s, known := g.list[to]
	if !known || s.seq != seq {
		g.list[to] = sighting{seq, now, now}
		return false
	}
	s.last = now
	g.list[to] = s
	return now.Sub(s.first) >= g.lease
}

func (g *sightings) forget(to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.list, to)
}

// tidy forgets what was not seen for long.
func (g *sightings) tidy() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for to, s := range g.list {
		if time.Since(s.last) > 10*g.lease {
			delete(g.list, to)
		}
	}
}

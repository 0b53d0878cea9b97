package redis

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// retryEvery is how often Redis is tried while it is out of reach.
const retryEvery = time.Second

// gate keeps callers from waiting for a Redis that is out of reach: one call tries, all others fail at once.
type gate struct {
	log *slog.Logger

	mu    sync.Mutex
	err   error // nil while Redis answers
	retry time.Time
}

// check returns why Redis is out of reach, unless it is time to try again.
func (g *gate) check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.retry) {
		return g.err
	}
	return nil
}

// enter is check for somebody who is going to try: all others are kept out meanwhile.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.err != nil && now.Before(g.retry) {
		return g.err
	}
	if g.err != nil {
		g.retry = now.Add(retryEvery)
	}
	return nil
}

// shut notes that a call failed.
func (g *gate) shut(err error) {
	g.mu.Lock()
	first := g.err == nil
	g.err, g.retry = err, time.Now().Add(retryEvery)
	g.mu.Unlock()
	if first {
		g.log.Error("the lock store is out of reach", "err", err)
	}
}

// opened notes that Redis answered.
func (g *gate) opened() {
	g.mu.Lock()
	was := g.err
	g.err, g.retry = nil, time.Time{}
	g.mu.Unlock()
	if was != nil {
		g.log.Info("the lock store answers again")
	}
}

// pause returns how long to wait after a call that failed.
func (g *gate) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(time.Until(g.retry), 0) + time.Millisecond + rand.N(pollEvery)
}

// Package memory keeps timers in the memory of the process: for tracker stores that lose their conversations with it, too.
package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parleybot/parley/stores"
)

// Timers is a stores.Timers in memory.
type Timers struct {
	mu     sync.Mutex
	timers map[key]*entry
}

type key struct{ senderID, name string }

type entry struct {
	timer stores.Timer
	// free is when the timer may be claimed.
	free time.Time
}

var _ stores.Timers = (*Timers)(nil)

// New returns a store without timers.
func New() *Timers { return &Timers{timers: make(map[key]*entry)} }

// Set implements stores.Timers.
func (s *Timers) Set(_ context.Context, t stores.Timer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Attempt = 0
	s.timers[key{t.SenderID, t.Name}] = &entry{t, t.Due}
	return nil
}

// List implements stores.Timers.
func (s *Timers) List(_ context.Context, senderID string) ([]stores.Timer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []stores.Timer
	for k, e := range s.timers {
		if k.senderID == senderID {
			list = append(list, e.timer)
		}
	}
	slices.SortFunc(list, func(a, b stores.Timer) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Remove implements stores.Timers.
func (s *Timers) Remove(_ context.Context, t stores.Timer) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{t.SenderID, t.Name}
	if e := s.timers[k]; e == nil || e.timer.ID != t.ID {
		return false, nil
	}
	delete(s.timers, k)
	return true, nil
}

// Claim implements stores.Timers.
func (s *Timers) Claim(_ context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*entry
	for _, e := range s.timers {
		if !e.free.After(now) {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b *entry) int { return a.free.Compare(b.free) })
	var claimed []stores.Timer
	for _, e := range due[:min(limit, len(due))] {
		e.free = now.Add(lease)
		e.timer.Attempt++
		claimed = append(claimed, e.timer)
	}
	return claimed, nil
}

// Next implements stores.Timers.
func (s *Timers) Next(context.Context) (due time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.timers {
		if !ok || e.free.Before(due) {
			due, ok = e.free, true
		}
	}
	return due, ok, nil
}

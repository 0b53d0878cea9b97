// Package memory holds conversation locks in the memory of the process: the default lock store, for single servers.
// A lock is handed on in the order of asking, like Rasa's TicketLock (rasa/core/lock.py, 3.6.21), but the next in the queue
// is woken at once instead of looking every second. Nothing is kept of conversations that nobody locks.
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Locks.Register(component.Spec{
		Name:    "in_memory",
		Summary: "Holds conversation locks in the memory of the process.",
		Source:  "rasa/core/lock_store.py InMemoryLockStore",
	}, func(component.Config) (stores.Locker, error) { return New(), nil })
}

const shardCount = 64

// Locks is a stores.Locker in memory.
type Locks struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	mu    sync.Mutex
	queue map[string]*queue // an entry exists while a conversation is locked
}

// queue is one conversation's lock.
type queue struct {
	owner   *ticket
	waiting []*ticket
}

// ticket is one call of Lock.
type ticket struct {
	ready chan struct{} // closed when the ticket's turn comes; nil for one that never waited
}

var _ stores.Locker = (*Locks)(nil)

// New returns a Locker without locks.
func New() *Locks {
	l := &Locks{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].queue = make(map[string]*queue)
	}
	return l
}

func (l *Locks) shard(senderID string) *shard {
	return &l.shards[maphash.String(l.seed, senderID)%shardCount]
}

// Lock implements stores.Locker. Calling unlock again does nothing.
func (l *Locks) Lock(ctx context.Context, senderID string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, notAcquired(senderID, err)
	}
	sh := l.shard(senderID)
	own := &ticket{}
	unlock = func() { sh.handOn(senderID, own) }

	sh.mu.Lock()
	q := sh.queue[senderID]
	if q == nil {
		sh.queue[senderID] = &queue{owner: own}
		sh.mu.Unlock()
		return unlock, nil
	}
	own.ready = make(chan struct{})
	q.waiting = append(q.waiting, own)
	sh.mu.Unlock()

	select {
	case <-own.ready:
		return unlock, nil
	case <-ctx.Done():
		sh.leave(senderID, own)
		return nil, notAcquired(senderID, context.Cause(ctx))
	}
}

func notAcquired(senderID string, cause error) error {
	return fmt.Errorf("waiting for the lock of %q: %w: %w", senderID, stores.ErrLockNotAcquired, cause)
}

// handOn gives the lock to the next in the queue if own has it.
func (sh *shard) handOn(senderID string, own *ticket) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	q := sh.queue[senderID]
	if q == nil || q.owner != own {
		return
	}
	sh.next(senderID, q)
}

// next takes the lock from whoever has it.
func (sh *shard) next(senderID string, q *queue) {
	if len(q.waiting) == 0 {
		delete(sh.queue, senderID)
		return
	}
	q.owner = q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	close(q.owner.ready)
}

// leave takes own out of the queue; if its turn came meanwhile, the lock is handed on.
func (sh *shard) leave(senderID string, own *ticket) {
	sh.mu.Lock()
	if q := sh.queue[senderID]; q != nil {
		q.waiting = slices.DeleteFunc(q.waiting, func(t *ticket) bool { return t == own })
	}
	sh.mu.Unlock()
	sh.handOn(senderID, own)
}

// Delete implements stores.Locker. The next in the queue gets the lock.
func (l *Locks) Delete(_ context.Context, senderID string) (bool, error) {
	sh := l.shard(senderID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	q := sh.queue[senderID]
	if q == nil {
		return false, nil
	}
	sh.next(senderID, q)
	return true, nil
}

// Close implements stores.Locker. There is nothing to release.
func (l *Locks) Close() error { return nil }

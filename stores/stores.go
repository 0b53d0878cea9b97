// Package stores holds the contracts of everything a node keeps elsewhere: conversations, locks and event brokers.
// Each contract has a folder with one package a back end; storetest holds the suite that each of them passes.
package stores

import (
	"context"
	"errors"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
)

// ErrLockNotAcquired is returned when a conversation's lock could not be had in time.
var ErrLockNotAcquired = errors.New("lock not acquired")

// TrackerStore keeps conversations. Implementations are safe for concurrent use; calls for one conversation are
// serialised by its Lock.
type TrackerStore interface {
	// Load returns the last session of a conversation, nil when the store has none. The tracker is made by f and the
	// caller's own: what it does to it is not visible to others before Save.
	Load(ctx context.Context, f *tracker.Factory, senderID string) (*tracker.Tracker, error)
	// LoadAll is Load with all sessions that the store kept.
	LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (*tracker.Tracker, error)
	// Save stores t, whose first known events were there when it was loaded (0 for a new conversation). A store that
	// holds another number of events for this session may refuse.
	Save(ctx context.Context, t *tracker.Tracker, known int) error
	// Keys returns the ids of all conversations, in no order.
	Keys(ctx context.Context) ([]string, error)
	// Close releases what the store holds.
	Close() error
}

// Locker hands out one lock a conversation, in the order of asking.
type Locker interface {
	// Lock waits until it is the caller's turn for senderID and returns the function that hands the lock on. The error
	// wraps ErrLockNotAcquired when ctx ends first.
	Lock(ctx context.Context, senderID string) (unlock func(), err error)
	// Close releases what the locker holds.
	Close() error
}

// Broker receives every event of every conversation, in order for each of them.
type Broker interface {
	// Publish sends the events that a turn added.
	Publish(ctx context.Context, senderID string, events []tracker.Event) error
	// Close flushes and releases the connection.
	Close() error
}

// Trackers, Locks and Brokers are the back ends that endpoints.yml can name under tracker_store, lock_store and
// event_broker.
var (
	Trackers = component.NewRegistry[TrackerStore]("tracker store")
	Locks    = component.NewRegistry[Locker]("lock store")
	Brokers  = component.NewRegistry[Broker]("event broker")
)

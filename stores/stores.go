// Package stores holds the contracts of everything a node keeps elsewhere: conversations, their locks, timers and
// inboxes, and the brokers that are told of events. Each contract has a folder with one package a back end; storetest holds
// the suite that each of them passes.
//
// What a node promises rests on two of them. The write of a turn is conditional: it is refused when the conversation
// went on meanwhile, so that no lock has to be right for a conversation to be. And what a turn sets off elsewhere (broker
// events, timers) is noted in the same write, so that any node can finish what another began.
package stores

import (
	"errors"

	"github.com/parleybot/parley/component"
)

// What callers branch on.
var (
	// ErrLockNotAcquired is returned when a conversation's lock could not be had in time.
	ErrLockNotAcquired = errors.New("lock not acquired")
	// ErrConflict is returned by a write to a conversation that went on since it was loaded. Nothing was written.
	ErrConflict = errors.New("the conversation went on meanwhile")
	// ErrUnavailable is wrapped by errors of a back end that cannot be reached, does not answer or is not able to at the
	// moment: the same call may succeed later. After a write it is unknown whether it took place.
	ErrUnavailable = errors.New("store unavailable")
)

// The back ends that endpoints.yml can name under tracker_store, lock_store, event_broker and inbox.
var (
	Trackers = component.NewRegistry[TrackerStore]("tracker store")
	Locks    = component.NewRegistry[Locker]("lock store")
	Brokers  = component.NewRegistry[Broker]("event broker")
	Inboxes  = component.NewRegistry[Inbox]("inbox")
)

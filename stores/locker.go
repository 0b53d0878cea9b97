package stores

import "context"

// Locker hands out one lock a conversation, in the order of asking. It makes turns of one conversation rare to collide and
// keeps their order; that none is lost when they do collide is the TrackerStore's part.
type Locker interface {
	// Lock waits until it is the caller's turn for senderID and returns the function that hands the lock on. While it is
	// held it is renewed. The error wraps ErrLockNotAcquired when ctx ends first or the wait took longer than the back end
	// allows, and ErrUnavailable when the back end is out of reach: then the caller may go on without.
	Lock(ctx context.Context, senderID string) (unlock func(), err error)
	// Delete removes what is stored of a conversation's lock, whoever holds it, and reports whether there was any.
	Delete(ctx context.Context, senderID string) (bool, error)
	// Close releases what the locker holds.
	Close() error
}

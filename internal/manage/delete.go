package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// The parts of a proof.
const (
	partTracker = "tracker_store"
	partNotes   = "outbox"
	partBrokers = "event_broker"
	partTimers  = "timers"
	partInbox   = "inbox"
	partLock    = "lock_store"
)

// Proof tells what became of a conversation that was to be deleted.
type Proof struct {
	SenderID string
	// Time is when it was done.
	Time time.Time
	// Events is how many events were read before, SHA256 their Hash.
	Events int
	SHA256 string
	// Removed counts what was removed by part; parts that are not there are missing.
	Removed *value.Map
	// Left counts what was found when everything was read back. Verified is true when that is nothing and all went well.
	Left     *value.Map
	Verified bool

	errs   []error
	failed *value.Map
}

// Err returns what failed, nil when nothing did. It wraps stores.ErrUnavailable or stores.ErrLockNotAcquired when another
// call may succeed.
func (p *Proof) Err() error { return errors.Join(p.errs...) }

// JSON returns the proof as an object.
func (p *Proof) JSON() *value.Map {
	var hash any
	if p.SHA256 != "" {
		hash = p.SHA256
	}
	m := value.NewMap("sender_id", p.SenderID, "time", p.Time.UTC().Format(time.RFC3339Nano), "events", int64(p.Events),
		"sha256", hash, "removed", p.Removed, "left", p.Left, "verified", p.Verified)
	if p.failed.Len() > 0 {
		m.Set("errors", p.failed)
	}
	return m
}

func (p *Proof) fail(part string, err error) {
	p.errs = append(p.errs, err)
	text := err.Error()
	if known := p.failed.String(part); known != "" {
		text = known + "; " + text
	}
	p.failed.Set(part, text)
}

func (p *Proof) remove(part string, n int, err error) {
	if err != nil {
		p.fail(part, err)
	}
	known, _ := p.Removed.Value(part).(int64)
	p.Removed.Set(part, known+int64(n))
}

func (p *Proof) found(part string, n int, err error) {
	if err != nil {
		p.fail(part, fmt.Errorf("reading back: %w", err))
		return
	}
	if n > 0 {
		known, _ := p.Left.Value(part).(int64)
		p.Left.Set(part, known+int64(n))
	}
}

// Delete removes a conversation and all that belongs to it, reads everything back and returns what it found. It waits for a
// turn under way. When the tracker store cannot delete, nothing else is touched. Deleting again, or what never was, is not
// an error.
func (m *Manager) Delete(ctx context.Context, senderID string) *Proof {
	p, _ := m.deleteIf(ctx, senderID, nil)
	return p
}

// deleteIf deletes a conversation if it is wanted when no turn can change it any more.
func (m *Manager) deleteIf(ctx context.Context, senderID string, wanted func(t *tracker.Tracker) bool) (p *Proof, done bool) {
	p = &Proof{SenderID: senderID, Time: m.cfg.Now(), Removed: &value.Map{}, Left: &value.Map{}, failed: &value.Map{}}
	unlock, err := m.lock(ctx, senderID)
	if err != nil {
		p.fail(partLock, err)
		if !errors.Is(err, stores.ErrUnavailable) {
			return p, true
		}
	}
	defer unlock()
	c, err := stores.LoadKept(ctx, m.cfg.Store, m.factory(), senderID)
	if err != nil {
		p.fail(partTracker, fmt.Errorf("reading the conversation: %w", err))
		if errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil || wanted != nil {
			return p, true
		}
	}
	if wanted != nil && (c.Tracker == nil || !wanted(c.Tracker)) {
		return p, false
	}
	if c.Tracker != nil {
		p.Events, p.SHA256 = len(c.Tracker.Events()), Hash(c.Tracker.Events())
	}
	n, err := m.cfg.Store.Delete(ctx, senderID)
	if p.remove(partTracker, n, err); err != nil {
		return p, true
	}
	m.deleteRest(ctx, p)
	m.readBack(ctx, p)
	m.deleteLock(ctx, p)
	p.Verified = len(p.errs) == 0 && p.Left.Len() == 0
	return p, true
}

// lock keeps turns away. unlock is never nil.
func (m *Manager) lock(ctx context.Context, senderID string) (unlock func(), err error) {
	if m.cfg.Locks == nil {
		return func() {}, nil
	}
	waiting, cancel := context.WithTimeout(ctx, m.cfg.LockTimeout)
	defer cancel()
	unlock, err = m.cfg.Locks.Lock(waiting, senderID)
	if err != nil {
		return func() {}, err
	}
	return unlock, nil
}

// deleteRest removes what other parts have of a conversation. What is still to be delivered goes before timers, because
// it may set some.
func (m *Manager) deleteRest(ctx context.Context, p *Proof) {
	if m.cfg.Forget != nil {
		err := m.cfg.Forget(ctx, p.SenderID)
		if err != nil {
			p.fail(partBrokers, err)
		}
		p.Removed.Set(partBrokers, value.NewMap("told", err == nil))
	}
	if m.cfg.Timers != nil {
		n, err := m.deleteTimers(ctx, p.SenderID)
		p.remove(partTimers, n, err)
	}
	if m.cfg.Inbox != nil {
		n, err := m.cfg.Inbox.Delete(ctx, p.SenderID)
		p.remove(partInbox, n, err)
	}
}

func (m *Manager) deleteTimers(ctx context.Context, senderID string) (int, error) {
	list, err := m.cfg.Timers.List(ctx, senderID)
	if err != nil {
		return 0, fmt.Errorf("listing timers: %w", err)
	}
	n := 0
	for _, t := range list {
		removed, err := m.cfg.Timers.Remove(ctx, t)
		if err != nil {
			return n, fmt.Errorf("removing timer %q: %w", t.Name, err)
		}
		if removed {
			n++
		}
	}
	return n, nil
}

// readBack looks for anything that is left.
func (m *Manager) readBack(ctx context.Context, p *Proof) {
	// Load is asked as well: it knows of turns that wait on disk.
	kept := func(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
		return stores.LoadKept(ctx, m.cfg.Store, f, senderID)
	}
	for _, load := range []func(context.Context, *tracker.Factory, string) (stores.Conversation, error){kept, m.cfg.Store.Load} {
		c, err := load(ctx, m.factory(), p.SenderID)
		n := 0
		if c.Tracker != nil {
			n = max(1, len(c.Tracker.Events()))
		}
		if p.found(partTracker, n, err); err != nil || n > 0 {
			break
		}
	}
	if m.cfg.Notes != nil {
		notes, err := m.cfg.Notes.UnsettledOf(ctx, p.SenderID)
		p.found(partNotes, len(notes), err)
	}
	if m.cfg.Timers != nil {
		list, err := m.cfg.Timers.List(ctx, p.SenderID)
		p.found(partTimers, len(list), err)
	}
	if m.cfg.Inbox != nil {
		n, err := m.cfg.Inbox.Delete(ctx, p.SenderID)
		p.found(partInbox, n, err)
	}
}

// deleteLock removes the lock, which is held for the deletion. It has no more to be read back: a message that waited for
// it may have it by now, and begins a new conversation.
func (m *Manager) deleteLock(ctx context.Context, p *Proof) {
	if m.cfg.Locks == nil {
		return
	}
	was, err := m.cfg.Locks.Delete(ctx, p.SenderID)
	n := 0
	if was {
		n = 1
	}
	p.remove(partLock, n, err)
}

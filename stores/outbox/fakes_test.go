package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

var errAway = fmt.Errorf("gone fishing: %w", stores.ErrUnavailable)

// store keeps notes of commits like a tracker store.
type store struct {
	stores.TrackerStore
	mu      sync.Mutex
	notes   []stores.Commit
	fail    func() bool // whether the next call fails
	settles int
	reads   int
}

func (s *store) failing() bool { return s.fail != nil && s.fail() }

// commit stores a commit of one event and returns what Deliver is to be given.
func (s *store) commit(senderID, id string) (c stores.Commit, after []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notes {
		if n.SenderID == senderID {
			after = append(after, n.ID)
		}
	}
	c = stores.Commit{SenderID: senderID, ID: id, Time: time.Now(),
		Events: []tracker.Event{&tracker.BotUttered{Text: id}}}
	s.notes = append(s.notes, c)
	return c, after
}

func (s *store) Unsettled(_ context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.failing() {
		return nil, errAway
	}
	var list []stores.Commit
	for _, n := range s.notes {
		if n.Time.Before(before) && len(list) < limit {
			list = append(list, n)
		}
	}
	return list, nil
}

func (s *store) UnsettledOf(_ context.Context, senderID string) ([]stores.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.failing() {
		return nil, errAway
	}
	var list []stores.Commit
	for _, n := range s.notes {
		if n.SenderID == senderID {
			list = append(list, n)
		}
	}
	return list, nil
}

func (s *store) Settle(_ context.Context, done []stores.CommitRef) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settles++
	if s.failing() {
		return errAway
	}
	s.notes = slices.DeleteFunc(s.notes, func(c stores.Commit) bool {
		return slices.Contains(done, stores.CommitRef{SenderID: c.SenderID, ID: c.ID})
	})
	return nil
}

func (s *store) unsettled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.notes)
}

// memory is a store without notes.
type memory struct{ stores.TrackerStore }

// broker notes the ids of what it took, by conversation.
type broker struct {
	mu       sync.Mutex
	calls    int
	got      map[string][]string
	forgot   []string
	fail     func() error
	takes    time.Duration
	biggest  int
	inFlight int
}

func (b *broker) Publish(ctx context.Context, list []stores.Publication) error {
	b.mu.Lock()
	b.inFlight++
	if b.inFlight > 1 {
		panic("two calls at once")
	}
	b.mu.Unlock()
	defer func() { b.mu.Lock(); b.inFlight--; b.mu.Unlock() }()
	if b.takes > 0 {
		select {
		case <-time.After(b.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.biggest = max(b.biggest, len(list))
	var err error
	if b.fail != nil {
		err = b.fail()
	}
	if err != nil {
		list = list[:rand.IntN(len(list)+1)] // a part may have arrived all the same
	}
	for _, p := range list {
		if b.got == nil {
			b.got = map[string][]string{}
		}
		b.got[p.SenderID] = append(b.got[p.SenderID], p.ID)
	}
	return err
}

func (b *broker) Forget(_ context.Context, senderID string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgot = append(b.forgot, senderID)
	if b.fail != nil {
		return b.fail()
	}
	return nil
}

func (b *broker) Close() error { return nil }

func (b *broker) setFail(f func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = f
}

// all returns everything of a conversation, firsts leaves repetitions out.
func (b *broker) all(senderID string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got[senderID])
}

func (b *broker) firsts(senderID string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(b.all(senderID), func(id string) bool {
		defer func() { seen[id] = true }()
		return seen[id]
	})
}

func down() error { return errAway }

func targets(list ...*broker) []Target {
	var out []Target
	for i, b := range list {
		out = append(out, Target{Name: fmt.Sprint("broker ", i), Broker: b})
	}
	return out
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}

// in runs a test with told time, on an outbox that is closed at the end.
func in(t *testing.T, cfg Config, run func(t *testing.T, o *Outbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := New(cfg)
		run(t, o)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		require.NoError(t, o.Close(ctx))
	})
}

// after lets time pass until everything that is due has happened.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// lock is a locker whose outcome is set.
type lock struct {
	err   error
	taken int
}

func (l *lock) Lock(context.Context, string) (func(), error) {
	l.taken++
	return func() {}, l.err
}
func (l *lock) Delete(context.Context, string) (bool, error) { return false, nil }
func (l *lock) Close() error                                 { return nil }

var errNotThisTime = errors.New("not this time")

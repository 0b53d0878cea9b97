// Package redis holds conversation locks in Redis, beside real Rasa nodes that use the same ones: keys and values are those
// of RedisLockStore (rasa/core/lock_store.py and rasa/core/lock.py, 3.6.21).
//
// A lock is a list of tickets, served in order. Whoever wants it appends a ticket and waits until it is the first. Rasa
// reads the list, changes it and writes it back, and looks again every second. Here one script does all of it at once
// (step.lua), one call of it for all that a node has to do about a conversation at a time:
//
//   - A node's tickets for a conversation are a line. Locking a free conversation is one round trip, unlocking another;
//     as soon as somebody waits, or a ticket has to be renewed, a goroutine serves the line.
//   - Tickets last a short lease and are renewed while a turn runs or waits, so that a node that died is passed over soon.
//   - Unlocking wakes the next: in the same process directly, in another by publish/subscribe, and a Rasa node looks
//     by itself. What nothing tells of is found by looking every 50 ms.
//   - The clock is that of Redis, so those of parley's nodes need not agree. Rasa's nodes compare with theirs.
//   - When Redis is out of reach, locks that are held stay held as far as this node is concerned, and their tickets are
//     brought back when Redis is.
//
// A Rasa node may overwrite what happened between its reading and writing. Tickets lost that way get their places back,
// but two turns may run at once meanwhile; the conditional write of the tracker store is there for that.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// What the options are by default.
const (
	DefaultLease = 5 * time.Second
	// DefaultMaxWait is the lifetime of Rasa's tickets (rasa/core/constants.py DEFAULT_LOCK_LIFETIME): a message that
	// waited that long is given up there, too.
	DefaultMaxWait = time.Minute
)

// maxCall bounds how long a call of Redis may take with long leases.
const maxCall = 5 * time.Second

func init() {
	stores.Locks.Register(component.Spec{
		Name:    "redis",
		Summary: "Holds conversation locks in Redis, for several nodes, Rasa's among them.",
		Source:  "rasa/core/lock_store.py RedisLockStore",
		Fields: append(redisclient.Fields(1),
			component.Field{Name: "lease", Kind: component.Float, Default: DefaultLease.Seconds(),
				Doc: "Seconds after which a node that died, or cannot reach Redis, loses its locks; they are renewed at a third of it. Not in Rasa."},
			component.Field{Name: "max_wait", Kind: component.Float,
				Doc: "Seconds that a message waits for its conversation's lock before it is given up. Default: 60, or TICKET_LOCK_LIFETIME of the environment. Not in Rasa."},
		),
	}, build)
}

func build(cfg component.Config) (stores.Locker, error) {
	var o struct {
		Lease   float64  `option:"lease"`
		MaxWait *float64 `option:"max_wait"`
	}
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	const most = 24 * 60 * 60
	if !(o.Lease >= 0.5 && o.Lease <= most) {
		return nil, cfg.OptionError("lease", "must be from 0.5 to %d seconds, not %v", most, o.Lease)
	}
	opt := Options{Lease: seconds(o.Lease), MaxWait: rasasLifetime(), Logger: cfg.Env.Logger}
	if o.MaxWait != nil {
		if !(*o.MaxWait > 0 && *o.MaxWait <= most) {
			return nil, cfg.OptionError("max_wait", "must be above 0 and at most %d seconds, not %v", most, *o.MaxWait)
		}
		opt.MaxWait = seconds(*o.MaxWait)
	}
	client, err := redisclient.New(cfg)
	if err != nil {
		return nil, err
	}
	return New(client, opt), nil
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// rasasLifetime is _get_lock_lifetime of Rasa. What Rasa would not start with counts as nothing.
func rasasLifetime() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("TICKET_LOCK_LIFETIME")); err == nil && n > 0 && n < 1e9 {
		return time.Duration(n) * time.Second
	}
	return DefaultMaxWait
}

// Options are what New may be told.
type Options struct {
	// Lease is how long a ticket lasts that is not renewed. Default: DefaultLease.
	Lease time.Duration
	// MaxWait bounds the wait for a lock. Default: DefaultMaxWait.
	MaxWait time.Duration
	// Logger is told of locks that were lost and of outages. Default: none.
	Logger *slog.Logger
}

// Locks is a stores.Locker in Redis. It is safe for concurrent use.
type Locks struct {
	client  *redisclient.Client
	channel string
	log     *slog.Logger
	lease   time.Duration
	maxWait time.Duration
	// callLimit bounds one call of Redis: a renewal may fail once and come in time yet.
	callLimit time.Duration
	gate      gate
	clock     clock

	mu    sync.Mutex
	lines map[string]*line // by key; a line is there while it has tickets
	news  *redis.PubSub    // nil until the first lock
	// rasaSeen is when this node saw a ticket of Rasa's last.
	rasaSeen time.Time
	closed   bool
	closing  chan struct{}
	running  sync.WaitGroup
}

var _ stores.Locker = (*Locks)(nil)

// New returns a Locker over client, which it closes with itself. It does not connect.
func New(client *redisclient.Client, o Options) *Locks {
	l := &Locks{client: client, log: o.Logger, lease: o.Lease, maxWait: o.MaxWait, lines: map[string]*line{}, closing: make(chan struct{})}
	if l.lease <= 0 {
		l.lease = DefaultLease
	}
	if l.maxWait <= 0 {
		l.maxWait = DefaultMaxWait
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.callLimit = min(l.lease/3, maxCall)
	l.gate.log, l.clock.log = l.log, l.log
	// Channels are common to all databases of a server.
	l.channel = fmt.Sprintf("parley:%slock:%d", client.Prefix, database(client))
	return l
}

func database(client *redisclient.Client) int {
	if c, ok := client.UniversalClient.(*redis.Client); ok {
		return c.Options().DB
	}
	return 0
}

func (l *Locks) key(senderID string) string { return l.client.Prefix + "lock:" + senderID }

// Lock implements stores.Locker. unlock returns when Redis knows, or after a quarter of a second without an answer;
// calling it again does nothing.
func (l *Locks) Lock(ctx context.Context, senderID string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, notAcquired(senderID, err)
	}
	if err := l.gate.check(); err != nil {
		return nil, unavailable("locking", senderID, err)
	}
	n, t, mine, err := l.ask(senderID)
	if err != nil {
		return nil, notAcquired(senderID, err)
	}
	if mine {
		l.serve(ctx, n)
	}
	if t.granted() { // most are: no timer is needed
		return l.outcome(n, t)
	}
	limit := time.NewTimer(l.maxWait)
	defer limit.Stop()
	select {
	case <-t.ready:
		return l.outcome(n, t)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-limit.C:
		err = fmt.Errorf("it took more than %s", l.maxWait)
	}
	l.leave(n, t)
	return nil, notAcquired(senderID, err)
}

// outcome returns what Lock returns of a ticket that is ready.
func (l *Locks) outcome(n *line, t *ticket) (unlock func(), err error) {
	if t.err != nil {
		return nil, t.err
	}
	return func() { l.unlock(n, t) }, nil
}

func notAcquired(senderID string, cause error) error {
	return fmt.Errorf("waiting for the lock of %q: %w: %w", senderID, stores.ErrLockNotAcquired, cause)
}

func unavailable(step, senderID string, cause error) error {
	return fmt.Errorf("%s %q: %w: %w", step, senderID, stores.ErrUnavailable, cause)
}

// errClosed is the cause of errors after Close.
var errClosed = errors.New("the lock store is closed")

// ask queues a ticket. mine tells that the line is new and the caller has to serve it.
func (l *Locks) ask(senderID string) (n *line, t *ticket, mine bool, err error) {
	key := l.key(senderID)
	t = newTicket()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, false, errClosed
	}
	if l.news == nil {
		l.news = l.client.Subscribe(context.Background())
		l.running.Go(func() { l.listen(l.news) })
	}
	if n := l.lines[key]; n != nil {
		n.tickets = append(n.tickets, t)
		n.signal()
		return n, t, false, nil
	}
	n = &line{locks: l, senderID: senderID, key: key, wake: make(chan struct{}, 1), tickets: []*ticket{t}, answered: time.Now()}
	l.lines[key] = n
	n.served = true
	l.running.Add(1)
	return n, t, true, nil
}

// serve asks for the first ticket of a new line, in the caller's goroutine: that costs half of what two need. A caller
// without the time to wait for Redis has it done.
func (l *Locks) serve(ctx context.Context, n *line) {
	defer l.running.Done()
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < l.callLimit {
		l.mu.Lock()
		n.start(0)
		l.mu.Unlock()
		return
	}
	n.once(l.callLimit)
}

// leave takes a ticket out of its line; if it got the lock meanwhile, that is handed on.
func (l *Locks) leave(n *line, t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.drop(t) {
		n.signal()
	}
}

// unlockLimit bounds how long unlock waits for Redis. Waiting is for Rasa nodes: one that finds the ticket still there
// when the user's next message comes looks again a second later.
const unlockLimit = 250 * time.Millisecond

func (l *Locks) unlock(n *line, t *ticket) {
	l.mu.Lock()
	if t.state != held {
		l.mu.Unlock()
		return
	}
	n.drop(t)
	if !n.served {
		n.served = true
		n.rest.Stop()
		l.running.Add(1)
		l.mu.Unlock()
		defer l.running.Done()
		n.once(unlockLimit)
		return
	}
	n.signal()
	l.mu.Unlock()
	limit := time.NewTimer(unlockLimit)
	defer limit.Stop()
	select {
	case <-t.gone:
	case <-limit.C:
	}
}

// Delete implements stores.Locker. Nodes that hold the lock are told and don't bring it back; those who wait get it.
func (l *Locks) Delete(ctx context.Context, senderID string) (bool, error) {
	key := l.key(senderID)
	ctx, cancel := context.WithTimeout(ctx, l.callLimit)
	defer cancel()
	n, err := deleteScript.Run(ctx, l.client, []string{key}, l.channel).Int64Slice()
	if err == nil && len(n) != 2 {
		err = errShape
	}
	if err != nil {
		if redisclient.Unavailable(err) {
			return false, unavailable("deleting the lock of", senderID, err)
		}
		return false, fmt.Errorf("deleting the lock of %q: %w", senderID, err)
	}
	l.disown(key, n[1])
	return n[0] > 0, nil
}

// Ping asks Redis for its time, and warns when this node's is far from it. Locks don't depend on that, but what
// else compares the times of nodes does.
func (l *Locks) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.callLimit)
	defer cancel()
	began := time.Now()
	t, err := l.client.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("asking Redis for the time: %w: %w", stores.ErrUnavailable, err)
	}
	l.clock.set(began, time.Now(), t.UnixMicro())
	return nil
}

// Close implements stores.Locker: who waits gets an error that wraps ErrLockNotAcquired, and what is held is released.
func (l *Locks) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.closing)
	for _, n := range l.lines {
		n.close()
		n.signal()
	}
	news := l.news
	l.mu.Unlock()
	var errs []error
	if news != nil {
		errs = append(errs, news.Close())
	}
	l.running.Wait()
	return errors.Join(append(errs, l.client.Close())...)
}

// conversationID returns the JSON of an id, as Python writes it.
func conversationID(senderID string) string { return string(value.Encode(senderID, value.JSON)) }

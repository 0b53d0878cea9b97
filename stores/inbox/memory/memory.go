// Package memory is the inbox in the memory of the process, for trying things out and for tests: the process's end loses
// what was accepted and not handled. What else an inbox promises it keeps.
package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Inboxes.Register(component.Spec{
		Name:    "in_memory",
		Summary: "Keeps accepted messages in the memory of the process: they are lost with it.",
		Fields: []component.Field{
			{Name: "duplicate_window", Kind: component.Float, Default: 600.0, Doc: "For how many seconds a message's id is remembered to drop it when it is delivered again."},
			{Name: "concurrency", Kind: component.Int, Default: int64(64), Doc: "How many conversations are handled at a time."},
			{Name: "max_attempts", Kind: component.Int, Default: int64(20), Doc: "After how many failures a message is given up so that its conversation goes on; 0 for never. The wait between attempts grows from a quarter of a second to half a minute. A message is not blamed for a store that cannot be reached, nor for a lock."},
		},
	}, build)
}

type settings struct {
	DuplicateWindow float64 `option:"duplicate_window"`
	Concurrency     int     `option:"concurrency"`
	MaxAttempts     int     `option:"max_attempts"`
}

func build(cfg component.Config) (stores.Inbox, error) {
	var s settings
	if err := cfg.Decode(&s); err != nil {
		return nil, err
	}
	switch {
	case !(s.DuplicateWindow > 0 && s.DuplicateWindow <= 1e6):
		return nil, cfg.OptionError("duplicate_window", "must be a number of seconds above 0")
	case s.Concurrency < 1:
		return nil, cfg.OptionError("concurrency", "must be at least 1")
	case s.MaxAttempts < 0:
		return nil, cfg.OptionError("max_attempts", "must not be negative")
	}
	return New(Config{
		DuplicateWindow: time.Duration(s.DuplicateWindow * float64(time.Second)), Concurrency: s.Concurrency,
		MaxAttempts: cmp.Or(s.MaxAttempts, -1),
	}, cfg.Env), nil
}

// Config is how an Inbox works. The zero value of a field stands for its default.
type Config struct {
	// DuplicateWindow is for how long ids are remembered. Default: 10 minutes.
	DuplicateWindow time.Duration
	// Concurrency bounds the conversations that one Run handles at a time. Default: 64.
	Concurrency int
	// MaxAttempts is how many failures are a message's last, negative for without end. Default: 20.
	MaxAttempts int
	// MinBackoff and MaxBackoff bound the wait after a failure. Default: 250 ms, 30 s.
	MinBackoff, MaxBackoff time.Duration
}

// maxUnavailable bounds the wait after a failure that is not the message's own.
const maxUnavailable = 3 * time.Second

// Inbox is a stores.Inbox in memory. Several Run may share it.
type Inbox struct {
	cfg Config
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	queues map[string]*queue // of conversations with messages
	// ready are conversations whose first message may be handled, change is closed when there are more of them.
	ready  []string
	change chan struct{}
	seen   map[id]time.Time
	// oldest are the keys of seen in the order of their times.
	oldest []id
}

type id struct{ channel, id string }

type queue struct {
	messages []stores.Envelope
	failures int // of the first message
}

// begins reports whether m is the first message; Delete may have removed it.
func (q *queue) begins(m stores.Envelope) bool {
	return len(q.messages) > 0 && q.messages[0].ID == m.ID && q.messages[0].Channel == m.Channel
}

var _ stores.Inbox = (*Inbox)(nil)

// New returns an inbox without messages.
func New(cfg Config, env component.Env) *Inbox {
	env = env.WithDefaults()
	cfg.DuplicateWindow = cmp.Or(cfg.DuplicateWindow, 10*time.Minute)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 64)
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, 20)
	cfg.MinBackoff = cmp.Or(cfg.MinBackoff, 250*time.Millisecond)
	cfg.MaxBackoff = cmp.Or(cfg.MaxBackoff, 30*time.Second)
	return &Inbox{cfg: cfg, log: env.Logger, now: env.Now, queues: make(map[string]*queue), change: make(chan struct{}), seen: make(map[id]time.Time)}
}

// Put implements stores.Inbox.
func (in *Inbox) Put(_ context.Context, m stores.Envelope) (duplicate bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.ID == "" {
		m.ID = rand.Text()
	} else if in.known(id{m.Channel, m.ID}) {
		return true, nil
	}
	m.Attempt = 0
	q := in.queues[m.SenderID]
	if q == nil {
		q = &queue{}
		in.queues[m.SenderID] = q
		in.offer(m.SenderID)
	}
	q.messages = append(q.messages, m)
	return false, nil
}

// known reports whether a message was put within the window, and remembers it.
func (in *Inbox) known(key id) bool {
	now := in.now()
	for len(in.oldest) > 0 && now.Sub(in.seen[in.oldest[0]]) > in.cfg.DuplicateWindow {
		delete(in.seen, in.oldest[0])
		in.oldest = in.oldest[1:]
	}
	if _, ok := in.seen[key]; ok {
		return true
	}
	in.seen[key] = now
	in.oldest = append(in.oldest, key)
	return false
}

// offer makes a conversation ready. in.mu is held.
func (in *Inbox) offer(senderID string) {
	in.ready = append(in.ready, senderID)
	close(in.change)
	in.change = make(chan struct{})
}

// Run implements stores.Inbox. It returns nil when ctx has ended and the messages that were being handled are.
func (in *Inbox) Run(ctx context.Context, handle func(ctx context.Context, m stores.Envelope) error) error {
	slots := make(chan struct{}, in.cfg.Concurrency)
	var workers sync.WaitGroup
	defer workers.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		m, ok := in.take(ctx)
		if !ok {
			return nil
		}
		workers.Go(func() {
			in.settle(ctx, m, call(ctx, handle, m))
			<-slots
		})
	}
}

// take waits for a message to be handled; its conversation is not ready then until settle. ok is false when ctx ended.
func (in *Inbox) take(ctx context.Context) (m stores.Envelope, ok bool) {
	for {
		if ctx.Err() != nil {
			return m, false
		}
		in.mu.Lock()
		for len(in.ready) > 0 {
			q := in.queues[in.ready[0]]
			senderID := in.ready[0]
			in.ready = in.ready[1:]
			if len(q.messages) == 0 {
				delete(in.queues, senderID) // all were deleted
				continue
			}
			q.messages[0].Attempt++
			m = q.messages[0]
			in.mu.Unlock()
			return m, true
		}
		change := in.change
		in.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

// call has a message handled; a panic is an error of it.
func call(ctx context.Context, handle func(ctx context.Context, m stores.Envelope) error, m stores.Envelope) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handle(ctx, m)
}

// settle ends the handling of a conversation's first message.
func (in *Inbox) settle(ctx context.Context, m stores.Envelope, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.queues[m.SenderID]
	first := q.begins(m)
	switch {
	case !first || err == nil:
	case ctx.Err() != nil:
		in.offer(m.SenderID)
		return
	default:
		in.log.Warn("handling a message failed", "sender_id", m.SenderID, "channel", m.Channel, "err", err)
		blame := !errors.Is(err, stores.ErrUnavailable) && !errors.Is(err, stores.ErrLockNotAcquired)
		if blame {
			q.failures++
		}
		if in.cfg.MaxAttempts < 0 || q.failures < in.cfg.MaxAttempts {
			in.later(m, blame)
			return
		}
		in.log.Error("a message is given up", "sender_id", m.SenderID, "channel", m.Channel, "err", err)
	}
	q.failures = 0
	if first {
		q.messages = q.messages[1:]
	}
	if len(q.messages) == 0 {
		delete(in.queues, m.SenderID)
		return
	}
	in.offer(m.SenderID)
}

// later makes a conversation ready after a while.
func (in *Inbox) later(m stores.Envelope, blame bool) {
	longest := in.cfg.MaxBackoff
	if !blame {
		longest = min(longest, maxUnavailable)
	}
	time.AfterFunc(min(in.cfg.MinBackoff<<min(m.Attempt-1, 20), longest), func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.offer(m.SenderID)
	})
}

// Delete implements stores.Inbox. A message that is being handled is counted; its handling goes on.
func (in *Inbox) Delete(_ context.Context, senderID string) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.queues[senderID]
	if q == nil {
		return 0, nil
	}
	n := len(q.messages)
	q.messages = nil // the queue stays: somebody may be at it, or it is among the ready
	return n, nil
}

// Close implements stores.Inbox. There is nothing to release.
func (in *Inbox) Close() error { return nil }

package nats

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Inboxes.Register(component.Spec{
		Name:    "nats",
		Summary: "Keeps accepted messages in NATS JetStream, by default in a server inside parley.",
		Fields: append(natsnode.Fields(),
			component.Field{Name: "stream", Kind: component.String, Default: "PARLEY_INBOX", Doc: "The stream of the messages; its subjects begin with this name, and so does the name of the stream that says who handles what."},
			component.Field{Name: "dead_stream", Kind: component.String, Default: "PARLEY_DEAD", Doc: "The stream that gets messages given up after max_attempts. It keeps them for 30 days."},
			component.Field{Name: "replicas", Kind: component.Int, Default: int64(1), Doc: "How many servers of a NATS cluster keep each message."},
			component.Field{Name: "duplicate_window", Kind: component.Float, Default: 600.0, Doc: "For how many seconds a message's id is remembered to drop it when it is delivered again."},
			component.Field{Name: "lease", Kind: component.Float, Default: 5.0, Doc: "After how many seconds without a sign of life a node's conversations are taken over by others."},
			component.Field{Name: "concurrency", Kind: component.Int, Default: int64(64), Doc: "How many conversations a node handles at a time."},
			component.Field{Name: "max_attempts", Kind: component.Int, Default: int64(20), Doc: "After how many failures a message is moved to the dead letters so that its conversation goes on; 0 for never. The wait between attempts grows from a quarter of a second to half a minute. A message is not blamed for a store that cannot be reached, nor for a lock."},
		),
	}, build)
}

type settings struct {
	Stream          string  `option:"stream"`
	DeadStream      string  `option:"dead_stream"`
	Replicas        int     `option:"replicas"`
	DuplicateWindow float64 `option:"duplicate_window"`
	Lease           float64 `option:"lease"`
	Concurrency     int     `option:"concurrency"`
	MaxAttempts     int     `option:"max_attempts"`
}

func build(cfg component.Config) (stores.Inbox, error) {
	at, err := natsnode.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	var s settings
	if err := cfg.Decode(&s); err != nil {
		return nil, err
	}
	for key, name := range map[string]string{"stream": s.Stream, "dead_stream": s.DeadStream} {
		if name == "" || token(name) != name || strings.ContainsAny(name, "/") {
			return nil, cfg.OptionError(key, "must be the name of a stream: letters, digits, - and _")
		}
	}
	switch {
	case s.Replicas < 1 || s.Replicas > 5:
		return nil, cfg.OptionError("replicas", "must be from 1 to 5")
	case !(s.DuplicateWindow >= 0.1 && s.DuplicateWindow <= 1e6):
		return nil, cfg.OptionError("duplicate_window", "must be a number of seconds, at least 0.1")
	case !(s.Lease >= 0.1 && s.Lease <= 3600):
		return nil, cfg.OptionError("lease", "must be a number of seconds from 0.1 to 3600")
	case s.Concurrency < 1:
		return nil, cfg.OptionError("concurrency", "must be at least 1")
	case s.MaxAttempts < 0:
		return nil, cfg.OptionError("max_attempts", "must not be negative")
	}
	env := cfg.Env.WithDefaults()
	maxAttempts := s.MaxAttempts
	if maxAttempts == 0 {
		maxAttempts = -1
	}
	return New(natsnode.New(at, env.Logger), Config{
		Stream: s.Stream, DeadStream: s.DeadStream, Replicas: s.Replicas, DuplicateWindow: seconds(s.DuplicateWindow),
		Lease: seconds(s.Lease), Concurrency: s.Concurrency, MaxAttempts: maxAttempts,
	}, env), nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Config is how an Inbox works. The zero value of a field stands for its default.
type Config struct {
	// Stream and DeadStream are names of streams. Default: PARLEY_INBOX, PARLEY_DEAD.
	Stream, DeadStream string
	// Replicas is how many servers of a cluster keep a message. Default: 1.
	Replicas int
	// DuplicateWindow is for how long ids are remembered. Default: 10 minutes.
	DuplicateWindow time.Duration
	// Lease is after which silence others take a node's conversations over. Default: 5 seconds.
	Lease time.Duration
	// Concurrency bounds the conversations handled at a time. Default: 64.
	Concurrency int
	// MaxAttempts is how many failures are a message's last, negative for without end. Default: 20.
	MaxAttempts int
	// MinBackoff and MaxBackoff bound the wait after a failure. Default: 250 ms, 30 s.
	MinBackoff, MaxBackoff time.Duration
	// Grace is how long turns that are running when Run's context ends may take before they are cancelled. Default: 5
	// seconds.
	Grace time.Duration
}

func (c Config) withDefaults() Config {
	c.Stream = cmp.Or(c.Stream, "PARLEY_INBOX")
	c.DeadStream = cmp.Or(c.DeadStream, "PARLEY_DEAD")
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.DuplicateWindow = cmp.Or(c.DuplicateWindow, 10*time.Minute)
	c.Lease = cmp.Or(c.Lease, 5*time.Second)
	c.Concurrency = cmp.Or(c.Concurrency, 64)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 20)
	c.MinBackoff = cmp.Or(c.MinBackoff, 250*time.Millisecond)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, 30*time.Second)
	c.Grace = cmp.Or(c.Grace, 5*time.Second)
	return c
}

// Inbox is a stores.Inbox in JetStream. It connects when it is first used.
type Inbox struct {
	cfg  Config
	node *natsnode.Node
	log  *slog.Logger
	now  func() time.Time
	// name tells this value from all others, claims its claims.
	name   string
	claims atomic.Uint64

	// opening has one place: whoever fills it may open the streams.
	opening chan struct{}
	open    atomic.Pointer[session]

	mu      sync.Mutex
	runners []*runner
}

var _ stores.Inbox = (*Inbox)(nil)

// New returns an inbox that uses node and closes it in the end.
func New(node *natsnode.Node, cfg Config, env component.Env) *Inbox {
	env = env.WithDefaults()
	return &Inbox{cfg: cfg.withDefaults(), node: node, log: env.Logger, now: env.Now, name: process + "." + rand.Text(), opening: make(chan struct{}, 1)}
}

// process tells the records of this process from those of earlier ones.
var process = rand.Text()

// Put implements stores.Inbox. The message is on the server's disk, if its options say so, when Put returns.
func (in *Inbox) Put(ctx context.Context, m stores.Envelope) (duplicate bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := in.session(ctx)
	if err != nil {
		return false, err
	}
	to := token(m.SenderID)
	made := m.ID == ""
	if made {
		m.ID = rand.Text()
	} else if duplicate, err = in.doneLately(ctx, s, to, key(m)); duplicate || err != nil {
		return duplicate, err
	}
	ack, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: in.subject(to), Data: encode(m, made)},
		jetstream.WithMsgID(key(m)), jetstream.WithExpectStream(in.cfg.Stream))
	if err != nil {
		return false, in.failed("putting a message into the inbox", err)
	}
	if !ack.Duplicate {
		in.tell(s, to)
	}
	return ack.Duplicate, nil
}

// doneLately looks for a message in the record of its conversation. The server's own window tells duplicates of messages
// that were put since it started.
func (in *Inbox) doneLately(ctx context.Context, s *session, to, id string) (bool, error) {
	r, _, err := in.readRecord(ctx, s, to)
	if err != nil {
		return false, err
	}
	return r.did(id, in.now().Add(-in.cfg.DuplicateWindow)), nil
}

// tell has somebody look after a conversation: this node if it has a hand free, otherwise any.
func (in *Inbox) tell(s *session, to string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range in.runners {
		if r.wake(to, true) {
			return
		}
	}
	// If it is lost the message is found by looking.
	_ = s.conn.Publish(in.wakeSubject(), []byte(to))
}

// Delete implements stores.Inbox. Dead letters of the conversation are deleted and counted, too. A turn that is being
// handled goes on.
func (in *Inbox) Delete(ctx context.Context, senderID string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := in.session(ctx)
	if err != nil {
		return 0, err
	}
	to := token(senderID)
	n, err := in.purge(ctx, s, in.cfg.Stream, in.subject(to))
	if err != nil {
		return n, err
	}
	dead, err := in.purge(ctx, s, in.cfg.DeadStream, in.cfg.DeadStream+"."+to)
	if err != nil {
		return n, err
	}
	r, _, err := in.readRecord(ctx, s, to)
	if err == nil && r.Owner == "" {
		_, err = in.purge(ctx, s, in.recordStream(), in.recordSubject(to))
	}
	return n + dead, err
}

// Close implements stores.Inbox. Run has to have ended.
func (in *Inbox) Close() error { return in.node.Close() }

func (in *Inbox) subject(to string) string       { return in.cfg.Stream + "." + to }
func (in *Inbox) recordStream() string           { return in.cfg.Stream + "_RECORDS" }
func (in *Inbox) recordSubject(to string) string { return in.recordStream() + "." + to }
func (in *Inbox) wakeSubject() string            { return in.cfg.Stream + "_WAKE" }

func (in *Inbox) newClaim() string { return fmt.Sprintf("%s.%d", in.name, in.claims.Add(1)) }

package natsnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	connectTimeout = 5 * time.Second
	reconnectWait  = 250 * time.Millisecond
)

// ErrClosed is returned by a Node that was closed.
var ErrClosed = errors.New("connection closed")

// Node is one connection to NATS, made when it is first needed. It is safe for concurrent use.
type Node struct {
	options Options
	log     *slog.Logger

	// busy has one place: whoever fills it may connect. mu guards what connecting changes.
	busy chan struct{}
	mu   sync.Mutex
	conn *nats.Conn
	// embedded is the server in the process, nil for one elsewhere.
	embedded *embedded
	closed   bool
}

// New returns a Node that is not connected. log may be nil.
func New(o Options, log *slog.Logger) *Node {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Node{options: o, log: log, busy: make(chan struct{}, 1)}
}

// Embedded reports whether the server is one in this process.
func (n *Node) Embedded() bool { return len(n.options.URLs) == 0 }

// Conn returns the connection. The first call makes it, and starts the embedded server if there is one; when that failed
// the next call tries again. A connection that breaks later is made again without end; what is sent meanwhile fails.
func (n *Node) Conn(ctx context.Context) (*nats.Conn, error) {
	if conn, err := n.current(); conn != nil || err != nil {
		return conn, err
	}
	select {
	case n.busy <- struct{}{}:
		defer func() { <-n.busy }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connecting to nats: %w", context.Cause(ctx))
	}
	if conn, err := n.current(); conn != nil || err != nil {
		return conn, err
	}
	return n.connect()
}

func (n *Node) current() (*nats.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	return n.conn, nil
}

func (n *Node) connect() (*nats.Conn, error) {
	settings := n.settings()
	var server *embedded
	if n.Embedded() {
		var err error
		if server, err = acquire(n.options.Folder, n.options.SyncAlways, n.log); err != nil {
			return nil, err
		}
		settings = append(settings, nats.InProcessServer(server))
	}
	conn, err := nats.Connect(strings.Join(n.options.URLs, ","), settings...)
	if err != nil {
		server.release()
		return nil, fmt.Errorf("connecting to nats: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		conn.Close()
		server.release()
		return nil, ErrClosed
	}
	n.conn, n.embedded = conn, server
	return conn, nil
}

func (n *Node) settings() []nats.Option {
	o := n.options
	list := []nats.Option{
		nats.Name("parley"),
		nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait),
		// A caller is to be told that the server is away, rather than have its message sent at some time or other.
		nats.ReconnectBufSize(-1),
		nats.ReconnectHandler(func(*nats.Conn) { n.log.Info("connected to nats again") }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				n.log.Warn("lost the connection to nats", "err", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { n.log.Warn("nats reports an error", "err", err) }),
	}
	if o.Username != "" || o.Password != "" {
		list = append(list, nats.UserInfo(o.Username, o.Password))
	}
	if o.Token != "" {
		list = append(list, nats.Token(o.Token))
	}
	if o.Credentials != "" {
		list = append(list, nats.UserCredentials(o.Credentials))
	}
	if o.TLS != nil {
		list = append(list, nats.Secure(o.TLS))
	}
	return list
}

// Close ends the connection and, if nobody else in the process uses it, the embedded server. Calling it again does nothing.
func (n *Node) Close() error {
	n.mu.Lock()
	conn, server := n.conn, n.embedded
	n.closed, n.conn, n.embedded = true, nil, nil
	n.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
	server.release()
	return nil
}

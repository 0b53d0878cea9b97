package shortcut

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Handler answers a plain request with status 200. It appends the body of the answer to dst and returns Answered. body
// is its own only until it returns. Handlers run concurrently.
type Handler func(body, dst []byte) ([]byte, Outcome)

// Outcome is what became of a request.
type Outcome uint8

const (
	// Answered tells that the body of the answer was appended.
	Answered Outcome = iota
	// Declined tells that nothing has happened yet: net/http is to handle the request.
	Declined
	// Failed tells that the request was begun and broke. It goes to net/http, whose handler finds HasFailed true and
	// only says so to the client.
	Failed
)

// Config says what a Listener answers.
type Config struct {
	// Routes are the handlers by path, as it stands in the request.
	Routes map[string]Handler
	// Header has the headers of all answers beside Content-Length and Date.
	Header http.Header
	// HeadTimeout is how long a new connection may be silent, IdleTimeout one that got an answer.
	HeadTimeout, IdleTimeout time.Duration
}

// route is a route with the request line it is known by.
type route struct {
	line   string
	handle Handler
}

// Listener hands on the connections of another one, those whose requests are plain only when one comes that is not. It
// is safe for concurrent use.
type Listener struct {
	net.Listener
	cfg    Config
	routes []*route
	head   *head

	handed chan handed
	closed chan struct{}
	once   sync.Once
	// accepting and serving count goroutines.
	accepting, serving sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]bool
}

// handed is what Accept returns.
type handed struct {
	conn net.Conn
	err  error
}

// Listen returns a Listener in front of l, which it closes when it is closed.
func Listen(l net.Listener, cfg Config) (*Listener, error) {
	h, err := newHead(cfg.Header)
	if err != nil {
		return nil, err
	}
	s := &Listener{
		Listener: l, cfg: cfg, head: h,
		handed: make(chan handed), closed: make(chan struct{}), conns: make(map[*conn]bool),
	}
	for path, handle := range cfg.Routes {
		s.routes = append(s.routes, &route{"POST " + path + " HTTP/1.1\r\n", handle})
	}
	slices.SortFunc(s.routes, func(a, b *route) int { return len(a.line) - len(b.line) })
	s.accepting.Go(s.acceptAll)
	return s, nil
}

// Accept implements net.Listener: it waits for a connection that is not, or no longer, served here.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case h := <-l.handed:
		return h.conn, h.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close stops accepting and closes the connections that wait for a request; those with a request under way are closed
// after its answer. Closing again does nothing.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
		l.accepting.Wait()
		l.each((*conn).leave)
	})
	if err != nil {
		return fmt.Errorf("closing a listener: %w", err)
	}
	return nil
}

// Wait waits for the requests under way when the Listener was closed and reports whether they ended before ctx.
func (l *Listener) Wait(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		l.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// Abort closes the connections whose requests are still under way after Close.
func (l *Listener) Abort() { l.each((*conn).abort) }

func (l *Listener) each(do func(*conn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		do(c)
	}
}

func (l *Listener) acceptAll() {
	for {
		c, err := l.Listener.Accept()
		select {
		case <-l.closed:
			if err == nil {
				_ = c.Close() // nobody has read from it
			}
			return
		default:
		}
		// Connections with TLS are what net/http wants to see itself.
		if _, secret := c.(*tls.Conn); err != nil || secret || len(l.routes) == 0 {
			l.hand(handed{c, err})
			continue
		}
		l.serving.Go(l.add(c).serve)
	}
}

// hand gives a connection or an error to Accept.
func (l *Listener) hand(h handed) {
	select {
	case l.handed <- h:
	case <-l.closed:
		if h.conn != nil {
			_ = h.conn.Close() // the server ends
		}
	}
}

func (l *Listener) add(c net.Conn) *conn {
	own := &conn{Conn: c, l: l, data: make([]byte, 0, firstBuffer)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[own] = true
	return own
}

func (l *Listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *Listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

package shortcut

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstBuffer = 1 << 10
	// partialTimeout is how long the rest of a request may take; then net/http waits on.
	partialTimeout = time.Second
	// rearmAfter is by how much an idle connection may be closed too early, so that not every request sets a timer.
	rearmAfter = time.Second
	// maxPooled is the size up to which the space of an answer is used again.
	maxPooled = 1 << 16
	// maxStray is how many bytes that end lines may follow a body without belonging to anything, as in net/http.
	maxStray = 4
)

// answers are the spaces of bodies and of whole answers.
var answers = sync.Pool{New: func() any { return &answer{make([]byte, 0, 1<<10), make([]byte, 0, 1<<10)} }}

type answer struct{ body, all []byte }

func (a *answer) release() {
	if cap(a.body) <= maxPooled {
		answers.Put(a)
	}
}

// conn is a connection that is served here.
type conn struct {
	net.Conn
	l *Listener
	// data are the bytes read that were not answered yet.
	data []byte
	// deadline is the read deadline that is set, soon whether it is that of a partial request.
	deadline time.Time
	soon     bool
	// answered tells that there was a request before.
	answered bool

	// state is idle, busy or left.
	state atomic.Uint32
}

// The states of a connection: it waits for a request, is about to answer one or is handed on, or is to be closed.
const (
	idle uint32 = iota
	busy
	left
)

// serve answers requests until there is one that is not plain, or none any more.
func (c *conn) serve() {
	defer c.l.remove(c)
	for {
		r, found := parse(c.l.routes, c.data)
		if found == partial {
			if !c.fill() {
				return
			}
			continue
		}
		if !c.begin() {
			_ = c.Close() // nothing of the request was done
			return
		}
		if found == foreign {
			c.handOn(false)
			return
		}
		if !c.answer(r) {
			return
		}
	}
}

// fill reads more and reports whether there is more. When there is not, the connection is closed or handed on.
func (c *conn) fill() bool {
	if err := c.arm(time.Now()); err != nil {
		_ = c.Close() // it is broken
		return false
	}
	if len(c.data) == cap(c.data) {
		c.data = append(make([]byte, 0, 2*cap(c.data)), c.data...)
	}
	n, err := c.Read(c.data[len(c.data):cap(c.data)])
	c.data = c.data[:len(c.data)+n]
	if err == nil {
		return true
	}
	if len(c.data) > 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.begin() {
		c.handOn(false)
		return false
	}
	_ = c.Close() // the client left, or was silent for too long
	return false
}

// arm sets the deadline of the next read.
func (c *conn) arm(now time.Time) error {
	timeout, soon := c.l.cfg.IdleTimeout, len(c.data) > 0
	switch {
	case soon:
		timeout = partialTimeout
	case !c.answered:
		timeout = c.l.cfg.HeadTimeout
	}
	deadline := now.Add(timeout)
	if soon == c.soon && (soon || deadline.Sub(c.deadline) < rearmAfter) {
		return nil
	}
	c.deadline, c.soon = deadline, soon
	return c.SetReadDeadline(deadline)
}

// answer answers a plain request and reports whether the connection goes on here.
func (c *conn) answer(r request) bool {
	a := answers.Get().(*answer)
	body, outcome := r.route.handle(c.data[r.body:r.end], a.body[:0])
	a.body = body
	if outcome != Answered {
		a.release()
		c.handOn(outcome == Failed)
		return false
	}
	c.answered = true
	last := c.l.isClosed()
	a.all = append(c.l.head.append(a.all[:0], len(body), time.Now(), last), body...)
	_, err := c.Write(a.all)
	a.release()
	if err != nil || last || !c.end() {
		_ = c.Close() // nothing is left to say
		return false
	}
	if c.data = c.data[:copy(c.data, c.data[r.end:])]; len(c.data) > 0 {
		c.soon = false // the next request has a second of its own
	}
	return true
}

// begin marks the connection as busy, unless it is to be closed.
func (c *conn) begin() bool { return c.state.CompareAndSwap(idle, busy) }

// end marks the connection as idle, unless it is to be closed.
func (c *conn) end() bool { return c.state.CompareAndSwap(busy, idle) }

// leave closes the connection when it is idle, otherwise after the next answer.
func (c *conn) leave() {
	if c.state.Swap(left) == idle {
		_ = c.Close() // its reader notices
	}
}

func (c *conn) abort() { _ = c.Close() }

// handOn gives the connection to net/http, with the bytes that were read.
func (c *conn) handOn(failed bool) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		_ = c.Close() // it is broken
		return
	}
	if c.answered {
		// net/http passes over such bytes behind a POST, but does not know of the one that was answered here.
		for range min(maxStray, len(c.data)) {
			if c.data[0] != '\r' && c.data[0] != '\n' {
				break
			}
			c.data = c.data[1:]
		}
	}
	again := &replayed{Conn: c.Conn, data: c.data}
	again.failed.Store(failed)
	c.l.hand(handed{again, nil})
}

// replayed is a connection whose first bytes were read before.
type replayed struct {
	net.Conn
	data   []byte
	failed atomic.Bool
}

// Read implements net.Conn.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.data)
	if r.data = r.data[n:]; len(r.data) == 0 {
		r.data = nil
	}
	return n, nil
}

// CloseWrite ends what is sent; net/http does so before it closes a connection whose client may still be sending.
func (r *replayed) CloseWrite() error {
	if c, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// key is that of the context of a connection whose first request has failed.
type key struct{}

// ConnContext is for http.Server: it lets HasFailed know of the requests that failed here.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if r, ok := c.(*replayed); ok && r.failed.Load() {
		return context.WithValue(ctx, key{}, r)
	}
	return ctx
}

// HasFailed reports whether the request with this context was begun by a Handler and failed. It does so once.
func HasFailed(ctx context.Context) bool {
	r, ok := ctx.Value(key{}).(*replayed)
	return ok && r.failed.Swap(false)
}

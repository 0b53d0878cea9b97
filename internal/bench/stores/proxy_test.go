//go:build benchstores

package stores

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// traffic is what went through a proxy: bytes to and from the server, and requests that followed an answer.
type traffic struct{ up, down, trips int64 }

func (t traffic) minus(o traffic) traffic {
	return traffic{t.up - o.up, t.down - o.down, t.trips - o.trips}
}

// proxy stands in front of a server.
type proxy struct {
	addr, server    string
	up, down, trips atomic.Int64
	// delay is how long answers are kept back, in nanoseconds.
	delay atomic.Int64
}

// newProxy returns a proxy of the server at an address. It ends with the test.
func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{addr: l.Addr().String(), server: server}
	var wg sync.WaitGroup
	var clients []net.Conn
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			clients = append(clients, conn)
			wg.Go(func() { p.serve(conn) })
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // that is how it ends
		<-accepted
		for _, conn := range clients {
			_ = conn.Close() // maybe for the second time
		}
		wg.Wait()
	})
	return p
}

func (p *proxy) traffic() traffic {
	return traffic{p.up.Load(), p.down.Load(), p.trips.Load()}
}

// serve passes on what the two sides of a connection say.
func (p *proxy) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // it is over
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	var answered atomic.Bool
	answered.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close() //nolint:errcheck // it is over
		pass(server, client, func(n int) {
			p.up.Add(int64(n))
			if answered.Swap(false) {
				p.trips.Add(1)
			}
		})
	})
	pass(client, server, func(n int) {
		p.down.Add(int64(n))
		if !answered.Swap(true) {
			time.Sleep(time.Duration(p.delay.Load()))
		}
	})
	_ = client.Close() // so that the other direction ends
	wg.Wait()
}

// pass copies and tells before each write how much it is.
func pass(to io.Writer, from io.Reader, tell func(int)) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			tell(n)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

package server

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pipes is a listener over connections in memory, whose deadlines follow the clock of a synctest bubble.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p.conns); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestStalledBody has clients that never send the rest of a body: their connections must be closed.
func TestStalledBody(t *testing.T) {
	for _, c := range []struct {
		name, head string
		limit      time.Duration
	}{
		{"body that is read", "POST /webhooks/rest/webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\n{", 70 * time.Second},
		{"body in chunks", "POST /webhooks/rest/webhook HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", 70 * time.Second},
		{"body nobody reads", "GET /version HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\n{", 10 * time.Second},
		{"head", "GET /ver", 70 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestServer(t, nil)
				l := pipes{make(chan net.Conn)}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Run(ctx, l) }()
				client, other := net.Pipe()
				l.conns <- other
				_, err := io.WriteString(client, c.head)
				require.NoError(t, err)
				require.NoError(t, client.SetReadDeadline(time.Now().Add(c.limit)))
				_, err = io.ReadAll(client)
				require.NoError(t, err, "the connection is still open")
				stop()
				require.NoError(t, <-ended)
			})
		})
	}
}

// TestBodyAfterAnswer has a client that closes after one request and sends a body that nobody reads in a packet of its
// own: the answer must reach it.
func TestBodyAfterAnswer(t *testing.T) {
	c, err := net.Dial("tcp", run(t, nil))
	require.NoError(t, err)
	defer c.Close()
	for _, piece := range []string{"GET /version HTTP/1.1\r\nHost: bot\r\nConnection: close\r\nContent-Length: 4\r\n\r\n", "{", " }", "\n"} {
		_, err = io.WriteString(c, piece)
		require.NoError(t, err)
		time.Sleep(10 * time.Millisecond)
	}
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(answer), "200 OK")
}

package shortcut

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const jsonType = "application/json"

// site is a Listener with an http.Server behind it. Handlers answer `from "shortcut"` or `from "server"`; what is posted
// chooses the outcome.
type site struct {
	listener *Listener
	server   *http.Server
	begun    chan struct{}
	finish   chan struct{}
}

func (s *site) answer(body, dst []byte) ([]byte, Outcome) {
	switch string(body) {
	case "decline":
		return dst, Declined
	case "fail":
		return dst, Failed
	case "slow":
		close(s.begun)
		<-s.finish
	}
	return append(dst, `from "shortcut"`...), Answered
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Access"] = []string{"*"}
	w.Header()["X-After"] = []string{"y"}
	w.Header()["Content-Type"] = []string{jsonType}
	body, _ := io.ReadAll(r.Body)
	text := `from "server": ` + string(body)
	if HasFailed(r.Context()) {
		text = `failed in "shortcut"`
	} else if string(body) == "plain" {
		text = `from "shortcut"`
	}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(text))}
	_, _ = io.WriteString(w, text)
}

// open serves on l until the test ends.
func open(t *testing.T, l net.Listener) *site {
	t.Helper()
	s := &site{begun: make(chan struct{}), finish: make(chan struct{})}
	var err error
	s.listener, err = Listen(l, Config{
		Routes:      map[string]Handler{testPath: s.answer},
		Header:      http.Header{"Content-Type": {jsonType}, "Access": {"*"}, "X-After": {"y"}},
		HeadTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second,
	})
	require.NoError(t, err)
	s.server = &http.Server{Handler: s, ConnContext: ConnContext, ReadHeaderTimeout: 60 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, s.server.Shutdown(ctx))
		require.True(t, s.listener.Wait(ctx))
		err := <-ended
		require.True(t, errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed), err)
	})
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

func post(body string) string {
	return start + "Host: a\r\nContent-Length: " + string(rune('0'+len(body))) + "\r\n\r\n" + body
}

func TestRequests(t *testing.T) {
	const plainly, served = `from "shortcut"`, `from "server": `
	for _, c := range []struct {
		name string
		send []string // each is sent when the one before was read
		want []string
	}{
		{"plain", []string{post("x")}, []string{plainly}},
		{"several", []string{post("x"), post("y")}, []string{plainly, plainly}},
		{"at once", []string{post("x") + post("y")}, []string{plainly, plainly}},
		{"in pieces", []string{post("x")[:9], post("x")[9:60], post("x")[60:]}, []string{plainly}},
		{"another path", []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, []string{served}},
		{"another path after it", []string{post("x") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + post("x")}, []string{plainly, served, served + "x"}},
		{"declined", []string{post("decline")}, []string{served + "decline"}},
		{"failed", []string{post("fail") + post("x")}, []string{`failed in "shortcut"`, served + "x"}},
		{"chunks", []string{start + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"}, []string{served + "x"}},
		{"last", []string{start + "Host: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"}, []string{served + "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, listen(t))
			conn := dial(t, s.listener)
			for _, piece := range c.send {
				_, err := io.WriteString(conn, piece)
				require.NoError(t, err)
				time.Sleep(time.Millisecond)
			}
			in := bufio.NewReader(conn)
			for _, want := range c.want {
				r, err := http.ReadResponse(in, nil)
				require.NoError(t, err)
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Equal(t, want, string(body))
			}
		})
	}
}

// TestSameBytes compares an answer with that of net/http.
func TestSameBytes(t *testing.T) {
	s := open(t, listen(t))
	answers := make([]string, 2)
	for i, path := range []string{testPath, "/other"} {
		conn := dial(t, s.listener)
		_, err := io.WriteString(conn, strings.Replace(post("plain"), testPath, path, 1))
		require.NoError(t, err)
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		require.NoError(t, err)
		answers[i] = regexp.MustCompile(`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`).ReplaceAllString(string(buffer[:n]), "Date: now")
	}
	require.Contains(t, answers[0], "Date: now\r\n")
	require.Equal(t, answers[1], answers[0])
}

// TestClose closes a listener with an idle connection and one whose request is under way.
func TestClose(t *testing.T) {
	s := open(t, listen(t))
	idleConn, busyConn := dial(t, s.listener), dial(t, s.listener)
	_, err := io.WriteString(idleConn, post("x"))
	require.NoError(t, err)
	_, err = http.ReadResponse(bufio.NewReader(idleConn), nil)
	require.NoError(t, err)
	_, err = io.WriteString(busyConn, post("slow"))
	require.NoError(t, err)
	<-s.begun
	require.NoError(t, s.listener.Close())
	require.NoError(t, s.listener.Close())
	_, err = io.Copy(io.Discard, idleConn)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.False(t, s.listener.Wait(ctx))
	close(s.finish)
	r, err := http.ReadResponse(bufio.NewReader(busyConn), nil)
	require.NoError(t, err)
	require.True(t, r.Close)
	require.True(t, s.listener.Wait(t.Context()))
}

func TestAbort(t *testing.T) {
	s := open(t, listen(t))
	conn := dial(t, s.listener)
	_, err := io.WriteString(conn, post("slow"))
	require.NoError(t, err)
	<-s.begun
	require.NoError(t, s.listener.Close())
	s.listener.Abort()
	_, err = io.ReadAll(conn)
	require.NoError(t, err)
	close(s.finish)
}

// pipes is a listener over connections in memory, whose deadlines follow the clock of a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSilence has clients that stop sending.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name, send string
		least      time.Duration // until the connection is closed
		most       time.Duration
	}{
		{"nothing", "", 60 * time.Second, 61 * time.Second},
		{"part of a head, which net/http waits for", post("x")[:60], 60 * time.Second, 63 * time.Second},
		{"after an answer", post("x"), 119 * time.Second, 121 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := pipes{make(chan net.Conn), make(chan struct{})}
				open(t, l)
				client, other := net.Pipe()
				l.conns <- other
				begin := time.Now()
				_, err := io.WriteString(client, c.send)
				require.NoError(t, err)
				_, err = io.ReadAll(client)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(begin), c.least)
				require.LessOrEqual(t, time.Since(begin), c.most)
			})
		})
	}
}

// broken is a listener that fails once.
type broken struct {
	net.Listener
	failed bool
}

var errAccept = errors.New("no connection")

func (b *broken) Accept() (net.Conn, error) {
	if !b.failed {
		b.failed = true
		return nil, errAccept
	}
	return b.Listener.Accept()
}

func TestAcceptFails(t *testing.T) {
	l, err := Listen(&broken{Listener: listen(t)}, Config{})
	require.NoError(t, err)
	_, err = l.Accept()
	require.ErrorIs(t, err, errAccept)
	require.NoError(t, l.Close())
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
)

// run serves on a port of its own until the test ends.
func run(t *testing.T, change func(cfg *Config)) (address string) {
	t.Helper()
	s := newTestServer(t, change)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return l.Addr().String()
}

// exchangeRaw sends a request and returns the bytes of the answer, without its date.
func exchangeRaw(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, request)
	require.NoError(t, err)
	answer := make([]byte, 4096)
	n, err := c.Read(answer)
	require.NoError(t, err)
	return regexp.MustCompile(`Date: [^\r]*`).ReplaceAllString(string(answer[:n]), "Date: now")
}

// TestShortcut compares the answers to plain requests with those to the same requests with a query, which take the way
// through net/http.
func TestShortcut(t *testing.T) {
	said := []string{
		`{"sender": "u", "message": "/greet"}`, `{"message": "/bye", "sender": "é / \"quoted\""}`, `{"sender": 7, "message": "  x "}`,
		`{"sender": "u", "message": "/greet", "input_channel": "x", "metadata": {"a": 1}}`, `{"sender": "u", "message": "/greet", "metadata": 1}`,
		`{"sender": "u"}`, `{"sender": "u", "message": 1}`, `{}`, `[]`, `null`, `{"sender"`, `"x"`, `{"message": "panic"}`, `{"message": "/\ud83d\ude00\n"}`,
	}
	for _, c := range []struct {
		name string
		cors []string
	}{
		{"no CORS", nil},
		{"all origins", []string{"*"}},
		{"one origin", []string{"http://a.example"}},
		{"several", []string{"http://a.example", "http://b.*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := run(t, func(cfg *Config) { cfg.CORS = c.cors })
			for _, body := range said {
				for _, header := range []string{"", "Content-Type: application/json\r\n", "Accept: text/html\r\n"} {
					rest := " HTTP/1.1\r\nHost: bot\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n" + header + "\r\n" + body
					plain := exchangeRaw(t, address, "POST /webhooks/rest/webhook"+rest)
					slow := exchangeRaw(t, address, "POST /webhooks/rest/webhook?x=y"+rest)
					require.Equal(t, strings.ReplaceAll(slow, "?x=y", ""), plain, body)
				}
			}
		})
	}
}

// counted is a channel that counts how many requests came directly.
type counted struct {
	channels.Channel
	direct int
}

type countingRouter struct {
	channels.Router
	c *counted
}

func (r countingRouter) Direct(path string, h channels.DirectHandler) {
	r.Router.Direct(path, func(ctx context.Context, body, dst []byte) ([]byte, bool) {
		r.c.direct++
		return h(ctx, body, dst)
	})
}

func (c *counted) Mount(r channels.Router, handle channels.Handler) {
	c.Channel.Mount(countingRouter{r, c}, handle)
}

// TestShortcutIsTaken has an ordinary client.
func TestShortcutIsTaken(t *testing.T) {
	var c *counted
	address := run(t, func(cfg *Config) {
		c = &counted{Channel: cfg.Channels[0]}
		cfg.Channels[0] = c
	})
	for range 3 {
		r, err := http.Post("http://"+address+"/webhooks/rest/webhook", "application/json", strings.NewReader(`{"sender": "u", "message": "/greet"}`))
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, `[{"recipient_id":"u","text":"Hello \/ good day"}]`, string(body))
	}
	require.Equal(t, 3, c.direct)
}

package shortcut

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	testPath = "/webhooks/rest/webhook"
	start    = "POST " + testPath + " HTTP/1.1\r\n"
)

func testRoutes() []*route {
	return []*route{{line: "POST /a HTTP/1.1\r\n"}, {line: start}}
}

func TestParse(t *testing.T) {
	const length = "Content-Length: 2\r\n"
	long := strings.Repeat("x", maxRequest)
	for _, c := range []struct {
		name, data string
		want       kind
		rest       string // what follows the request
	}{
		{name: "nothing", want: partial},
		{name: "part of the request line", data: start[:20], want: partial},
		{name: "part of the head", data: start + "Host: a\r\nConte", want: partial},
		{name: "head", data: start + "Host: a\r\n" + length + "\r\n", want: partial},
		{name: "part of the body", data: start + "Host: a\r\n" + length + "\r\n{", want: partial},
		{name: "request", data: start + "Host: a\r\n" + length + "\r\n{}", want: plain},
		{name: "two requests", data: start + "Host: a\r\n" + length + "\r\n{}POST /a", want: plain, rest: "POST /a"},
		{name: "another route", data: "POST /a HTTP/1.1\r\nHost: a\r\n" + length + "\r\n{}", want: plain},
		{name: "headers in any case", data: start + "HOST:a:1\r\nCONTENT-LENGTH:2\r\nconnection: Keep-Alive\r\n\r\n{}", want: plain},
		{name: "headers without meaning", data: start + "Host: a\r\nAccept: */*\r\nX-Request-Id: 7\r\nUser-Agent: x\r\n" + length + "\r\n{}", want: plain},
		{name: "another method", data: "GET /a HTTP/1.1\r\n", want: foreign},
		{name: "another path", data: "POST /b", want: foreign},
		{name: "query", data: "POST /a?stream=true HTTP/1.1\r\n", want: foreign},
		{name: "older protocol", data: "POST /a HTTP/1.0\r\n", want: foreign},
		{name: "no HTTP", data: "\x16\x03\x01", want: foreign},
		{name: "no host", data: start + length + "\r\n{}", want: foreign},
		{name: "two hosts", data: start + "Host: a\r\nHost: a\r\n", want: foreign},
		{name: "odd host", data: start + "Host: a/b\r\n", want: foreign},
		{name: "no length", data: start + "Host: a\r\n\r\n", want: foreign},
		{name: "two lengths", data: start + length + length, want: foreign},
		{name: "no body", data: start + "Host: a\r\nContent-Length: 0\r\n\r\n", want: foreign},
		{name: "signed length", data: start + "Content-Length: +2\r\n", want: foreign},
		{name: "huge length", data: start + "Content-Length: 100000\r\n", want: foreign},
		{name: "large length", data: start + "Host: a\r\nContent-Length: 99999\r\n\r\n", want: foreign},
		{name: "large head", data: start + "X: " + long, want: foreign},
		{name: "chunks", data: start + "Transfer-Encoding: chunked\r\n", want: foreign},
		{name: "expect", data: start + "Expect: 100-continue\r\n", want: foreign},
		{name: "close", data: start + "Connection: close\r\n", want: foreign},
		{name: "upgrade", data: start + "Upgrade: h2c\r\n", want: foreign},
		{name: "trailer", data: start + "Trailer: X\r\n", want: foreign},
		{name: "origin", data: start + "Origin: http://a\r\n", want: foreign},
		{name: "line without CR", data: start + "Host: a\n", want: foreign},
		{name: "folded line", data: start + "X: a\r\n b\r\n", want: foreign},
		{name: "blank in a name", data: start + "Host : a\r\n", want: foreign},
		{name: "control character", data: start + "X: a\x00\r\n", want: foreign},
		{name: "no colon", data: start + "Host\r\n", want: foreign},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, got := parse(testRoutes(), []byte(c.data))
			require.Equal(t, c.want, got)
			if got == plain {
				require.Equal(t, "{}", c.data[r.body:r.end])
				require.Equal(t, c.rest, c.data[r.end:])
			}
		})
	}
}

// FuzzParse states: what is taken for a plain request, net/http reads as the same request, and as one without surprises.
// The beginning of a plain request is never foreign.
func FuzzParse(f *testing.F) {
	for _, head := range []string{"", "Host: a\r\n", "Host: a\r\nContent-Length: 2\r\n", "Connection: keep-alive\r\n", "Content-Length: 3\r\n",
		"Transfer-Encoding: chunked\r\n", "X: y\r\n z\r\n", "X: y\n", "X : y\r\n", "Content-Length: +2\r\n", "Content-Length: 002\r\n"} {
		f.Add([]byte(start + head + "Host: a\r\nContent-Length: 2\r\n\r\n{}"))
	}
	routes := testRoutes()
	f.Fuzz(func(t *testing.T, data []byte) {
		r, got := parse(routes, data)
		if got != plain {
			return
		}
		read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		require.NoError(t, err)
		body, err := io.ReadAll(read.Body)
		require.NoError(t, err)
		require.Equal(t, string(data[r.body:r.end]), string(body))
		require.Equal(t, r.route.line, read.Method+" "+read.RequestURI+" "+read.Proto+"\r\n")
		require.False(t, read.Close)
		require.Empty(t, read.TransferEncoding)
		require.Empty(t, read.Header.Values("Expect"))
		for n := range r.end {
			_, before := parse(routes, data[:n])
			require.Equal(t, partial, before)
		}
	})
}

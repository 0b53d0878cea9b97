package shortcut

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers with what it was asked, in the words of both sites of TestSmuggling.
func echo(body []byte) string { return "POST " + testPath + " " + string(body) }

// sites returns the address of a server with a shortcut and that of net/http alone; both answer the same.
func sites(t *testing.T) (short, whole string) {
	t.Helper()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "cut", http.StatusBadRequest)
			return
		}
		w.Header()["Content-Type"] = []string{jsonType}
		text := strings.Replace(echo(body), "POST "+testPath, r.Method+" "+r.RequestURI, 1)
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(text))}
		_, _ = io.WriteString(w, text)
	})
	for _, address := range []*string{&short, &whole} {
		l := listen(t)
		if *address = l.Addr().String(); address == &short {
			front, err := Listen(l, Config{
				Routes: map[string]Handler{testPath: func(body, dst []byte) ([]byte, Outcome) { return append(dst, echo(body)...), Answered }},
				Header: http.Header{"Content-Type": {jsonType}}, HeadTimeout: time.Minute, IdleTimeout: time.Minute,
			})
			require.NoError(t, err)
			l = front
		}
		server := &http.Server{Handler: answer, ConnContext: ConnContext, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	return short, whole
}

// exchange sends bytes, ends the sending and returns all answers without their dates.
func exchange(t *testing.T, address, sent string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(c, sent)
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	answers, err := io.ReadAll(c)
	require.NoError(t, err)
	return regexp.MustCompile(`Date: [^\r]*`).ReplaceAllString(string(answers), "Date: now")
}

// TestSmuggling sends what proxies and servers are known to read differently, with another request behind it: with a
// shortcut there must be the same answers as from net/http, as many and in the same order.
func TestSmuggling(t *testing.T) {
	short, whole := sites(t)
	const inner = "POST /inner HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\ni"
	chunked := "Transfer-Encoding: chunked\r\n"
	for _, headers := range []string{
		"Content-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n",
		"Content-Length: 3\r\nContent-Length: 2\r\n", "Content-Length: 2, 2\r\n", "Content-Length: 2, 3\r\n", "Content-Length: 2\r\n" + chunked,
		chunked + "Content-Length: 2\r\n", "Content-Length: 2\r\nTransfer-Encoding: identity\r\n", "Content-Length: 2\r\nTransfer-Encoding : chunked\r\n",
		"Content-Length: 2\r\nTransfer-Encoding:\tchunked\r\n", "Content-Length: 2\r\n Transfer-Encoding: chunked\r\n",
		"Content-Length: 2\r\nX: y\r\n\tTransfer-Encoding: chunked\r\n", "Content-Length: 2\r\nX: y\nTransfer-Encoding: chunked\r\n",
		"Content-Length: 2\r\nX: y\rTransfer-Encoding: chunked\r\n", "Content-Length:\r\n 2\r\n", "Content-Length : 2\r\n", " Content-Length: 2\r\n",
		"Content-Length: 2\n", "Content-Length: +2\r\n", "Content-Length: -2\r\n", "Content-Length: 02\r\n", "Content-Length: 00002\r\n",
		"Content-Length: 000000000000000000002\r\n", "Content-Length: 0x2\r\n", "Content-Length: 2.0\r\n", "Content-Length: 2 2\r\n", "Content-Length: 1_0\r\n",
		"Content-Length: 18446744073709551618\r\n", "Content-Length: 9223372036854775808\r\n", "Content-Length:   2   \r\n", "Content-Length:\t2\r\n",
		"Content-Length: 2\x00\r\n", "Content-Length: \xb2\r\n", "Content_Length: 2\r\n", "content-length: 2\r\nX-Content-Length: 3\r\n",
		"Content-Length: 0\r\n", "Content-Length:\r\n", "", chunked, "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n",
		"Content-Length: 2\r\nHost: b\r\n", "Content-Length: 2\r\nConnection: close\r\n", "Content-Length: 2\r\nConnection: Content-Length\r\n",
		"Content-Length: 2\r\nConnection: keep-alive\r\nConnection: close\r\n", "Content-Length: 2\r\nConnection: KEEP-ALIVE\r\n",
		"Content-Length: 2\r\nX\r\n", "Content-Length: 2\r\n: x\r\n", "Content-Length: 2\r\nX\x00Y: z\r\n", "Content-Length: 2\r\nTrailer: Content-Length\r\n",
	} {
		t.Run(headers, func(t *testing.T) {
			for _, body := range []string{"{}", "0\r\n\r\n"} {
				sent := start + "Host: a\r\n" + headers + "\r\n" + body + inner
				require.Equal(t, exchange(t, whole, sent), exchange(t, short, sent), body)
			}
		})
	}
	for _, line := range []string{
		"POST  " + testPath + " HTTP/1.1\r\n", "POST " + testPath + "  HTTP/1.1\r\n", "POST " + testPath + " HTTP/1.1 \r\n", start[:len(start)-2] + "\n",
		"post " + testPath + " HTTP/1.1\r\n", "\r\n" + start, "\n" + start, " " + start, "POST http://b" + testPath + " HTTP/1.1\r\n",
		"POST " + testPath + " HTTP/1.0\r\n", "POST " + testPath + " HTTP/2.0\r\n", "POST " + testPath + "\r\n", "POST " + testPath + "# HTTP/1.1\r\n",
	} {
		t.Run(line, func(t *testing.T) {
			sent := line + "Host: a\r\nContent-Length: 2\r\n\r\n{}" + inner
			require.Equal(t, exchange(t, whole, sent), exchange(t, short, sent))
		})
	}
}

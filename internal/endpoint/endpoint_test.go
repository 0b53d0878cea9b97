package endpoint

import (
	"compress/zlib"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

func TestFromEntry(t *testing.T) {
	pos := project.Pos{File: "endpoints.yml", Line: 2, Col: 3}
	cases := []struct {
		name    string
		options *value.Map
		want    Config
		wantErr string
	}{
		{name: "everything", options: value.NewMap(
			"url", "http://host:5055/webhook", "params", value.NewMap("a", int64(1)), "headers", value.NewMap("X-A", "b"),
			"basic_auth", value.NewMap("username", "u", "password", int64(5)), "token", int64(77), "token_name", "key",
			"request_timeout", 2.5, "enable_selective_domain", true,
		), want: Config{
			URL: "http://host:5055/webhook", Params: value.NewMap("a", int64(1)), Headers: value.NewMap("X-A", "b"),
			BasicAuth: true, Username: "u", Password: "5", Token: "77", TokenName: "key", Timeout: 2500 * time.Millisecond,
		}},
		{name: "no url", options: value.NewMap("token", "x"), wantErr: "endpoints.yml:2:3: action_endpoint: url is missing"},
		{name: "no scheme", options: value.NewMap("url", "localhost:5055/webhook"),
			wantErr: "endpoints.yml:4:7: action_endpoint: url must begin with http:// or https://"},
		{name: "no host", options: value.NewMap("url", "http:///webhook"), wantErr: "names no host"},
		{name: "params no mapping", options: value.NewMap("url", "http://x", "params", []any{"a"}),
			wantErr: "params must be a mapping, not ['a']"},
		{name: "half a login", options: value.NewMap("url", "http://x", "basic_auth", value.NewMap("username", "u")),
			wantErr: "basic_auth needs username and password"},
		{name: "timeout", options: value.NewMap("url", "http://x", "request_timeout", "soon"),
			wantErr: "request_timeout must be a number of seconds, not 'soon'"},
		{name: "no such file", options: value.NewMap("url", "https://x", "cafile", "/none/ca.pem"), wantErr: "/none/ca.pem"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := FromEntry(project.Entry{Name: "action_endpoint", Options: c.options, Pos: pos,
				At: map[string]project.Pos{"url": {File: "endpoints.yml", Line: 4, Col: 7}}})
			if c.wantErr == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				return
			}
			if c.name == "no url" {
				got, err = FromEntry(project.Entry{Name: "action_endpoint", Options: c.options, Pos: pos})
			}
			require.ErrorContains(t, err, c.wantErr, "%+v", got)
		})
	}
}

// recorder keeps the last request and answers with JSON.
type recorder struct {
	header http.Header
	host   string
	query  string
	body   string
	length int64
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var from io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "deflate" {
		from, _ = zlib.NewReader(req.Body)
	}
	data, _ := io.ReadAll(from)
	r.header, r.host, r.query, r.body, r.length = req.Header, req.Host, req.URL.RawQuery, string(data), req.ContentLength
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"ok": 1}`)
}

func post(t *testing.T, c Config, parts ...string) (any, error) {
	t.Helper()
	e, err := New(c)
	require.NoError(t, err)
	defer e.Close()
	body := make([][]byte, len(parts))
	for i, p := range parts {
		body[i] = []byte(p)
	}
	return e.Post(context.Background(), body...)
}

func TestRequest(t *testing.T) {
	var got recorder
	server := httptest.NewServer(&got)
	defer server.Close()
	v, err := post(t, Config{
		URL: server.URL + "/webhook?x=1", Params: value.NewMap("a", "b c", "n", []any{int64(1), 2.5}), Token: "s&t",
		Headers:   value.NewMap("X-Team", "blue", "Content-Type", "application/json; charset=utf-8", "Host", "inner"),
		BasicAuth: true, Username: "Jörg", Password: "p",
	}, `{"a":`, `1}`)
	require.NoError(t, err)
	require.True(t, value.Equal(v, value.NewMap("ok", int64(1))))
	require.Equal(t, `{"a":1}`, got.body)
	require.EqualValues(t, 7, got.length)
	require.Equal(t, "x=1&a=b+c&n=1&n=2.5&token=s%26t", got.query)
	require.Equal(t, "blue", got.header.Get("X-Team"))
	require.Equal(t, "inner", got.host)
	require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	require.Equal(t, "Basic SvZyZzpw", got.header.Get("Authorization"), "credentials are Latin-1")

	_, err = post(t, Config{URL: server.URL, Token: "s", TokenName: "key", Compress: true}, `{"a":`, `2}`)
	require.NoError(t, err)
	require.Equal(t, `{"a":2}`, got.body)
	require.Equal(t, "deflate", got.header.Get("Content-Encoding"))
	require.Equal(t, "key=s", got.query)
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		name, typ, body string
		status          int
		want            any
		wantErr         error
	}{
		{name: "JSON", typ: "application/json", body: ` {"a": 1} `, want: value.NewMap("a", int64(1))},
		{name: "a kind of JSON", typ: "application/vnd.api+json; charset=utf-8", body: `[1]`, want: []any{int64(1)}},
		{name: "upper case", typ: "Application/JSON", body: `true`, want: true},
		{name: "empty", typ: "application/json", body: " \n"},
		{name: "text", typ: "text/html", body: `{}`},
		{name: "no type", typ: "", body: `{}`},
		{name: "Latin-1", typ: "application/json; charset=iso-8859-1", body: "\"\xe9\"", want: "é"},
		{name: "broken", typ: "application/json", body: `{"a"`, wantErr: ErrBody},
		{name: "byte order mark", typ: "application/json", body: "\ufeff{}", wantErr: ErrBody},
		{name: "no UTF-8", typ: "application/json", body: "\"\xe9\"", wantErr: ErrBody},
		{name: "created", typ: "application/json", status: http.StatusCreated, body: `1`, want: int64(1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{c.typ}
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			got, err := post(t, Config{URL: server.URL}, "{}")
			require.ErrorIs(t, err, c.wantErr)
			require.True(t, value.Equal(c.want, got), "%v", got)
		})
	}
}

func TestStatusError(t *testing.T) {
	long := string(make([]byte, 2*maxErrorText))
	cases := []struct {
		name string
		err  StatusError
		want string
	}{
		{"no body", StatusError{Status: 502}, "status 502 Bad Gateway"},
		{"a reason", StatusError{Status: 500, Body: []byte(`{"error": "boom", "request_body": {"text": "secret"}}`)},
			"status 500 Internal Server Error: boom"},
		{"a page", StatusError{Status: 404, Body: []byte(`<html>secret</html>`)}, "status 404 Not Found"},
		{"a status of newer servers", StatusError{Status: 449}, "status 449"},
		{"a long reason", StatusError{Status: 500, Body: value.Encode(value.NewMap("error", long), value.JSON)},
			"status 500 Internal Server Error: " + long[:maxErrorText] + "..."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.err.Error()) })
	}
}

func TestRedirect(t *testing.T) {
	var got recorder
	mux := http.NewServeMux()
	mux.Handle("/here", &got)
	mux.Handle("/moved", http.RedirectHandler("/here", http.StatusTemporaryRedirect))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusTemporaryRedirect))
	server := httptest.NewServer(mux)
	defer server.Close()
	_, err := post(t, Config{URL: server.URL + "/moved"}, "{", "}")
	require.NoError(t, err)
	require.Equal(t, "{}", got.body)
	_, err = post(t, Config{URL: server.URL + "/loop"}, "{}")
	require.ErrorIs(t, err, ErrConnection)
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := post(t, Config{URL: server.URL + "/webhook", Token: "secret"}, "{}")
	require.ErrorIs(t, err, ErrConnection)
	require.NotContains(t, err.Error(), "secret")

	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	}))
	defer hangUp.Close()
	_, err = post(t, Config{URL: hangUp.URL}, "{}")
	require.ErrorIs(t, err, ErrConnection)
}

func TestSlow(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer server.Close()
	defer close(done)
	_, err := post(t, Config{URL: server.URL, Timeout: 20 * time.Millisecond}, "{}")
	require.ErrorIs(t, err, ErrTimeout)
	require.ErrorContains(t, err, "20ms")

	e, err := New(Config{URL: server.URL})
	require.NoError(t, err)
	reason := errors.New("the server stops")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	_, err = e.Post(ctx, []byte("{}"))
	require.ErrorIs(t, err, reason)
	require.NotErrorIs(t, err, ErrConnection)
}

func TestCertificates(t *testing.T) {
	var got recorder
	server := httptest.NewTLSServer(&got)
	defer server.Close()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "bad.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(good, block, 0o600))
	require.NoError(t, os.WriteFile(bad, []byte("none"), 0o600))

	_, err := post(t, Config{URL: server.URL, CAFile: good}, "{}")
	require.NoError(t, err)
	_, err = post(t, Config{URL: server.URL}, "{}")
	require.ErrorIs(t, err, ErrConnection)
	_, err = New(Config{URL: server.URL, CAFile: bad})
	require.ErrorContains(t, err, bad+" holds no certificate")
}

func TestURLHidesSecrets(t *testing.T) {
	e, err := New(Config{URL: "http://user:pass@host:5055/webhook?token=s#f", Token: "t"})
	require.NoError(t, err)
	require.Equal(t, "http://user:xxxxx@host:5055/webhook", e.URL())
}

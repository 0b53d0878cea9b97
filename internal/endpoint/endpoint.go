package endpoint

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// The outcomes of a call that Rasa treats differently; a status of 400 and above is a *StatusError.
var (
	// ErrConnection says that the server could not be reached, or hung up before its answer was complete
	// (aiohttp.ClientError).
	ErrConnection = errors.New("connection failed")
	// ErrTimeout says that the answer was not complete in time (asyncio.TimeoutError).
	ErrTimeout = errors.New("no answer in time")
	// ErrBody says that the answer claims to be JSON and is not (json.JSONDecodeError).
	ErrBody = errors.New("invalid JSON in the answer")
)

// StatusError is an answer with a status of 400 and above (rasa.utils.endpoints.ClientResponseError).
type StatusError struct {
	Status int
	// Body is the answer's body. It may repeat the request and with it what a user said.
	Body []byte
}

// Error returns the status and the reason.
func (e *StatusError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("status %d %s", e.Status, http.StatusText(e.Status)))
	if reason := e.Reason(); reason != "" {
		text += ": " + reason
	}
	return text
}

// Reason returns the text under "error" of a body that is a JSON object, shortened; "" when there is none.
func (e *StatusError) Reason() string {
	m, err := value.DecodeObject(e.Body)
	if err != nil {
		return ""
	}
	return shorten(m.String("error"))
}

// maxErrorText bounds how much of a server's error text is repeated, in bytes.
const maxErrorText = 300

func shorten(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	s = s[:maxErrorText]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "..."
}

const (
	// idleTimeout is shorter than the time after which usual action servers hang up on an idle connection (Sanic: 5 s),
	// so that no call is lost on a connection that is just being closed. Rasa opens one for every call.
	idleTimeout = 2 * time.Second
	maxIdle     = 64
	dialTimeout = 30 * time.Second
)

// Endpoint is a server that is called with JSON. It is safe for concurrent use.
type Endpoint struct {
	url, shown string
	header     http.Header
	host       string
	timeout    time.Duration
	compress   bool
	client     *http.Client
}

// New makes an endpoint ready for calls. It fails when the URL is no http address, or with a *CAFileError.
func New(c Config) (*Endpoint, error) {
	if err := checkURL(c.URL); err != nil {
		return nil, fmt.Errorf("url %w", err)
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url %w", err)
	}
	shown := *u
	shown.RawQuery, shown.Fragment = "", ""
	if q := c.query(); q != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += q
	}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConns:          maxIdle,
		MaxIdleConnsPerHost:   maxIdle,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
	}
	if c.CAFile != "" {
		if transport.TLSClientConfig, err = trusting(c.CAFile); err != nil {
			return nil, err
		}
	}
	e := &Endpoint{
		url: u.String(), shown: shown.Redacted(), timeout: c.Timeout, compress: c.Compress,
		client: &http.Client{Transport: transport}, header: http.Header{"Content-Type": {"application/json"}},
	}
	if e.timeout <= 0 {
		e.timeout = DefaultTimeout
	}
	e.header.Set("User-Agent", "parley")
	if c.BasicAuth {
		e.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString(latin1(c.Username+":"+c.Password)))
	}
	for key, v := range c.Headers.All() {
		e.header.Set(key, value.Str(v))
	}
	e.host = e.header.Get("Host")
	return e, nil
}

// CAFileError says that the file of certificates cannot be used.
type CAFileError struct{ Err error }

// Error returns what is wrong.
func (e *CAFileError) Error() string { return "reading cafile: " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *CAFileError) Unwrap() error { return e.Err }

func trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &CAFileError{err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &CAFileError{fmt.Errorf("%s holds no certificate", file)}
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// latin1 encodes credentials as aiohttp does; what Latin-1 does not have stays UTF-8.
func latin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return []byte(s)
		}
		out = append(out, byte(r))
	}
	return out
}

// URL returns the address for log lines: without query, password and token.
func (e *Endpoint) URL() string { return e.shown }

// With returns an endpoint whose calls have one more header. It shares e's connections.
func (e *Endpoint) With(name, value string) *Endpoint {
	with := *e
	with.header = e.header.Clone()
	with.header.Set(name, value)
	return &with
}

// Close closes the connections that are idle. The endpoint can still be used.
func (e *Endpoint) Close() { e.client.CloseIdleConnections() }

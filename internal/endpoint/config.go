package endpoint

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// DefaultTimeout is how long a call may take altogether, as in Rasa.
const DefaultTimeout = 5 * time.Minute

// Config is what a section of endpoints.yml says of a server.
type Config struct {
	// URL is required.
	URL string
	// Params become the query of the URL, after one it has already; a list repeats its parameter.
	Params *value.Map
	// Headers win over those of the protocol.
	Headers *value.Map
	// Username and Password are those of basic_auth; it is used when BasicAuth is true.
	BasicAuth          bool
	Username, Password string
	// Token is sent as parameter TokenName, whose default is "token".
	Token, TokenName string
	// CAFile holds the certificates that the server's is checked against. Default: those of the system.
	CAFile string
	// Timeout bounds a call from connecting to the last byte of the answer. Default: DefaultTimeout.
	Timeout time.Duration
	// Compress sends bodies with Content-Encoding: deflate.
	Compress bool
}

// FromEntry reads a section of endpoints.yml. Keys that are not about the server are left to the caller. Beside Rasa's
// keys there is request_timeout, in seconds. Errors name the place in the file.
func FromEntry(e project.Entry) (Config, error) {
	r := entryReader{entry: e}
	c := Config{
		URL:       r.text("url"),
		Params:    r.dict("params"),
		Headers:   r.dict("headers"),
		Token:     r.text("token"),
		TokenName: r.text("token_name"),
		CAFile:    r.text("cafile"),
		Timeout:   r.seconds("request_timeout"),
	}
	if auth := r.dict("basic_auth"); auth.Len() > 0 {
		c.BasicAuth, c.Username, c.Password = true, value.Str(auth.Value("username")), value.Str(auth.Value("password"))
		if !auth.Has("username") || !auth.Has("password") {
			r.fail("basic_auth", "needs username and password")
		}
	}
	if r.err == nil {
		if err := checkURL(c.URL); err != nil {
			r.fail("url", "%w", err)
		}
	}
	if _, err := os.Stat(c.CAFile); r.err == nil && c.CAFile != "" && err != nil {
		r.fail("cafile", "%w", err)
	}
	return c, r.err
}

// checkURL says what is wrong with the address of a server. The error does not repeat it: it may hold a password.
func checkURL(address string) error {
	if address == "" {
		return errors.New("is missing")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("is not an address")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must begin with http:// or https://")
	case u.Host == "":
		return errors.New("names no host")
	}
	return nil
}

// entryReader reads typed options and keeps the first error.
type entryReader struct {
	entry project.Entry
	err   error
}

func (r *entryReader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s: %s %w", r.entry.OptionPos(key), r.entry.Name, key, fmt.Errorf(format, args...))
	}
}

// text reads a text; a number is taken as it is written, since tokens often are numbers.
func (r *entryReader) text(key string) string {
	switch v := r.entry.Options.Value(key).(type) {
	case nil:
		return ""
	case *value.Map, []any, bool:
		r.fail(key, "must be a text, not %s", value.Repr(v))
		return ""
	default:
		return value.Str(v)
	}
}

func (r *entryReader) dict(key string) *value.Map {
	v := r.entry.Options.Value(key)
	m, ok := v.(*value.Map)
	if !ok && value.Truthy(v) {
		r.fail(key, "must be a mapping, not %s", value.Repr(v))
	}
	return m
}

func (r *entryReader) seconds(key string) time.Duration {
	v := r.entry.Options.Value(key)
	if v == nil {
		return 0
	}
	f, ok := value.ToFloat(v)
	if _, isText := v.(string); isText || !ok || !(f > 0) || f > 1e9 {
		r.fail(key, "must be a number of seconds, not %s", value.Repr(v))
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// Type returns the section's type, "" when it says none. As in Rasa the key store_type is taken first.
func Type(e project.Entry) string {
	for _, key := range []string{"store_type", "type"} {
		if v, ok := e.Options.Get(key); ok {
			s, _ := v.(string)
			return s
		}
	}
	return ""
}

// query returns the parameters of every call in the form of a URL's query.
func (c *Config) query() string {
	params := c.Params.Clone()
	if c.Token != "" {
		name := c.TokenName
		if name == "" {
			name = "token"
		}
		params.Set(name, c.Token)
	}
	var parts []string
	for key, v := range params.All() {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			parts = append(parts, url.QueryEscape(key)+"="+url.QueryEscape(value.Str(item)))
		}
	}
	return strings.Join(parts, "&")
}

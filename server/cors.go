package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/internal/value"
)

// cors answers for sanic-cors 2.0 as Rasa configures it: credentials allowed, the header "filename" exposed.
type cors struct {
	origins []origin
	// wildcard is true when every origin is allowed.
	wildcard bool
	// unasked is what requests without Origin get, which may be "".
	unasked string
	// vary is true when the answer depends on the request's Origin.
	vary bool
}

// origin is one allowed origin: a text, or a regular expression that matches from its beginning on.
type origin struct {
	text    string
	pattern *pyre.Regexp
}

// corsMethods are the methods that a preflight is told of.
const corsMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

const (
	headerOrigin      = "Access-Control-Allow-Origin"
	headerExpose      = "Access-Control-Expose-Headers"
	headerCredentials = "Access-Control-Allow-Credentials"
	headerMethods     = "Access-Control-Allow-Methods"
	headerHeaders     = "Access-Control-Allow-Headers"
	headerMaxAge      = "Access-Control-Max-Age"
)

var (
	valueTrue     = []string{"true"}
	valueFilename = []string{"filename"}
	valueOrigin   = []string{"Origin"}
)

// newCORS takes the values of --cors: origins, regular expressions, or * for all.
func newCORS(allowed []string) (*cors, error) {
	c := &cors{vary: len(allowed) > 1}
	var plain []string
	for _, text := range allowed {
		if text == "*" {
			text, c.wildcard = ".*", true
		}
		o := origin{text: text}
		if strings.ContainsAny(text, `*\]?`) {
			pattern, err := pyre.Compile(`\A(?:`+text+`)`, pyre.IgnoreCase)
			if err != nil {
				return nil, fmt.Errorf("--cors %q: %w", text, err)
			}
			o.pattern, c.vary = pattern, true
		} else {
			plain = append(plain, text)
		}
		c.origins = append(c.origins, o)
	}
	switch {
	case c.wildcard:
		c.unasked = "*"
	case len(plain) > 0:
		c.unasked = slices.Max(plain)
	}
	return c, nil
}

func (c *cors) allows(requested string) bool {
	return slices.ContainsFunc(c.origins, func(o origin) bool { return o.allows(requested) })
}

func (o origin) allows(requested string) bool {
	if o.pattern == nil {
		return value.Lower(o.text) == value.Lower(requested)
	}
	// A pattern that takes too long does not match.
	found, err := o.pattern.Search(requested)
	return err == nil && found
}

// apply sets the CORS headers of the answer to r.
func (c *cors) apply(h http.Header, r *http.Request) {
	allowed := c.unasked
	if requested := r.Header.Get("Origin"); requested != "" {
		if !c.allows(requested) {
			return
		}
		allowed = requested
	}
	h[headerExpose], h[headerCredentials] = valueFilename, valueTrue
	if allowed != "" {
		h[headerOrigin] = []string{allowed}
	}
	if r.Method == http.MethodOptions {
		preflight(h, r)
	}
	if c.vary && allowed != "*" {
		h["Vary"] = valueOrigin
	}
}

func preflight(h http.Header, r *http.Request) {
	method := strings.ToUpper(r.Header.Get("Access-Control-Request-Method"))
	if method == "" || !strings.Contains(corsMethods, method) {
		return
	}
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		names := strings.Split(asked, ",")
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
		slices.Sort(names)
		h[headerHeaders] = []string{strings.Join(names, ", ")}
	}
	// The text is Python's None: Rasa leaves the age open.
	h[headerMaxAge], h[headerMethods] = []string{"None"}, []string{corsMethods}
}

func dropCORS(h http.Header) {
	for _, name := range []string{headerOrigin, headerExpose, headerCredentials, headerMethods, headerHeaders, headerMaxAge, "Vary"} {
		h.Del(name)
	}
}

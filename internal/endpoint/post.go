package endpoint

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// maxAnswer bounds an answer's size in bytes.
const maxAnswer = 64 << 20

// Post sends the parts of a JSON document, one after the other, and returns the answer. The answer is nil when its
// content type is not JSON or its body is empty. The error is a *StatusError or wraps ErrConnection, ErrTimeout, ErrBody
// or, when ctx ended, the reason of that.
func (e *Endpoint) Post(ctx context.Context, body ...[]byte) (any, error) {
	limited, cancel := context.WithTimeoutCause(ctx, e.timeout, ErrTimeout)
	defer cancel()
	req, err := e.request(limited, body)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, e.failure(ctx, limited, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, e.failure(ctx, limited, err)
	}
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		return nil, &StatusError{Status: resp.StatusCode, Body: data}
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrBody, maxAnswer)
	case !isJSON(resp.Header.Get("Content-Type")):
		return nil, nil
	}
	return decode(data, resp.Header.Get("Content-Type"))
}

func (e *Endpoint) request(ctx context.Context, parts [][]byte) (*http.Request, error) {
	if e.compress {
		compressed, err := deflate(parts)
		if err != nil {
			return nil, err
		}
		parts = [][]byte{compressed}
	}
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	reader := func() (io.ReadCloser, error) {
		readers := make([]io.Reader, len(parts))
		for i, p := range parts {
			readers[i] = bytes.NewReader(p)
		}
		return io.NopCloser(io.MultiReader(readers...)), nil
	}
	body, err := reader()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, body)
	if err != nil {
		return nil, err
	}
	// GetBody lets a redirect, and a connection that turned out closed, send the body again.
	req.ContentLength, req.GetBody = int64(size), reader
	req.Header = e.header.Clone()
	if e.compress {
		req.Header.Set("Content-Encoding", "deflate")
	}
	if e.host != "" {
		req.Host = e.host
	}
	return req, nil
}

// deflate compresses in the zlib format, which is what HTTP calls deflate.
func deflate(parts [][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return out.Bytes(), nil
}

// failure tells why a call got no answer. The URL is left out of the error: it may hold the token.
func (e *Endpoint) failure(caller, limited context.Context, err error) error {
	if caller.Err() != nil {
		return context.Cause(caller)
	}
	if limited.Err() != nil {
		return fmt.Errorf("%w: waited %s", ErrTimeout, e.timeout)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		err = dns
	}
	return fmt.Errorf("%w: %w", ErrConnection, err)
}

// jsonType matches the content types that aiohttp reads as JSON; what follows does not matter to it.
var jsonType = regexp.MustCompile(`^application/([\w.+-]+\+)?json`)

func isJSON(contentType string) bool { return jsonType.MatchString(strings.ToLower(contentType)) }

func decode(data []byte, contentType string) (any, error) {
	data = bytes.Trim(data, " \t\n\r\v\f")
	if len(data) == 0 {
		return nil, nil
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		switch strings.ToLower(params["charset"]) {
		case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
			runes := make([]rune, len(data))
			for i, b := range data {
				runes[i] = rune(b)
			}
			data = []byte(string(runes))
		}
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, fmt.Errorf("%w: it begins with a byte order mark", ErrBody)
	}
	v, err := value.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	}
	return v, nil
}

package endpoint

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxDocument bounds a fetched document's size in bytes.
const maxDocument = 4 << 30

// Document is what a server keeps.
type Document struct {
	Data []byte
	// ETag is the version the server gave it, FileName the name it suggests; both may be "".
	ETag, FileName string
}

// Get fetches the document, nil when the server has none or none but the one with this ETag. The error is a
// *StatusError or wraps ErrConnection, ErrTimeout or, when ctx ended, the reason of that.
func (e *Endpoint) Get(ctx context.Context, etag string) (*Document, error) {
	limited, cancel := context.WithTimeoutCause(ctx, e.timeout, ErrTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, e.url, nil)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	if req.Header = e.header.Clone(); etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if e.host != "" {
		req.Host = e.host
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, e.failure(ctx, limited, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent, http.StatusNotModified, http.StatusNotFound:
		return nil, nil
	default:
		return nil, &StatusError{Status: resp.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil {
		return nil, e.failure(ctx, limited, err)
	}
	return &Document{Data: data, ETag: resp.Header.Get("ETag"), FileName: resp.Header.Get("filename")}, nil
}

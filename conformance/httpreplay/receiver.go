package httpreplay

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Receiver keeps what is posted to it. It is an http.Handler and safe for concurrent use.
type Receiver struct {
	mu  sync.Mutex
	got []any
	// arrived tells that there is something new.
	arrived chan struct{}
}

// NewReceiver returns a receiver without posts.
func NewReceiver() *Receiver { return &Receiver{arrived: make(chan struct{}, 1)} }

// ServeHTTP keeps a post; below /fail it is answered by 500.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var authorization any
	if a := req.Header.Get("Authorization"); a != "" {
		authorization = a
	}
	r.mu.Lock()
	r.got = append(r.got, value.NewMap("path", req.URL.Path, "content-type", req.Header.Get("Content-Type"),
		"authorization", authorization, "body", payload(raw)))
	r.mu.Unlock()
	select {
	case r.arrived <- struct{}{}:
	default:
	}
	if strings.HasPrefix(req.URL.Path, "/fail") {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

const archivePlaceholder = "<tar.gz>"

func isArchive(raw []byte) bool { return bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) }

// payload is what recordings show of a body.
func payload(raw []byte) any {
	if isArchive(raw) {
		return archivePlaceholder
	}
	if v, err := value.Decode(raw); err == nil {
		return v
	}
	return string(raw)
}

// take waits until count posts arrived and returns all there are.
func (r *Receiver) take(count int, patience time.Duration) []any {
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		r.mu.Lock()
		if len(r.got) >= count {
			out := r.got
			r.got = nil
			r.mu.Unlock()
			return out
		}
		r.mu.Unlock()
		select {
		case <-r.arrived:
		case <-end.C:
			count = 0
		}
	}
}

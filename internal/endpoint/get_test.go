package endpoint

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGet(t *testing.T) {
	for _, c := range []struct {
		name, etag string
		status     int
		want       *Document
		failed     bool
	}{
		{name: "a document", status: http.StatusOK, want: &Document{Data: []byte("data"), ETag: "v2", FileName: "m.tar.gz"}},
		{name: "nothing new", etag: "v2", status: http.StatusNotModified},
		{name: "nothing", status: http.StatusNoContent},
		{name: "not found", status: http.StatusNotFound},
		{name: "refused", status: http.StatusUnauthorized, failed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodGet, r.Method)
				assert.Equal(t, c.etag, r.Header.Get("If-None-Match"))
				assert.Equal(t, "t", r.URL.Query().Get("token"))
				w.Header().Set("ETag", "v2")
				w.Header().Set("filename", "m.tar.gz")
				w.WriteHeader(c.status)
				if c.status == http.StatusOK {
					_, err := w.Write([]byte("data"))
					assert.NoError(t, err)
				}
			}))
			defer server.Close()
			e, err := New(Config{URL: server.URL, Token: "t"})
			require.NoError(t, err)
			got, err := e.Get(context.Background(), c.etag)
			assert.Equal(t, c.want, got)
			if c.failed {
				var status *StatusError
				require.ErrorAs(t, err, &status)
				assert.Equal(t, c.status, status.Status)
			} else {
				require.NoError(t, err)
			}
		})
	}
	t.Run("a server that does not answer", func(t *testing.T) {
		stop := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
		defer server.Close()
		defer close(stop)
		e, err := New(Config{URL: server.URL, Timeout: 10 * time.Millisecond})
		require.NoError(t, err)
		_, err = e.Get(context.Background(), "")
		require.ErrorIs(t, err, ErrTimeout)
	})
}

package httpreplay

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// headers are those that recordings have, beside the ones for CORS.
var headers = []string{
	"Allow", "Content-Disposition", "Content-Type", "Filename", "Location", "Set-Cookie", "Vary", "Www-Authenticate",
}

// answer is a response in the form of recordings.
func answer(r *http.Response, raw []byte) *value.Map {
	found := &value.Map{}
	for name, values := range r.Header {
		if slices.Contains(headers, name) || strings.HasPrefix(name, "Access-Control-") {
			found.Set(strings.ToLower(name), strings.Join(values, " || "))
		}
	}
	if len(r.TransferEncoding) > 0 {
		found.Set("transfer-encoding", strings.Join(r.TransferEncoding, ", "))
	}
	kind, body := "none", any(nil)
	switch {
	case isArchive(raw):
		kind, body = "binary", archivePlaceholder
	case len(raw) > 0:
		kind, body = "text", any(string(raw))
		if strings.Contains(r.Header.Get("Content-Type"), "json") {
			if v, err := value.Decode(raw); err == nil {
				kind, body = "json", v
			}
		}
	case r.ContentLength >= 0 && r.StatusCode != http.StatusNoContent:
		found.Set("content-length", strconv.FormatInt(r.ContentLength, 10))
	}
	return value.NewMap("status", int64(r.StatusCode), "headers", found, "body", body, "body_is", kind)
}

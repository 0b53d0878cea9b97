package shortcut

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// head is what stands before every answer, in the order of net/http: the headers of the configuration and
// Content-Length sorted by name, then Date.
type head struct {
	// before ends with "Content-Length: ", after with "Date: ".
	before, after string
	date          atomic.Pointer[date]
}

// date is a second as HTTP writes it.
type date struct {
	second int64
	text   string
}

const (
	lengthName = "Content-Length"
	lastHeader = "\r\nConnection: close"
)

func newHead(header http.Header) (*head, error) {
	all := http.Header{lengthName: {""}}
	maps.Copy(all, header)
	var buffer bytes.Buffer
	if err := all.Write(&buffer); err != nil {
		return nil, fmt.Errorf("writing the headers of answers: %w", err)
	}
	before, after, _ := bytes.Cut(buffer.Bytes(), []byte(lengthName+": "))
	return &head{
		before: "HTTP/1.1 200 OK\r\n" + string(before) + lengthName + ": ",
		after:  string(after) + "Date: ",
	}, nil
}

// append appends the head of an answer of length bytes to dst. last announces that the connection will be closed.
func (h *head) append(dst []byte, length int, now time.Time, last bool) []byte {
	dst = strconv.AppendInt(append(dst, h.before...), int64(length), 10)
	dst = append(append(dst, h.after...), h.dateOf(now)...)
	if last {
		dst = append(dst, lastHeader...)
	}
	return append(dst, "\r\n\r\n"...)
}

func (h *head) dateOf(now time.Time) string {
	second := now.Unix()
	if d := h.date.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &date{second, now.UTC().Format(http.TimeFormat)}
	h.date.Store(d)
	return d.text
}

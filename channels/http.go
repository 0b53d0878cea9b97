package channels

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/internal/value"
)

// MaxBody is the largest request body in bytes (REQUEST_MAX_SIZE of Sanic).
const MaxBody = 100_000_000

// bodyTimeout is how long a client may take to send its body (REQUEST_TIMEOUT of Sanic).
const bodyTimeout = 60 * time.Second

// ErrNotJSON is what Sanic answers to a body that should be JSON and is not.
var ErrNotJSON = echo.NewHTTPError(http.StatusBadRequest, "Failed when parsing body as json")

// body is a request body that was read.
type body struct{ data []byte }

func (b *body) Read(p []byte) (int, error) {
	if len(b.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

// Body returns the whole body of the request. It may be called again.
func Body(c echo.Context) ([]byte, error) {
	r := c.Request()
	if b, ok := r.Body.(*body); ok {
		return b.data, nil
	}
	if r.ContentLength > MaxBody {
		return nil, echo.NewHTTPError(http.StatusRequestEntityTooLarge, "Request body exceeds the size limit")
	}
	data, err := readBody(c.Response(), r)
	if err != nil {
		return nil, err
	}
	r.Body = &body{data}
	return data, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	control := http.NewResponseController(w)
	// Servers of tests have no deadlines; a client that never sends its body is their own problem.
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	var data []byte
	var err error
	if r.ContentLength > 0 {
		// The length is only a promise: room for more than it grows as the bytes come.
		data, err = readAll(r.Body, make([]byte, 0, min(r.ContentLength+1, 1<<20)))
	} else {
		data, err = readAll(io.LimitReader(r.Body, MaxBody+1), nil)
	}
	if err != nil {
		// The deadline stays, so that nobody waits for the rest.
		return nil, echo.NewHTTPError(http.StatusBadRequest, "Bad Request").SetInternal(fmt.Errorf("reading the body: %w", err))
	}
	_ = control.SetReadDeadline(time.Time{})
	if len(data) > MaxBody {
		return nil, echo.NewHTTPError(http.StatusRequestEntityTooLarge, "Request body exceeds the size limit")
	}
	return data, nil
}

func readAll(r io.Reader, data []byte) ([]byte, error) {
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// JSON returns the body as JSON, nil when it is empty (request.json of Sanic). The content type does not matter. The
// error is ErrNotJSON or one of Body.
func JSON(c echo.Context) (any, error) {
	data, err := Body(c)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	v, err := value.DecodeBody(data)
	if err != nil {
		return nil, ErrNotJSON
	}
	return v, nil
}

// JSONObject is JSON for a body that must be an object: anything else is an error like Python's for a missing
// attribute, which is answered by status 500.
func JSONObject(c echo.Context) (*value.Map, error) {
	v, err := JSON(c)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'get'", value.TypeName(v))
	}
	return m, nil
}

// Content types as Sanic writes them.
const (
	TypeJSON = "application/json"
	TypeText = "text/plain; charset=utf-8"
)

var (
	jsonHeader = []string{TypeJSON}
	buffers    = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}
)

// maxPooled is the size up to which buffers are kept for the next answer.
const maxPooled = 1 << 16

// WriteJSON answers with v as sanic.response.json writes it.
func WriteJSON(c echo.Context, status int, v any) error {
	p := buffers.Get().(*[]byte)
	data := value.Append((*p)[:0], v, value.Sanic)
	c.Response().Header()["Content-Type"] = jsonHeader
	err := write(c, status, data)
	if cap(data) <= maxPooled {
		*p = data
		buffers.Put(p)
	}
	return err
}

// WriteText answers with text of a content type.
func WriteText(c echo.Context, status int, contentType, text string) error {
	c.Response().Header()["Content-Type"] = []string{contentType}
	return write(c, status, []byte(text))
}

func write(c echo.Context, status int, data []byte) error {
	w := c.Response()
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(data))}
	w.WriteHeader(status)
	_, err := w.Write(data)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// Health is the handler of a channel's root: it answers {"status": "ok"}.
func Health(c echo.Context) error {
	return WriteJSON(c, http.StatusOK, value.NewMap("status", "ok"))
}

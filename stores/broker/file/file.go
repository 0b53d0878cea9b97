// Package file appends events to a file as Rasa's FileEventBroker does (rasa/core/brokers/file.py, 3.6.21): a line an
// event, json.dumps as its text.
//
// What is different: the events of a Publish are one write, and are on the disk when it returns. The file is opened by the
// first Publish, and opened again when another one has its name, as after a rotation. Several processes may write to one
// file.
package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// defaultPath is FileEventBroker.DEFAULT_LOG_FILE_NAME.
const defaultPath = "rasa_event.log"

func init() {
	stores.Brokers.Register(component.Spec{
		Name:    "file",
		Summary: "Appends events to a file, a line of JSON each.",
		Source:  "rasa/core/brokers/file.py FileEventBroker",
		Fields: []component.Field{
			{Name: "path", Kind: component.String, Default: defaultPath, Doc: "The file. Its folder must exist."},
		},
	}, build)
}

type options struct {
	Path string `option:"path"`
}

func build(cfg component.Config) (stores.Broker, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	if o.Path == "" {
		o.Path = defaultPath // as in Rasa
	}
	return New(o.Path, cfg.Env.Now), nil
}

// Broker is a stores.Broker that appends to a file. It is safe for concurrent use.
type Broker struct {
	path string
	now  func() time.Time

	mu     sync.Mutex // for all below
	file   *os.File   // nil while it is not open
	closed bool
	// torn is true when the file's last line may lack its end.
	torn bool
}

var _ stores.Broker = (*Broker)(nil)

var errClosed = errors.New("the event broker is closed")

// New returns a Broker that appends to the file at path. now tells the time of deletions, nil for time.Now.
func New(path string, now func() time.Time) *Broker {
	if now == nil {
		now = time.Now
	}
	return &Broker{path: path, now: now}
}

// Publish implements stores.Broker. Errors of the file wrap stores.ErrUnavailable: a disk may have room again.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	var lines []byte
	for i := range list {
		for j := range list[i].Events {
			lines = appendLine(lines, list[i].Body(j))
		}
	}
	return b.write(ctx, lines)
}

// Forget implements stores.Broker by an event stores.EventDeleted: lines that are there stay.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	seconds := float64(b.now().UnixMicro()) / 1e6
	return b.write(ctx, appendLine(nil, value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", seconds)))
}

func appendLine(dst []byte, m *value.Map) []byte {
	return append(value.Append(dst, m, value.JSON), '\n')
}

func (b *Broker) write(ctx context.Context, lines []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	if len(lines) == 0 {
		return nil
	}
	if err := b.append(lines); err != nil {
		b.drop()
		return fmt.Errorf("writing events: %w: %w", stores.ErrUnavailable, err)
	}
	return nil
}

// append writes whole lines through to the disk.
func (b *Broker) append(lines []byte) error {
	if err := b.open(); err != nil {
		return err
	}
	if b.torn {
		// What is there of the line is left for readers to pass over; its event comes again.
		lines = append([]byte{'\n'}, lines...)
	}
	n, err := b.file.Write(lines)
	if err != nil {
		if n > 0 {
			b.torn = !bytes.HasSuffix(lines[:n], []byte{'\n'})
		}
		return err
	}
	b.torn = false
	return b.file.Sync()
}

// open makes sure that file is the one that path names.
func (b *Broker) open() error {
	if b.file != nil {
		named, err := os.Stat(b.path)
		if err == nil {
			var own os.FileInfo
			if own, err = b.file.Stat(); err == nil && os.SameFile(named, own) {
				return nil
			}
		}
		b.drop()
	}
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	torn, err := endsTorn(f)
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("reading the end of %s: %w", b.path, err)
	}
	syncFolder(filepath.Dir(b.path))
	b.file, b.torn = f, torn
	return nil
}

// syncFolder writes the name of a new file through to the disk, where a system can do that.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// endsTorn reports whether the last line of a file has no end, as after the end of a machine.
func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return last[0] != '\n', nil
}

func (b *Broker) drop() {
	if b.file != nil {
		_ = b.file.Close()
		b.file = nil
	}
}

// Close implements stores.Broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.drop()
	return nil
}

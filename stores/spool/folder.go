package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// record is a turn as a file holds it.
type record struct {
	SenderID string
	// Count is how many events the conversation had.
	Count int
	// Events are those that the turn added, in their JSON form.
	Events           []any
	ID               string
	Deliver, Replace bool
	// Message is what the turn answered, nil for nothing.
	Message *value.Map
	Time    time.Time
}

func newRecord(turn *stores.Turn) record {
	r := record{SenderID: turn.Tracker.SenderID, Count: turn.At.Count, ID: turn.ID, Deliver: turn.Deliver, Replace: turn.Replace, Time: time.Now()}
	for _, e := range turn.New() {
		r.Events = append(r.Events, tracker.AsMap(e))
	}
	if turn.Input != nil {
		r.Message = turn.Input.Pack()
	}
	return r
}

func (r *record) events() ([]tracker.Event, error) {
	list := make([]tracker.Event, 0, len(r.Events))
	for _, item := range r.Events {
		m, _ := item.(*value.Map)
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, fmt.Errorf("reading a turn of %q: %w", r.SenderID, err)
		}
		if e != nil {
			list = append(list, e)
		}
	}
	return list, nil
}

func (r *record) encode() []byte {
	m := value.NewMap("sender_id", r.SenderID, "count", int64(r.Count), "id", r.ID, "deliver", r.Deliver, "replace", r.Replace,
		"time", float64(r.Time.UnixMicro())/1e6, "events", r.Events)
	if r.Message != nil {
		m.Set("message", r.Message)
	}
	return value.Encode(m, value.JSON)
}

func decode(data []byte) (*record, error) {
	m, err := value.DecodeObject(data)
	if err != nil {
		return nil, err
	}
	count, ok := m.Value("count").(int64)
	if !ok || m.String("sender_id") == "" && !m.Has("sender_id") {
		return nil, errors.New("no waiting turn")
	}
	seconds, _ := value.ToFloat(m.Value("time"))
	r := &record{SenderID: m.String("sender_id"), Count: int(count), ID: m.String("id"), Deliver: value.Truthy(m.Value("deliver")),
		Replace: value.Truthy(m.Value("replace")), Events: m.List("events"), Message: m.Map("message"), Time: time.UnixMicro(int64(seconds * 1e6))}
	if _, err := r.events(); err != nil {
		return nil, err
	}
	return r, nil
}

const (
	suffix  = ".turn"
	partial = ".part"
)

// folder holds a file for each waiting turn. Their names sort by the time they began to wait.
type folder string

// write keeps a turn for good: it is on the disk when it returns.
func (d folder) write(r *record) (name string, err error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return "", fmt.Errorf("making the folder of waiting turns: %w", err)
	}
	f, err := os.CreateTemp(string(d), fmt.Sprintf("%020d-*%s", time.Now().UnixNano(), partial))
	if err != nil {
		return "", fmt.Errorf("keeping a turn: %w", err)
	}
	_, err = f.Write(r.encode())
	err = errors.Join(err, f.Sync(), f.Close())
	name = strings.TrimSuffix(filepath.Base(f.Name()), partial) + suffix
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(string(d), name))
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("keeping a turn: %w", err), os.Remove(f.Name()))
	}
	return name, nil
}

func (d folder) remove(name string) error {
	err := os.Remove(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing a turn that is stored: %w", err)
	}
	return d.sync()
}

// sync makes sure that names are on the disk, too.
func (d folder) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// read returns what waits, oldest first.
func (d folder) read() ([]*waitingTurn, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder of waiting turns: %w", err)
	}
	var list []*waitingTurn
	for _, e := range entries {
		path := filepath.Join(string(d), e.Name())
		if strings.HasSuffix(e.Name(), partial) { // of a process that died before it said that the turn waits
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("clearing the folder of waiting turns: %w", err)
			}
		}
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		data, err := os.ReadFile(path)
		var r *record
		if err == nil {
			r, err = decode(data)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the waiting turn %s: %w", path, err)
		}
		list = append(list, &waitingTurn{record: *r, name: e.Name()})
	}
	slices.SortFunc(list, func(a, b *waitingTurn) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

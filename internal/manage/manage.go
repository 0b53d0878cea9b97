// Package manage is what operators do with stored conversations: list and search them, delete them with a proof, delete
// old ones, write them to a file and read them back. It works on contracts only, so that a server and the command line do
// the same with any store.
package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

const (
	// pageSize is how many ids are asked for in one go.
	pageSize = 200
	// defaultLockTimeout is how long a deletion waits for a turn under way.
	defaultLockTimeout = 30 * time.Second
)

// Config says what a Manager works on. Store is required; a part that is nil is not there.
type Config struct {
	// Store has the conversations, with what waits for it in front of it.
	Store stores.TrackerStore
	// Notes are the notes of the store on what has to be delivered.
	Notes  stores.Outbox
	Locks  stores.Locker
	Timers stores.Timers
	Inbox  stores.Inbox
	// Forget tells event brokers of a deletion.
	Forget func(ctx context.Context, senderID string) error
	// Factory returns the factory of trackers of the model in use, nil without one: conversations are read without a
	// domain then, and have no slots.
	Factory func() *tracker.Factory
	// LockTimeout is how long a deletion waits for a turn under way. Default: 30 seconds.
	LockTimeout time.Duration
	Logger      *slog.Logger
	Now         func() time.Time
}

// Manager works on stored conversations. It is safe for concurrent use.
type Manager struct {
	cfg  Config
	bare *tracker.Factory
}

// New returns a Manager. It owns none of the parts.
func New(cfg Config) *Manager {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.LockTimeout == 0 {
		cfg.LockTimeout = defaultLockTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Manager{cfg: cfg, bare: withSlots()}
}

// factory returns the factory to read conversations with. The slots named exist, whatever the model has.
func (m *Manager) factory(slots ...string) *tracker.Factory {
	if m.cfg.Factory != nil {
		if f := m.cfg.Factory(); f != nil {
			return f
		}
	}
	if len(slots) == 0 {
		return m.bare
	}
	return withSlots(slots...)
}

// withSlots returns the factory of a domain that has these slots, of any value, and nothing else.
func withSlots(names ...string) *tracker.Factory {
	slots := &value.Map{}
	for _, name := range names {
		mapping := value.NewMap("type", "custom")
		slots.Set(name, value.NewMap("type", "any", "mappings", []any{mapping}))
	}
	// JSON is YAML, and what is unusual in a name is escaped in it.
	domain, problems := project.ParseDomain(value.Encode(value.NewMap("version", "3.1", "slots", slots), value.JSON), "")
	if problems.Err() != nil {
		domain, _ = project.ParseDomain([]byte(`version: "3.1"`), "")
	}
	return tracker.NewFactory(domain)
}

// canonical is the form of JSON that hashes are made of: keys sorted, no spaces, ASCII only, as Python's
// json.dumps(x, sort_keys=True, separators=(",", ":")).
const canonical = value.Compact | value.SortKeys

// Hash returns the SHA-256, in hex, of the list of events in canonical JSON.
func Hash(events []tracker.Event) string {
	h := sha256.New()
	h.Write([]byte{'['})
	var line []byte
	for i, e := range events {
		line = line[:0]
		if i > 0 {
			line = append(line, ',')
		}
		line = value.Append(line, tracker.AsMap(e), canonical)
		h.Write(line)
	}
	h.Write([]byte{']'})
	return hex.EncodeToString(h.Sum(nil))
}

// ids calls each with the id of every conversation that may match, in order, those after the id after. It stops when each
// returns false or an error.
func (m *Manager) ids(ctx context.Context, q stores.Query, after string, each func(id string) (bool, error)) error {
	for {
		page, err := m.cfg.Store.IDs(ctx, q, after, pageSize)
		if err != nil {
			return err
		}
		for _, id := range page {
			if on, err := each(id); err != nil || !on {
				return err
			}
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1]
	}
}

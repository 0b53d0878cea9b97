// Package mongo keeps conversations in MongoDB, in the documents of Rasa's MongoTrackerStore (rasa/core/tracker_store.py,
// 3.6.21): one a conversation, with the fields of its current state and the list of all its events. Nodes of Rasa and of
// parley may use the same collection at the same time.
//
// A turn is one read, which transfers only the events that are new, and one update, which takes place only if the list is
// as long as it was and ends with the same event. What Rasa has no place for is in the field _parley, which it keeps and
// passes over; the field is there only while it is needed:
//
//   - the commits that are not delivered yet,
//   - how many events were moved out of the document (see segment.go),
//   - a generation, after the whole conversation was replaced.
//
// No server makes sure that a conversation has only one document, since Rasa's index of sender_id is not unique and Rasa
// does not start with one that is. Nodes of parley that begin a conversation at the same moment collide on its _id. A node
// of Rasa that begins it at that moment, too, may add a second document, as two nodes of Rasa may; then both sorts of nodes
// go on with the older one. Duplicates tells of them.
//
// MongoDB 4.2 and later will do. Neither transactions nor pipelines in updates are used.
package mongo

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// The values of option segments.
const (
	// SegmentSessions moves sessions that ended.
	SegmentSessions = "sessions"
	// SegmentAlways moves older events of the running session as well.
	SegmentAlways = "always"
	// SegmentOff leaves all events in the document.
	SegmentOff = "off"
)

// Defaults of the options; the first ones are Rasa's.
const (
	defaultURL        = "mongodb://localhost:27017"
	defaultDB         = "rasa"
	defaultAuthSource = "admin"
	defaultCollection = "conversations"
	// DefaultSegmentEvents is how many events a document may have before some are moved.
	DefaultSegmentEvents = 2000
)

// Collections beside that of the conversations.
const (
	segmentsSuffix  = "_segments"
	timerCollection = "parley_timers"
)

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "mongod",
		Summary: "Keeps conversations in MongoDB, in Rasa's documents, together with nodes of Rasa.",
		Source:  "rasa/core/tracker_store.py MongoTrackerStore",
		Fields: append(connectionFields, []component.Field{
			{Name: "segments", Kind: component.String, Default: SegmentSessions, Choices: []string{SegmentSessions, SegmentAlways, SegmentOff},
				Doc: "What is moved out of long documents: sessions that ended, always (older events of the running session, too; " +
					"nodes of Rasa then see its end and the slots), or off."},
			{Name: "segment_events", Kind: component.Int, Default: int64(DefaultSegmentEvents),
				Doc: "How many events a document may have before some are moved, and the most that are moved into one segment."},
		}...),
	}, build)
}

// Config says how a Log works.
type Config struct {
	// Client is how the server is reached.
	Client *options.ClientOptions
	// DB and Collection hold the conversations. Default: Rasa's.
	DB, Collection string
	// Segments is one of SegmentSessions (the default), SegmentAlways and SegmentOff.
	Segments string
	// SegmentEvents is how many events a document may have. Default: DefaultSegmentEvents.
	SegmentEvents int
	Env           component.Env
}

// Log is an eventlog.Log and a stores.TimerStore in MongoDB. It is safe for concurrent use.
type Log struct {
	client        *mongo.Client
	conversations *mongo.Collection
	segments      *mongo.Collection
	timers        *Timers
	mode          string
	segmentEvents int
	// bytesLimit is the size of a list of events from which a part is moved, whatever the mode, in bytes.
	bytesLimit int
	log        *slog.Logger
	now        func() time.Time

	mu sync.Mutex
	// prepared is nil before the first use and after an attempt that failed.
	prepared *preparation
	// stop ends what runs in the background, done waits for it.
	stop context.CancelFunc
	done sync.WaitGroup
}

var (
	_ eventlog.Log      = (*Log)(nil)
	_ stores.TimerStore = (*Log)(nil)
)

// nearlyFull is when a document comes near MongoDB's limit of 16 MiB, in bytes.
const nearlyFull = 12 << 20

func build(cfg component.Config) (stores.TrackerStore, error) {
	var o storeOptions
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	client, err := o.client(&cfg)
	if err != nil {
		return nil, err
	}
	switch o.Segments {
	case SegmentSessions, SegmentAlways, SegmentOff:
	default:
		return nil, cfg.OptionError("segments", "must be %s, %s or %s, not %q", SegmentSessions, SegmentAlways, SegmentOff, o.Segments)
	}
	if o.SegmentEvents < minSegment {
		return nil, cfg.OptionError("segment_events", "must be at least %d", minSegment)
	}
	l, err := Open(Config{Client: client, DB: o.DB, Collection: o.Collection, Segments: o.Segments, SegmentEvents: o.SegmentEvents, Env: cfg.Env})
	if err != nil {
		return nil, cfg.OptionError("url", "cannot be used: %v", err)
	}
	return eventlog.New(l, eventlog.Config{}), nil
}

// Open returns the log of the conversations in a collection. It does not wait for the server.
func Open(cfg Config) (*Log, error) {
	cfg.DB, cfg.Collection = or(cfg.DB, defaultDB), or(cfg.Collection, defaultCollection)
	cfg.Segments = or(cfg.Segments, SegmentSessions)
	if cfg.SegmentEvents == 0 {
		cfg.SegmentEvents = DefaultSegmentEvents
	}
	env := cfg.Env.WithDefaults()
	client, err := mongo.Connect(cfg.Client)
	if err != nil {
		return nil, err
	}
	db := client.Database(cfg.DB)
	l := &Log{client: client, mode: cfg.Segments, segmentEvents: cfg.SegmentEvents, bytesLimit: nearlyFull, log: env.Logger, now: env.Now,
		conversations: db.Collection(cfg.Collection), segments: db.Collection(cfg.Collection + segmentsSuffix)}
	l.timers = &Timers{log: l, collection: db.Collection(timerCollection)}
	return l, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Cut implements eventlog.Log.
func (l *Log) Cut() eventlog.Cut { return eventlog.AtSessionStarted }

// Timers implements stores.TimerStore.
func (l *Log) Timers() stores.Timers { return l.timers }

// Close implements eventlog.Log.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	l.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := l.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("closing the connection to MongoDB: %w", err)
	}
	return nil
}

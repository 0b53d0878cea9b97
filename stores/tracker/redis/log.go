package redis

import (
	"sync"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "redis",
		Summary: "Keeps conversations in Redis, in the keys and bytes of Rasa's store, alone, under Sentinel or on a Cluster.",
		Source:  "rasa/core/tracker_store.py RedisTrackerStore",
		Fields: append(redisclient.Fields(0),
			component.Field{Name: "record_exp", Kind: component.Float,
				Doc: "Seconds after its last turn at which a conversation expires; without it never."},
			component.Field{Name: "segments", Kind: component.String, Default: segmentSessions,
				Choices: []string{segmentSessions, segmentAlways, segmentOff},
				Doc: "What of a long conversation moves to a key of its own, which Rasa does not read: closed sessions, `always` also " +
					"old parts of the running one, or nothing (`off`). Not in Rasa."},
			component.Field{Name: "segment_events", Kind: component.Int, Default: int64(defaultSegmentEvents),
				Doc: "How many events a conversation has in Rasa's key before that happens. Not in Rasa."},
			component.Field{Name: "wait_replicas", Kind: component.Int, Default: int64(0),
				Doc: "How many replicas must have a turn before it counts as stored (WAIT). Not in Rasa."},
			component.Field{Name: "wait_timeout", Kind: component.Float, Default: defaultWait.Seconds(),
				Doc: "Seconds to wait for them; then the turn is given to another try. Not in Rasa."},
		),
	}, func(cfg component.Config) (stores.TrackerStore, error) {
		l, err := build(cfg)
		if err != nil {
			return nil, err
		}
		return eventlog.New(l, eventlog.Config{}), nil
	})
}

const (
	segmentSessions = "sessions"
	segmentAlways   = "always"
	segmentOff      = "off"

	defaultSegmentEvents = 2000
	defaultWait          = time.Second
)

// Config says how a Log works. The zero Config is that of Rasa's store.
type Config struct {
	// Expiry is how long a conversation lives after its last turn; 0 for ever.
	Expiry time.Duration
	// SegmentEvents is how many events a value has before some move to a segment: those of closed sessions and, with
	// SplitSessions, old ones of the running session. 0: none.
	SegmentEvents int
	SplitSessions bool
	// WaitReplicas is how many replicas must have a turn within WaitTimeout.
	WaitReplicas int
	WaitTimeout  time.Duration
}

// Log is an eventlog.Log in Redis. Its methods are safe for concurrent use.
type Log struct {
	client *redisclient.Client
	cfg    Config
	keys   keys

	mu sync.Mutex // held for the fields below
	// listing is the last list of conversations, for who asks page by page.
	listing listing
	// slots are those of a Cluster that are known to be in the set of slots, with the time.
	slots map[int]time.Time
}

var (
	_ eventlog.Log      = (*Log)(nil)
	_ stores.TimerStore = (*Log)(nil)
)

// New returns the log of the conversations that client sees. The client is closed with it.
func New(client *redisclient.Client, cfg Config) *Log {
	return &Log{client: client, cfg: cfg, keys: keys{client.Prefix, client.Cluster}, slots: map[int]time.Time{}}
}

type options struct {
	Expiry        any     `option:"record_exp"`
	Segments      string  `option:"segments"`
	SegmentEvents int     `option:"segment_events"`
	WaitReplicas  int     `option:"wait_replicas"`
	WaitTimeout   float64 `option:"wait_timeout"`
}

func build(cfg component.Config) (*Log, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	c, err := o.config(&cfg)
	if err != nil {
		return nil, err
	}
	client, err := redisclient.New(cfg)
	if err != nil {
		return nil, err
	}
	return New(client, c), nil
}

func (o *options) config(cfg *component.Config) (Config, error) {
	c := Config{WaitReplicas: o.WaitReplicas, WaitTimeout: time.Duration(o.WaitTimeout * float64(time.Second))}
	if value.Truthy(o.Expiry) {
		seconds, ok := value.ToFloat(o.Expiry)
		if !ok || !(seconds >= 0.001) || seconds > 1e11 {
			return c, cfg.OptionError("record_exp", "must be a number of seconds, not %s", value.Repr(o.Expiry))
		}
		c.Expiry = time.Duration(min(seconds, 9e9) * float64(time.Second))
	}
	switch o.Segments {
	case segmentSessions, segmentAlways:
		c.SegmentEvents, c.SplitSessions = o.SegmentEvents, o.Segments == segmentAlways
	case segmentOff:
	default:
		return c, cfg.OptionError("segments", "must be sessions, always or off, not %q", o.Segments)
	}
	switch {
	case o.SegmentEvents < minSegmentEvents:
		return c, cfg.OptionError("segment_events", "must be %d or more", minSegmentEvents)
	case o.WaitReplicas < 0:
		return c, cfg.OptionError("wait_replicas", "must not be negative")
	case !(o.WaitTimeout >= 0.001) || o.WaitTimeout > 1e6: // WAIT 0 would wait for ever
		return c, cfg.OptionError("wait_timeout", "must be a number of seconds above 0")
	}
	return c, nil
}

// minSegmentEvents leaves room for the last turns, which policies look at, behind a cut.
const minSegmentEvents = 20

// Cut implements eventlog.Log.
func (l *Log) Cut() eventlog.Cut { return eventlog.AtActionSessionStart }

// Close implements eventlog.Log.
func (l *Log) Close() error { return l.client.Close() }

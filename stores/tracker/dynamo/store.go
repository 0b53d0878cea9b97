package dynamo

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// Defaults of the options; the first two are Rasa's.
const (
	DefaultTable  = "states"
	DefaultRegion = "us-east-1"
	// DefaultSegmentBytes leaves room below DynamoDB's 400 KB for a node of Rasa to go on with the item.
	DefaultSegmentBytes = 250_000
)

// Bounds of option segment_bytes.
const (
	minSegmentBytes = 2_000
	maxSegmentBytes = 350_000
)

// What ends the names of parley's own tables.
const (
	outboxSuffix   = "_outbox"
	segmentsSuffix = "_segments"
	timersSuffix   = "_timers"
)

// callTimeout is how long one attempt of a request may take.
const callTimeout = 5 * time.Second

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "dynamo",
		Summary: "Keeps conversations in DynamoDB, in Rasa's items, together with nodes of Rasa.",
		Source:  "rasa/core/tracker_store.py DynamoTrackerStore",
		Fields: []component.Field{
			{Name: "table_name", Kind: component.String, Default: DefaultTable, Doc: "The table of the conversations. It is created when it is not there."},
			{Name: "region", Kind: component.String, Default: DefaultRegion, Doc: "The region of AWS. Credentials are found as by all programs of AWS: environment, " +
				"shared files, role of the machine."},
			{Name: "endpoint_url", Kind: component.String, Doc: "Another address than AWS's own, http:// or https://, for DynamoDB Local or a private endpoint."},
			{Name: "segment_bytes", Kind: component.Int, Default: int64(DefaultSegmentBytes),
				Doc: "How large an item may be before older events are moved to the table of segments. A write costs by the size of the item."},
		},
	}, build)
}

type storeOptions struct {
	Table        string `option:"table_name"`
	Region       string `option:"region"`
	Endpoint     string `option:"endpoint_url"`
	SegmentBytes int    `option:"segment_bytes"`
}

// Config says how a Log works.
type Config struct {
	Client *dynamodb.Client
	// Table holds the conversations. Default: DefaultTable.
	Table string
	// SegmentBytes is how large an item may become. Default: DefaultSegmentBytes.
	SegmentBytes int
	Env          component.Env
}

// Log is an eventlog.Log and a stores.TimerStore in DynamoDB. It is safe for concurrent use.
type Log struct {
	client       *dynamodb.Client
	tables       *tables
	table        string
	segmentBytes int
	timers       *Timers
	log          *slog.Logger
	now          func() time.Time
	// newID makes parts of keys.
	newID func() string
	// copyLimit is the size of a conversation's notes from which new ones do not hold the events, in bytes: they are looked
	// up in the conversation then.
	copyLimit int
}

var (
	_ eventlog.Log      = (*Log)(nil)
	_ stores.TimerStore = (*Log)(nil)
)

func build(cfg component.Config) (stores.TrackerStore, error) {
	var o storeOptions
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	if o.Table == "" {
		return nil, cfg.OptionError("table_name", "must not be empty")
	}
	if o.SegmentBytes < minSegmentBytes || o.SegmentBytes > maxSegmentBytes {
		return nil, cfg.OptionError("segment_bytes", "must be from %d to %d", minSegmentBytes, maxSegmentBytes)
	}
	if u, err := url.Parse(o.Endpoint); o.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, cfg.OptionError("endpoint_url", "must begin with http:// or https://")
	}
	client, err := NewClient(context.Background(), o.Region, o.Endpoint)
	if err != nil {
		return nil, cfg.OptionError("region", "cannot be used: %v", err)
	}
	return eventlog.New(Open(Config{Client: client, Table: o.Table, SegmentBytes: o.SegmentBytes, Env: cfg.Env}), eventlog.Config{}), nil
}

// NewClient returns a client with the credentials of the environment. It sends nothing. Region "" is DefaultRegion, endpoint ""
// AWS's own or what AWS_ENDPOINT_URL says.
func NewClient(ctx context.Context, region, endpoint string) (*dynamodb.Client, error) {
	if region == "" {
		region = DefaultRegion
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region),
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)),
		awsconfig.WithRetryer(func() aws.Retryer { return retryer() }),
		// What goes wrong is returned; the rest is not for those who run a bot.
		awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of AWS: %w", err)
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}), nil
}

// Open returns the log of the conversations in a table. It does not wait for the server.
func Open(cfg Config) *Log {
	if cfg.Table == "" {
		cfg.Table = DefaultTable
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = DefaultSegmentBytes
	}
	env := cfg.Env.WithDefaults()
	t := &tables{client: cfg.Client}
	l := &Log{client: cfg.Client, tables: t, table: cfg.Table, segmentBytes: cfg.SegmentBytes, log: env.Logger, now: env.Now,
		newID: newID, copyLimit: copyLimit}
	l.timers = &Timers{client: cfg.Client, tables: t, table: cfg.Table + timersSuffix}
	return l
}

// Cut implements eventlog.Log.
func (l *Log) Cut() eventlog.Cut { return eventlog.NoCut }

// Timers implements stores.TimerStore.
func (l *Log) Timers() stores.Timers { return l.timers }

// Close implements eventlog.Log. Connections end when they are idle for a while.
func (l *Log) Close() error { return nil }

func (l *Log) outboxTable() string   { return l.table + outboxSuffix }
func (l *Log) segmentsTable() string { return l.table + segmentsSuffix }

// ready makes sure that the tables of every turn exist, like Rasa at its start.
func (l *Log) ready(ctx context.Context) error {
	if err := l.tables.need(ctx, conversationsOf(l.table)); err != nil {
		return err
	}
	return l.tables.need(ctx, conversationsOf(l.outboxTable()))
}

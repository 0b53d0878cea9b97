// Package nats publishes events to a stream of NATS JetStream. Rasa has no such broker; bodies are those that its brokers
// send (json.dumps of the event with sender_id).
//
// Each conversation has a subject: the option subject, and behind a dot the sender_id, percent-encoded as in the query of a
// URL with dots as %2E, so that readers can choose. Nats-Msg-Id is the event's id: the stream drops what is published again
// within its duplicate window.
//
// Events of different conversations are under way together. One of a conversation is sent when the one before it is
// stored: a stream with replicas may take a message and lose the one sent before it, when its leader changes.
package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Brokers.Register(component.Spec{
		Name:    "nats",
		Summary: "Publishes events to NATS JetStream, by default in a server inside parley.",
		Fields: append(natsnode.Fields(),
			component.Field{Name: "stream", Kind: component.String, Default: "PARLEY_EVENTS", Doc: "The stream that keeps the events. It is made if it is not there; one that is there is used as it is and must take the subjects."},
			component.Field{Name: "subject", Kind: component.String, Default: "parley.events", Doc: "What the subjects of events begin with; the sender's id follows behind a dot."},
			component.Field{Name: "replicas", Kind: component.Int, Default: int64(1), Doc: "How many servers of a NATS cluster keep each event, for a stream that is made."},
			component.Field{Name: "max_age", Kind: component.Float, Default: 2592000.0, Doc: "For how many seconds events are kept by a stream that is made; 0 for ever."},
			component.Field{Name: "duplicate_window", Kind: component.Float, Default: 600.0, Doc: "For how many seconds a stream that is made drops events that are published again."},
		),
	}, build)
}

type settings struct {
	Stream          string  `option:"stream"`
	Subject         string  `option:"subject"`
	Replicas        int     `option:"replicas"`
	MaxAge          float64 `option:"max_age"`
	DuplicateWindow float64 `option:"duplicate_window"`
}

var (
	streamName  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	subjectName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

func build(cfg component.Config) (stores.Broker, error) {
	at, err := natsnode.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	var s settings
	if err := cfg.Decode(&s); err != nil {
		return nil, err
	}
	switch {
	case !streamName.MatchString(s.Stream):
		return nil, cfg.OptionError("stream", "must be the name of a stream: letters, digits, - and _")
	case !subjectName.MatchString(s.Subject):
		return nil, cfg.OptionError("subject", "must be a subject without wildcards: letters, digits, - and _, with dots in between")
	case s.Replicas < 1 || s.Replicas > 5:
		return nil, cfg.OptionError("replicas", "must be from 1 to 5")
	case s.MaxAge != 0 && !(s.MaxAge >= 1 && s.MaxAge <= 1e9):
		return nil, cfg.OptionError("max_age", "must be a number of seconds, or 0")
	case !(s.DuplicateWindow >= 1 && s.DuplicateWindow <= 1e9) || s.MaxAge != 0 && s.DuplicateWindow > s.MaxAge:
		return nil, cfg.OptionError("duplicate_window", "must be a number of seconds, at least 1 and not above max_age")
	}
	stream := jetstream.StreamConfig{
		Name: s.Stream, Subjects: []string{s.Subject + ".>"}, Replicas: s.Replicas, Storage: jetstream.FileStorage,
		Description: "events of parley's conversations", MaxAge: seconds(s.MaxAge), Duplicates: seconds(s.DuplicateWindow),
	}
	env := cfg.Env.WithDefaults()
	return &Broker{
		node: natsnode.New(at, env.Logger), stream: stream, subject: s.Subject, log: env.Logger, now: env.Now, turn: make(chan struct{}, 1),
	}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Broker is a stores.Broker that publishes to a stream. It is safe for concurrent use.
type Broker struct {
	node    *natsnode.Node
	stream  jetstream.StreamConfig
	subject string
	log     *slog.Logger
	now     func() time.Time

	// turn is held by whoever uses what follows.
	turn   chan struct{}
	js     jetstream.JetStream // nil while it is not known that the stream is there
	closed bool
}

var _ stores.Broker = (*Broker)(nil)

var errClosed = errors.New("the event broker is closed")

// Publish implements stores.Broker. Errors wrap stores.ErrUnavailable. An event that is larger than the server takes is
// left out, which is logged: it would hold up all behind it.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	// queues are the messages of each conversation.
	var queues [][]*nats.Msg
	places := make(map[string]int)
	for i := range list {
		p := &list[i]
		place, ok := places[p.SenderID]
		if !ok {
			place = len(queues)
			places[p.SenderID] = place
			queues = append(queues, nil)
		}
		for j := range p.Events {
			queues[place] = append(queues[place], b.message(p.SenderID, p.EventID(j), p.Body(j)))
		}
	}
	return b.send(ctx, queues)
}

// Forget implements stores.Broker by an event stores.EventDeleted: streams know no tombstones.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	timestamp := float64(b.now().UnixMicro()) / 1e6
	body := value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", timestamp)
	return b.send(ctx, [][]*nats.Msg{{b.message(senderID, "", body)}})
}

func (b *Broker) message(senderID, id string, body *value.Map) *nats.Msg {
	m := nats.NewMsg(b.subject + "." + token(senderID))
	m.Data = value.Encode(body, value.JSON)
	if id != "" {
		m.Header.Set(jetstream.MsgIDHeader, id)
	}
	return m
}

// maxToken bounds what stands for a sender in a subject, in bytes: servers bound the line with it.
const maxToken = 512

// token returns a sender's id as one element of a subject.
func token(senderID string) string {
	if senderID == "" {
		return "%"
	}
	if t := strings.ReplaceAll(url.QueryEscape(senderID), ".", "%2E"); len(t) <= maxToken {
		return t
	}
	sum := sha256.Sum256([]byte(senderID))
	return "%%" + hex.EncodeToString(sum[:])
}

// Close implements stores.Broker. It waits for a Publish under way.
func (b *Broker) Close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	b.closed, b.js = true, nil
	return b.node.Close()
}

func (b *Broker) send(ctx context.Context, queues [][]*nats.Msg) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to nats: %w", err)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return fmt.Errorf("publishing to nats: %w", ctx.Err())
	}
	if b.closed {
		return errClosed
	}
	if err := b.sendAll(ctx, queues); err != nil {
		b.js = nil
		return fmt.Errorf("publishing to nats: %w: %w", stores.ErrUnavailable, err)
	}
	return nil
}

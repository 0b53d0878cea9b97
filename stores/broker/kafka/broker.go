// Package kafka sends events to Kafka as Rasa's KafkaEventBroker does (rasa/core/brokers/kafka.py, 3.6.21): a record an
// event, json.dumps as its value, with a header RASA_ENVIRONMENT.
//
// What is different: records are acknowledged by all replicas in sync before Publish returns, they are keyed by the sender
// unless the options say otherwise, so that the events of a conversation stay in order, and a header event_id tells what
// comes twice. Keys go to the partitions to which librdkafka's default partitioner puts them, so that Rasa's nodes and these
// agree. The client is made by the first Publish, also by an empty one, and made again by the next after it failed.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

const (
	// patience bounds a Publish, also one whose context has no deadline.
	patience = time.Minute
	// defaultLimit is the library's limit of bytes in a batch, a little less than that of clusters.
	defaultLimit = 1_000_012
)

// Broker is a stores.Broker that is built from the options of `type: kafka`. It is safe for concurrent use.
type Broker struct {
	opts        []kgo.Opt
	seeds       string
	topic       string
	bySender    bool
	environment []kgo.RecordHeader
	log         *slog.Logger
	now         func() time.Time

	// turn is held by whoever uses what follows.
	turn   chan struct{}
	client *kgo.Client
	closed bool
	// limit is how many bytes the topic takes in a batch, as far as that is known.
	limit atomic.Int32
}

var _ stores.Broker = (*Broker)(nil)

var errClosed = errors.New("the event broker is closed")

// Publish implements stores.Broker. Errors wrap stores.ErrUnavailable, also when the cluster refuses the login or has no
// such topic. An event that is larger than the topic takes is dropped, with an error in the log.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	var records []*kgo.Record
	for i := range list {
		for j := range list[i].Events {
			records = append(records, b.record(list[i].SenderID, list[i].EventID(j), list[i].Body(j)))
		}
	}
	return b.send(ctx, records)
}

// Forget implements stores.Broker by a record without a value, which makes a compacted topic drop what it has of the key;
// where records have no keys, by an event stores.EventDeleted.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	if b.bySender {
		return b.send(ctx, []*kgo.Record{{Key: []byte(senderID), Headers: b.environment}})
	}
	seconds := float64(b.now().UnixMicro()) / 1e6
	body := value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", seconds)
	return b.send(ctx, []*kgo.Record{b.record(senderID, "", body)})
}

func (b *Broker) record(senderID, eventID string, body *value.Map) *kgo.Record {
	r := &kgo.Record{Value: value.Encode(body, value.JSON), Headers: b.environment[:len(b.environment):len(b.environment)]}
	if b.bySender {
		r.Key = []byte(senderID)
	}
	if eventID != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "event_id", Value: []byte(eventID)})
	}
	return r
}

func (b *Broker) send(ctx context.Context, records []*kgo.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to Kafka: %w", err)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return fmt.Errorf("publishing to Kafka: %w", ctx.Err())
	}
	if b.closed {
		return errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := b.sendAll(ctx, records)
	if err == nil {
		return nil
	}
	b.drop()
	return fmt.Errorf("publishing to topic %q of Kafka at %s: %w: %w", b.topic, b.seeds, stores.ErrUnavailable, err)
}

func (b *Broker) sendAll(ctx context.Context, records []*kgo.Record) error {
	if err := b.connect(ctx); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	err := b.produce(ctx, records)
	if !errors.Is(err, kerr.MessageTooLarge) {
		return err
	}
	// One is too large, or the topic takes less than was put together, without telling. Each goes alone now, by a client
	// that knows nothing of the failure.
	b.drop()
	if err := b.connect(ctx); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	for _, r := range records {
		err := b.produce(ctx, []*kgo.Record{r})
		if errors.Is(err, kerr.MessageTooLarge) {
			b.log.Error("an event is lost", "err", fmt.Errorf("%q has %d bytes: %w", eventID(r), len(r.Value), err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func eventID(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == "event_id" {
			return string(h.Value)
		}
	}
	return ""
}

// connect makes the client if there is none and checks that the cluster answers, which tells sooner that it does not than
// records that wait for it.
func (b *Broker) connect(ctx context.Context) error {
	if b.client != nil {
		return nil
	}
	client, err := kgo.NewClient(append(b.opts[:len(b.opts):len(b.opts)],
		kgo.AllowAutoTopicCreation(),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(partition)),
		// Publish waits for what it sent: nothing is gained by waiting for more. Readers may not have what uncompressing
		// takes, as Rasa does not compress.
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		// A gap would be filled by another client that begins with the first record again.
		kgo.StopProducerOnDataLossDetected(),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return b.limit.Load() }),
		kgo.MetadataMinAge(250*time.Millisecond),
		kgo.DisableClientMetrics(),
	)...)
	if err != nil {
		return err
	}
	// The library waits for a broker's first words longer than ctx may allow.
	answered := make(chan error, 1)
	go func() { answered <- client.Ping(ctx) }()
	select {
	case err = <-answered:
		if err != nil {
			client.Close()
			return err
		}
	case <-ctx.Done():
		client.Close()
		<-answered // closing ends it
		return context.Cause(ctx)
	}
	b.client = client
	b.limit.Store(topicLimit(ctx, client, b.topic))
	b.log.Info("connected to Kafka", "url", b.seeds)
	return nil
}

// topicLimit asks for max.message.bytes of a topic. It is not told for one that is not there yet, or for want of a right.
func topicLimit(ctx context.Context, client *kgo.Client, topic string) int32 {
	const least, most = 1 << 10, 32 << 20
	req := kmsg.NewPtrDescribeConfigsRequest()
	one := kmsg.NewDescribeConfigsRequestResource()
	one.ResourceType, one.ResourceName, one.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"max.message.bytes"}
	req.Resources = append(req.Resources, one)
	resp, err := req.RequestWith(ctx, client)
	if err != nil || len(resp.Resources) != 1 || len(resp.Resources[0].Configs) != 1 || resp.Resources[0].Configs[0].Value == nil {
		return defaultLimit
	}
	n, err := strconv.Atoi(*resp.Resources[0].Configs[0].Value)
	if err != nil {
		return defaultLimit
	}
	return int32(min(max(n, least), most)) //nolint:gosec // see the bounds
}

// partition is librdkafka's "consistent" for n partitions.
func partition(key []byte, n int) int {
	return int(crc32.ChecksumIEEE(key) % uint32(n)) //nolint:gosec // numbers of partitions are positive
}

// produce returns when all records are acknowledged or refused, or ctx ends. The error wraps kerr.MessageTooLarge if that is
// why one was refused, whatever became of others because of it.
func (b *Broker) produce(ctx context.Context, records []*kgo.Record) error {
	results := make(chan error, len(records))
	for _, r := range records {
		b.client.Produce(ctx, r, func(_ *kgo.Record, err error) { results <- err })
	}
	var refused error
	for range records {
		select {
		case err := <-results:
			if err != nil && (refused == nil || errors.Is(err, kerr.MessageTooLarge)) {
				refused = err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return refused
}

// drop closes the client and all it has under way. What it sent already may be taken; the records that come again begin
// with the first of them, so that their order holds whatever of both arrives.
func (b *Broker) drop() {
	if b.client != nil {
		b.client.Close()
		b.client = nil
	}
}

// Close implements stores.Broker. It waits for a Publish under way; what that returned for is with the cluster already.
func (b *Broker) Close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	b.closed = true
	b.drop()
	return nil
}

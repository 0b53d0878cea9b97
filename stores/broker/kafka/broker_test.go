package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func open(tb testing.TB, options *value.Map) *Broker {
	tb.Helper()
	b, err := stores.Brokers.Build(component.Config{Name: "kafka", Options: options})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b.(*Broker)
}

// read returns all records of a topic, those of a partition in order.
func read(tb testing.TB, address, topic string, opts ...kgo.Opt) []*kgo.Record {
	tb.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(address), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond))...)
	require.NoError(tb, err)
	defer client.Close()
	ends := endOffsets(tb, client, topic)
	var records []*kgo.Record
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for len(records) < ends {
		fetches := client.PollFetches(ctx)
		require.NoError(tb, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { records = append(records, r) })
	}
	return records
}

// endOffsets returns how many records a topic has, over all its partitions. A broker that halted for a while has to be
// elected again first.
func endOffsets(tb testing.TB, client *kgo.Client, topic string) int {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n, err := tryEndOffsets(tb.Context(), client, topic)
		if err == nil {
			return n
		}
		if !kerr.IsRetriable(err) || time.Now().After(deadline) {
			require.NoError(tb, err)
		}
	}
}

func tryEndOffsets(ctx context.Context, client *kgo.Client, topic string) (int, error) {
	ask := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	ask.Topics = append(ask.Topics, one)
	metadata, err := ask.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	if err := kerr.ErrorForCode(metadata.Topics[0].ErrorCode); err != nil {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return 0, nil
		}
		return 0, err
	}
	offsets := kmsg.NewPtrListOffsetsRequest()
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = topic
	for _, p := range metadata.Topics[0].Partitions {
		part := kmsg.NewListOffsetsRequestTopicPartition()
		part.Partition, part.Timestamp = p.Partition, -1 // the latest
		of.Partitions = append(of.Partitions, part)
	}
	offsets.Topics = append(offsets.Topics, of)
	answer, err := offsets.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, p := range answer.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return 0, err
		}
		sum += int(p.Offset)
	}
	return sum, nil
}

func message(r *kgo.Record) storetest.BrokerMessage {
	return storetest.BrokerMessage{Key: string(r.Key), EventID: eventID(r), Body: r.Value}
}

func TestBroker(t *testing.T) {
	s := testservers.KafkaServer(t)
	storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
		topic := testservers.Name(t)
		options := value.NewMap("url", s.Addr, "security_protocol", "PLAINTEXT", "topic", topic)
		return storetest.BrokerTest{
			Open: func(t *testing.T) stores.Broker { return open(t, options) },
			Received: func(t *testing.T) []storetest.BrokerMessage {
				var list []storetest.BrokerMessage
				for _, r := range read(t, s.Addr, topic) {
					list = append(list, message(r))
				}
				return list
			},
			Stop:   func(*testing.T) { s.Kill() },
			Start:  func(*testing.T) { s.Restart() },
			Freeze: func(*testing.T) { s.Stop() },
			Thaw:   func(*testing.T) { s.Cont() },
		}
	})
}

package kafka

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// turn returns a publication with an event for each text.
func turn(texts ...string) []stores.Publication {
	p := stores.Publication{SenderID: "ann", ID: "c"}
	for i, s := range texts {
		p.Events = append(p.Events, &tracker.SlotSet{Base: tracker.Base{Timestamp: float64(i)}, Key: "dish", Value: s})
	}
	return []stores.Publication{p}
}

func values(t *testing.T, records []*kgo.Record) []string {
	t.Helper()
	var list []string
	for _, r := range records {
		m, err := value.DecodeObject(r.Value)
		require.NoError(t, err)
		list = append(list, m.String("value"))
	}
	return list
}

// tooLarge checks that a single event that is larger than the topic takes is left out, and that many that are larger
// together than a batch may be are not, also when the cluster does not tell its limit.
func tooLarge(t *testing.T, k secured, told bool) {
	topic := newTopic(t, k.clear)
	var log bytes.Buffer
	b, err := stores.Brokers.Build(component.Config{
		Name: "kafka", Options: value.NewMap("url", k.clear, "security_protocol", "PLAINTEXT", "topic", topic),
		Env: component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))},
	})
	require.NoError(t, err)
	defer b.Close() //nolint:errcheck // it returns none
	var texts []string
	for i := range 100 {
		texts = append(texts, fmt.Sprint(i, " ", strings.Repeat("x", k.large/4)))
	}
	require.NoError(t, b.Publish(t.Context(), nil))
	if kb := b.(*Broker); told {
		require.EqualValues(t, k.large, kb.limit.Load())
	} else {
		kb.limit.Store(defaultLimit)
	}
	require.NoError(t, b.Publish(t.Context(), turn(texts...)))
	require.NotContains(t, log.String(), "lost")
	list := turn("soup", strings.Repeat("x", 2*k.large), "salad", strings.Repeat("y", 2_000_000), "tea")
	require.NoError(t, b.Publish(t.Context(), list))
	require.Contains(t, log.String(), `\"c-1\" has 400`)
	require.Contains(t, log.String(), `\"c-3\" has 2000`)
	seen := map[string]bool{}
	var got []string
	for _, s := range values(t, read(t, k.clear, topic)) {
		if !seen[s] {
			got = append(got, s)
		}
		seen[s] = true
	}
	require.Equal(t, append(texts, "soup", "salad", "tea"), got)
}

// noTopic checks that a topic that is not there is an error soon, and none any more when it is.
func noTopic(t *testing.T, k secured) {
	b := open(t, value.NewMap("url", k.clear, "security_protocol", "PLAINTEXT", "topic", "later"))
	began := time.Now()
	err := b.Publish(t.Context(), turn("soup"))
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.ErrorContains(t, err, "UNKNOWN_TOPIC_OR_PARTITION")
	require.Less(t, time.Since(began), 20*time.Second)
}

// TestWithoutKeys checks that a deletion is told by an event where records have no keys.
func TestWithoutKeys(t *testing.T) {
	address, topic := testservers.Kafka(t), testservers.Name(t)
	b := open(t, value.NewMap("url", address, "security_protocol", "PLAINTEXT", "topic", topic, "partition_by_sender", false, "queue_size", int64(2)))
	require.NoError(t, b.Publish(t.Context(), turn("a", "b", "c", "d", "e")))
	require.NoError(t, b.Forget(t.Context(), "ann"))
	deletions := 0
	for _, r := range read(t, address, topic) {
		require.Nil(t, r.Key)
		m, err := value.DecodeObject(r.Value)
		require.NoError(t, err)
		require.Equal(t, "ann", m.String("sender_id"))
		if m.String("event") == stores.EventDeleted {
			require.Positive(t, m.Value("timestamp"))
			require.Empty(t, eventID(r))
			deletions++
		}
	}
	require.Equal(t, 1, deletions)
}

// TestNothingRunsAfterClose counts the library's goroutines.
func TestNothingRunsAfterClose(t *testing.T) {
	address, topic := testservers.Kafka(t), testservers.Name(t)
	gone := func() bool { return libraryGoroutines(t) == 0 }
	require.Eventually(t, gone, 10*time.Second, 10*time.Millisecond, "of other tests")
	b := open(t, value.NewMap("url", address, "security_protocol", "PLAINTEXT", "topic", topic))
	require.NoError(t, b.Publish(t.Context(), turn("soup")))
	require.NotZero(t, libraryGoroutines(t))
	b.drop()
	require.NoError(t, b.Publish(t.Context(), turn("soup")))
	require.NoError(t, b.Close())
	require.Eventually(t, gone, 10*time.Second, 10*time.Millisecond)
}

func libraryGoroutines(t *testing.T) int {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&text, 2))
	n := 0
	for _, g := range strings.Split(text.String(), "\n\n") {
		if strings.Contains(g, "franz-go") && !strings.Contains(g, "testing.tRunner") {
			n++
		}
	}
	return n
}

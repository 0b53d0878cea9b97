package kafka

import (
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

var record = flag.String("record", "", "a Python with Rasa 3.6.21 that records testdata/rasa.json anew")

const recording = "testdata/rasa.json"

// run is what Rasa sent with a value of RASA_ENVIRONMENT to a topic of three partitions.
type run struct {
	Environment *string     `json:"environment"`
	BySender    bool        `json:"partition_by_sender"`
	Messages    []rasaEvent `json:"messages"`
}

type rasaEvent struct {
	Partition int32       `json:"partition"`
	Key       *string     `json:"key"`
	Headers   [][2]string `json:"headers"`
	Value     string      `json:"value"`
}

// TestRasa publishes the events that Rasa published and compares the records: every byte, the headers beside event_id, and
// with keys also the partitions, which librdkafka chose there.
func TestRasa(t *testing.T) {
	address := testservers.Kafka(t)
	for _, r := range readRecording(t, address) {
		setEnvironment(t, r.Environment)
		topic := testservers.Name(t)
		options := value.NewMap("url", address, "security_protocol", "plaintext", "topic", topic, "partition_by_sender", r.BySender)
		var list []stores.Publication
		for i, m := range r.Messages {
			body, err := value.DecodeObject([]byte(m.Value))
			require.NoError(t, err)
			event, err := tracker.EventFromMap(body)
			require.NoError(t, err)
			list = append(list, stores.Publication{SenderID: body.String("sender_id"), ID: string(rune('A' + i)), Events: []tracker.Event{event}})
		}
		require.NoError(t, open(t, options).Publish(t.Context(), list))
		var got []rasaEvent
		ids := map[string]bool{}
		for _, k := range read(t, address, topic) {
			e := rasaEvent{Partition: k.Partition, Value: string(k.Value), Headers: [][2]string{}}
			if k.Key != nil {
				key := string(k.Key)
				e.Key = &key
			}
			for _, h := range k.Headers {
				if h.Key != "event_id" {
					e.Headers = append(e.Headers, [2]string{h.Key, string(h.Value)})
				}
			}
			ids[eventID(k)] = true
			got = append(got, e)
		}
		for _, records := range [][]rasaEvent{r.Messages, got} {
			if !r.BySender { // they go anywhere
				for i := range records {
					records[i].Partition = 0
				}
			}
			slices.SortStableFunc(records, func(a, b rasaEvent) int {
				return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Value, b.Value))
			})
		}
		require.Equal(t, r.Messages, got)
		require.Len(t, ids, len(list))
	}
}

func setEnvironment(t *testing.T, v *string) {
	t.Helper()
	t.Setenv("RASA_ENVIRONMENT", "") // puts back what it was
	if v == nil {
		require.NoError(t, os.Unsetenv("RASA_ENVIRONMENT"))
		return
	}
	t.Setenv("RASA_ENVIRONMENT", *v)
}

func readRecording(t *testing.T, address string) []run {
	t.Helper()
	if *record != "" {
		cmd := exec.CommandContext(t.Context(), *record, "../../../conformance/stores/record_brokers.py", "kafka", address)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recording, out, 0o600))
	}
	data, err := os.ReadFile(recording)
	require.NoError(t, err)
	var runs []run
	require.NoError(t, json.Unmarshal(data, &runs))
	require.NotEmpty(t, runs)
	return runs
}

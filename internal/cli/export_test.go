package cli_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const toFile = "event_broker:\n  type: file\n  path: events.log\n"

// TestExport has what rasa export prints and publishes.
func TestExport(t *testing.T) {
	starter(t)
	for name, text := range map[string]string{
		"file.yml": toFile,
		"none.yml": "",
		"away.yml": "event_broker:\n  type: pika\n  url: 127.0.0.1:1\n  username: u\n  password: p\n  should_keep_unpublished_messages: false\n",
		"full.yml": "event_broker:\n  type: file\n  path: /dev/full\n",
		"new.yml":  "tracker_store:\n  type: sqlite\n  path: new.db\n" + toFile,
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	code, stdout, _ := run(t, "export", "--endpoints", "file.yml")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "Could not find a `tracker_store` section in the supplied endpoints file.")
	b := serve(t, "--enable-api")
	b.say("ann", "hello")
	events := `[{"event": "slot", "name": "dish", "value": "soup", "timestamp": 20.5}, {"event": "pause", "timestamp": 10.0},
		{"event": "user", "text": "x", "timestamp": 30.0, "parse_data": {"intent": {"name": "greet"}, "entities": [], "text": "x"}}]`
	status, answer := b.request("PUT", "/conversations/bob/tracker/events", events)
	require.Equal(t, 200, status, answer)
	require.Zero(t, b.stop())
	for name, c := range map[string]struct {
		args   string
		code   int
		stdout string
		// published are the beginnings of the lines.
		published []string
	}{
		"one, sorted": {"--conversation-ids bob", 0, "Fetching events for 1 conversation IDs:\nDone! Successfully published 3 events 🎉\n",
			[]string{`{"event": "pause", "timestamp": 10.0, "sender_id": "bob"}`, `{"event": "slot", "timestamp": 20.5,`, `{"event": "user", "timestamp": 30.0,`}},
		"bounds": {"--conversation-ids bob --minimum-timestamp 20.5 --maximum-timestamp 30", 0, "published 1 events", []string{`{"event": "slot"`}},
		"offset": {"--conversation-ids bob --maximum-timestamp 11 --offset-timestamps-by-seconds 90061", 0,
			"All event timestamps will be offset by -1 day, 1:01:01! ⏰\n", []string{`{"event": "pause", "timestamp": 90071.0,`}},
		"offset back": {"--conversation-ids bob --maximum-timestamp 11 --offset-timestamps-by-seconds -5", 0,
			"offset by 0:00:05! ⏰\n", []string{`{"event": "pause", "timestamp": 5.0,`}},
		"some are missing": {"--conversation-ids bob,zoe,eve,bob --maximum-timestamp 11", 0,
			"Could not find the following requested conversation IDs in connected tracker store: eve, zoe\n", []string{`{"event": "pause"`}},
		"all are missing": {"--conversation-ids zoe", 1, "Could not find an overlap between", nil},
		"wrong bounds":    {"--minimum-timestamp 5 --maximum-timestamp 4.5", 1, "Maximum timestamp '4.5' is smaller than minimum timestamp '5.0'. Exiting.\n", nil},
		"no broker":       {"--endpoints none.yml", 1, "Could not find an `event_broker` section in the supplied endpoints file.", nil},
		"broker away":     {"--endpoints away.yml", 1, "Event broker of type 'pika' is not ready. Exiting.\n", nil},
		"broker fails": {"--endpoints full.yml --conversation-ids ann,bob --minimum-timestamp 10", 1, "Encountered error while publishing event with " +
			"timestamp 'None'. To continue where I left off, run the following command:\n\n\tparley export --endpoints full.yml " +
			"--minimum-timestamp 10.0 --conversation-ids ann,bob\n\nExiting.\n", nil},
		"no conversations":   {"--endpoints new.yml", 1, "Could not find any conversations in connected tracker store.", nil},
		"bound is no number": {"--minimum-timestamp soon", 2, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove("events.log")
			args := strings.Fields(c.args)
			if !strings.Contains(c.args, "--endpoints") {
				args = append(args, "--endpoints", "file.yml")
			}
			code, stdout, stderr := run(t, append([]string{"export"}, args...)...)
			assert.Equal(t, c.code, code, stderr)
			assert.Contains(t, stdout, c.stdout)
			data, _ := os.ReadFile("events.log")
			lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
			if len(c.published) == 0 {
				assert.Empty(t, string(data))
				return
			}
			require.Len(t, lines, len(c.published))
			for i, want := range c.published {
				assert.True(t, strings.HasPrefix(lines[i], want), lines[i])
			}
		})
	}
}

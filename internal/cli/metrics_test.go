package cli_test

import (
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMetrics reads the numbers of a server that has said something.
func TestMetrics(t *testing.T) {
	starter(t)
	require.NoError(t, os.WriteFile("two.yml", []byte("event_broker:\n- type: file\n  path: a.log\n- type: file\n  path: b.log\n"), 0o600))
	b := serve(t, "--endpoints", "two.yml", "--auth-token", "secret")
	b.say("ann", "hello")
	b.say("ann", "hello")
	status, _ := b.request(http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusUnauthorized, status)
	var text string
	b.eventually("events are published", func() bool {
		_, text = b.request(http.MethodGet, "/metrics?token=secret", "")
		return regexp.MustCompile(`(?m)^parley_outbox_commits 0$`).MatchString(text) &&
			regexp.MustCompile(`(?m)^parley_broker_events_total\{broker="file_2"\} [1-9]`).MatchString(text)
	})
	for _, line := range []string{
		`parley_model_loaded 1`, `parley_turns_waiting 0`, `parley_turns_total 2`, `parley_conflicts_total 0`,
		`parley_store_seconds_count\{operation="load"\} 2`, `parley_store_errors_total\{operation="save"\} 0`,
		`parley_lock_seconds_count 2`, `parley_timers_fired_total 0`, `parley_broker_errors_total\{broker="file"\} 0`,
		`parley_outbox_queued\{consumer="file"\} 0`, `parley_outbox_failing\{consumer="timers"\} 0`, `go_goroutines \d+`,
		`process_start_time_seconds 1\.\d+e\+09`,
	} {
		assert.Regexp(t, "(?m)^"+line+"$", text)
	}
	// Every line is a comment or a sample, and every name is told of once.
	assert.Regexp(t, `^(# (HELP|TYPE) [a-z_]+ .+\n|[a-z_]+(\{([a-z]+="[^"\n]*",?)+\})? [0-9.e+-]+\n)+$`, text)
	assert.Len(t, regexp.MustCompile(`(?m)^# TYPE parley_broker_events_total `).FindAllString(text, -1), 1)
	require.Zero(t, b.stop())
}

package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ok runs a command that has to work and returns what it prints.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := run(t, args...)
	require.Zero(t, code, "%s%s", stdout, stderr)
	return stdout
}

// TestTrackerCommands works with the conversations of a server that runs on the same file.
func TestTrackerCommands(t *testing.T) {
	starter(t)
	code, _, stderr := run(t, "tracker", "list")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "names no tracker store")
	require.NoDirExists(t, ".parley", "nothing is made")

	b := serve(t, "--enable-api")
	odd := "a/b 'ü' %\t"
	for _, id := range []string{"ann", "bob", odd} {
		b.say(id, "hello")
	}
	assert.Equal(t, 3, strings.Count(ok(t, "tracker", "list"), "\n"))
	assert.Equal(t, 1, strings.Count(ok(t, "tracker", "list", "--limit", "1"), "\n"))
	assert.Equal(t, 2, strings.Count(ok(t, "tracker", "list", "--after", odd, "--channel", "rest", "--since", "2020-01-01"), "\n"))
	assert.Empty(t, ok(t, "tracker", "list", "--until", "2020-01-01T00:00:00Z"))
	var summary struct {
		SenderID string `json:"sender_id"`
		User     int    `json:"user_messages"`
	}
	require.NoError(t, json.Unmarshal([]byte(ok(t, "tracker", "list", "--json", "--limit", "1")), &summary))
	assert.Equal(t, odd, summary.SenderID)
	assert.Equal(t, 1, summary.User)
	assert.Contains(t, ok(t, "tracker", "show", odd), `"text": "hello"`)

	before := ok(t, "tracker", "export")
	ok(t, "tracker", "export", "--out", "all.jsonl")
	data, err := os.ReadFile("all.jsonl")
	require.NoError(t, err)
	assert.Equal(t, before, string(data))
	assert.NoFileExists(t, "all.jsonl.part")

	proof := ok(t, "tracker", "delete", odd, "bob")
	assert.Equal(t, 2, strings.Count(proof, `"left": {}, "verified": true}`), proof)
	_, page := b.request(http.MethodGet, "/parley/conversations", "")
	assert.Contains(t, page, `"conversations":[{"sender_id":"ann"`)
	assert.NotContains(t, page, "bob")
	assert.Contains(t, ok(t, "tracker", "import", "all.jsonl", "--dry-run"), "2 conversations would be stored, 0 replaced, 1 were there already")
	assert.Contains(t, ok(t, "tracker", "import", "all.jsonl"), "2 conversations were stored")
	assert.Equal(t, before, ok(t, "tracker", "export"))
	b.say("bob", "hello")
	_, stored := b.request(http.MethodGet, "/conversations/bob/tracker?include_events=ALL", "")
	assert.Equal(t, 2, strings.Count(stored, `"event":"user"`), "the server goes on with what was imported")

	code, _, stderr = run(t, "tracker", "import", "all.jsonl")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `all.jsonl:3: the conversation "bob" is in the store with other events`)
	assert.Contains(t, ok(t, "tracker", "import", "all.jsonl", "--replace"), "0 conversations were stored, 1 replaced, 2 were")
	assert.Equal(t, before, ok(t, "tracker", "export"))

	status, answer := b.request(http.MethodDelete, "/parley/conversations/ann", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, `"verified":true`)
	assert.NotContains(t, ok(t, "tracker", "list"), "ann")
	assert.Empty(t, ok(t, "tracker", "prune", "--days", "1"))
	assert.Equal(t, 2, strings.Count(ok(t, "tracker", "prune", "--days", "1e-9", "--dry-run"), "\n"))
	assert.Equal(t, 2, strings.Count(ok(t, "tracker", "prune", "--days", "1e-9"), `"verified": true}`))
	assert.Empty(t, ok(t, "tracker", "list"))
	require.Zero(t, b.stop())
}

func TestTrackerCommandsThatFail(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("memory.yml", []byte("tracker_store:\n  type: in_memory\n"), 0o600))
	require.NoError(t, os.WriteFile("file.yml", []byte("tracker_store:\n  type: sqlite\n  path: c.db\n"), 0o600))
	require.NoError(t, os.WriteFile("bad.jsonl", []byte("{}\n"), 0o600))
	for name, c := range map[string]struct {
		args   string
		code   int
		stderr string
	}{
		"in memory":       {"list --endpoints memory.yml", 1, "memory.yml:1:1: conversations of this tracker store are in the memory of the server"},
		"unknown":         {"show nobody --endpoints file.yml", 1, `there is no conversation "nobody"`},
		"time":            {"list --since soon --endpoints file.yml", 2, "--since: "},
		"nothing to tell": {"prune --endpoints file.yml", 2, "--days says after how many days"},
		"bad file":        {"import bad.jsonl --endpoints file.yml", 1, "bad.jsonl:1: sender_id or events is missing"},
		"no file":         {"import nowhere.jsonl --endpoints file.yml", 1, "nowhere.jsonl"},
		"no place":        {"export --out nowhere/x --endpoints file.yml", 1, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := run(t, append([]string{"tracker"}, strings.Fields(c.args)...)...)
			assert.Equal(t, c.code, code)
			assert.Contains(t, stderr, c.stderr)
		})
	}
}

// TestRetention starts a server that forgets what is older than some milliseconds.
func TestRetention(t *testing.T) {
	starter(t)
	b := serve(t)
	b.say("ann", "hello")
	require.Zero(t, b.stop())
	time.Sleep(20 * time.Millisecond)
	f, err := os.OpenFile("endpoints.yml", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString("\nstate:\n  retention_days: 0.0000001\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	b = serve(t)
	b.eventually("the conversation is deleted", func() bool { return strings.Contains(b.log.String(), "an old conversation was deleted") })
	require.Contains(t, b.log.String(), `sender_id=ann proof=`)
	require.Zero(t, b.stop())
	require.Empty(t, ok(t, "tracker", "list"))
	require.FileExists(t, filepath.Join(".parley", "conversations.db"))
}

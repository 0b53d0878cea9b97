package httpreplay

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/cli"
	"github.com/parleybot/parley/internal/value"
)

const recordings = "../http"

// deviations are the answers that differ on purpose, with the reason (docs/compatibility.md).
var deviations = map[string]string{
	"06_trigger_intent/unknown intent":        "Rasa prints a Python function in place of the intent",
	"06_trigger_intent/name with slash":       "Rasa prints a Python function in place of the intent",
	"08_messages/text missing":                "the error's text",
	"08_messages/text null":                   "the error's text",
	"10_rest/stream without message":          "Rasa never ends the answer",
	"12_socketio/tracker of the socket id":    "Rasa forgets a turn whose message a channel cannot show",
	"12_socketio/poll two":                    "Rasa takes a second to hand on a conversation's lock",
	"13_model_test/stories invalid yaml":      "the error's text",
	"13_model_test/stories wrong schema":      "the error's text",
	"13_model_test/intents invalid yaml":      "the error's text",
	"14_model_train/invalid yaml":             "the error's text",
	"14_model_train/wrong schema":             "the error's text",
	"14_model_train/invalid slot type":        "the error's text",
	"14_model_train/unknown component":        "the error's text",
	"14_model_train/contradicting rules":      "the error's text",
	"14_model_train/unknown action in a rule": "the error's text",
	"14_model_train/json body":                "the error's text",
	"14_model_train/error to callback":        "the error's text",
	"21_jwt/status empty bearer":              "net/http cuts the blank at the end of the header",
}

// site is the recorded bot, trained, with everything around it.
type site struct {
	dir      string
	receiver *Receiver
	// addresses replaces those of the recordings.
	addresses *strings.Replacer
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), receiver: NewReceiver()}
	callbacks := httptest.NewServer(s.receiver)
	t.Cleanup(callbacks.Close)
	actions := httptest.NewServer(http.HandlerFunc(actionServer))
	t.Cleanup(actions.Close)
	s.addresses = strings.NewReplacer("http://127.0.0.1:5541", callbacks.URL, "http://127.0.0.1:5551", actions.URL)
	require.NoError(t, os.CopyFS(s.dir, os.DirFS(filepath.Join(recordings, "bot"))))
	for _, name := range []string{"credentials_all.yml", "endpoints.yml"} {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(s.addresses.Replace(string(data))), 0o600))
	}
	t.Chdir(s.dir)
	require.Zero(t, run(t.Context(), "train", "--fixed-model-name", "model"))
	empty := filepath.Join(s.dir, "empty")
	require.NoError(t, os.MkdirAll(filepath.Join(empty, "elsewhere"), 0o755))
	for from, to := range map[string]string{
		"endpoints.yml": "endpoints.yml", "credentials.yml": "credentials.yml", "models/model.tar.gz": "elsewhere/model.tar.gz",
	} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(empty, to), data, 0o600))
	}
	return s
}

func run(ctx context.Context, args ...string) int {
	return cli.Run(ctx, args, strings.NewReader(""), io.Discard, io.Discard, "test")
}

// TestRecordings plays all recordings against the server as the command line starts it.
func TestRecordings(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(recordings, "servers.json"))
	require.NoError(t, err)
	v, err := value.Decode(data)
	require.NoError(t, err)
	base, err := filepath.Abs(recordings)
	require.NoError(t, err)
	s := newSite(t)
	for _, item := range v.([]any) {
		m := item.(*value.Map)
		t.Run(m.String("server"), func(t *testing.T) { s.serve(t, m, base) })
	}
}

// serve starts one of the recorded servers and plays its files.
func (s *site) serve(t *testing.T, server *value.Map, base string) {
	args := []string{"run", "-i", "127.0.0.1", "--endpoints", "endpoints.yml"}
	given := map[string]bool{}
	for _, a := range server.List("arguments") {
		args = append(args, a.(string))
		given[a.(string)] = true
	}
	switch server.String("server") {
	case "no_model":
		t.Chdir(filepath.Join(s.dir, "empty"))
	case "wrong_model":
		s.keepOneModel(t)
		t.Chdir(s.dir)
	default:
		t.Chdir(s.dir)
		if !given["--model"] {
			args = append(args, "--model", "models/model.tar.gz")
		}
	}
	if !given["--credentials"] {
		args = append(args, "--credentials", "credentials.yml")
	}
	p := &Player{Base: start(t, args), Rewrite: s.addresses.Replace, Receiver: s.receiver, Packets: map[string]int{"12_socketio/poll two": 2}}
	for _, name := range server.List("files") {
		exchanges, err := Load(filepath.Join(base, name.(string)))
		require.NoError(t, err)
		p.Start()
		for _, e := range exchanges {
			check(t, p, e)
		}
	}
}

// keepOneModel removes the models that were trained over HTTP.
func (s *site) keepOneModel(t *testing.T) {
	models, err := filepath.Glob(filepath.Join(s.dir, "models", "*"))
	require.NoError(t, err)
	for _, path := range models {
		if filepath.Base(path) != "model.tar.gz" {
			require.NoError(t, os.RemoveAll(path)) // the cache of models is a folder
		}
	}
}

// start runs the server on a free port until the test ends.
func start(t *testing.T, args []string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, append(args, "-p", strconv.Itoa(port))...) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	require.Eventually(t, func() bool {
		resp, err := http.Get(base)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	}, 10*time.Second, 5*time.Millisecond)
	return base
}

func check(t *testing.T, p *Player, e Exchange) {
	t.Helper()
	if e.Name == "10_rest/broken utf-8" {
		// JSON cannot hold the byte that was sent.
		e.Request.Body = strings.ReplaceAll(e.Request.Body.(string), "\ufffd", "\xff")
	}
	found, err := p.Play(t.Context(), e)
	require.NoError(t, err)
	reason, deviates := deviations[e.Name]
	if !deviates && storedLater(e) {
		for end := time.Now().Add(patience); len(found) > 0 && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
			found, err = p.Play(t.Context(), e)
			require.NoError(t, err)
		}
	}
	switch {
	case deviates && len(found) == 0:
		t.Errorf("%s is the same by now; it is listed as a deviation: %s", e.Name, reason)
	case !deviates:
		for _, d := range found {
			t.Errorf("%s: %s", e.Name, d)
		}
	}
}

// storedLater reports whether e reads a conversation whose last turn nobody waited for: answers of reminders and of
// socket.io arrive before their turn is stored.
func storedLater(e Exchange) bool {
	return e.Request.Method == http.MethodGet && strings.HasPrefix(e.Request.Path, "/conversations/") &&
		(e.Name == "03_events/tracker after the reminder" || strings.Contains(e.Name, "socketio"))
}

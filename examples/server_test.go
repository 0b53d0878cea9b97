package examples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bot is one example, trained and served by the built binary from a copy of its folder.
type bot struct {
	url string
}

// buildParley builds the binary once for all examples.
func buildParley(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parley")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/parley").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// start trains and serves the example called name. Its action server, if it has actions, is a real rasa-sdk one.
func start(t *testing.T, parley, name string) *bot {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.CopyFS(dir, os.DirFS(name)))

	endpoints := filepath.Join(dir, "endpoints.yml")
	if _, err := os.Stat(filepath.Join(dir, "actions")); err == nil {
		port := freePort(t)
		serve(t, dir, fmt.Sprintf("http://localhost:%d/health", port), python(t), "-m", "rasa_sdk", "--actions", "actions", "--port", strconv.Itoa(port))
		written, err := os.ReadFile(endpoints)
		require.NoError(t, err)
		written = bytes.ReplaceAll(written, []byte("localhost:5055"), []byte("localhost:"+strconv.Itoa(port)))
		require.NoError(t, os.WriteFile(endpoints, written, 0o600))
	}

	train := exec.Command(parley, "train")
	train.Dir = dir
	out, err := train.CombinedOutput()
	require.NoError(t, err, "%s", out)

	port := freePort(t)
	b := &bot{url: fmt.Sprintf("http://localhost:%d", port)}
	serve(t, dir, b.url+"/status", parley, "run", "--enable-api", "-p", strconv.Itoa(port))
	return b
}

// serve starts a server and waits until it answers at url; it is stopped with the test.
func serve(t *testing.T, dir, url string, command ...string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("%s did not end when asked to", filepath.Base(command[0]))
		}
	})
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			require.FailNow(t, "the server ended", "%v: %v\n%s", command, err, log.String())
		default:
		}
		if response, err := http.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
	}
	require.FailNow(t, "no answer", "%v at %s", command, url)
}

// say sends a message over the REST channel and returns the replies, without the recipient.
func (b *bot) say(t *testing.T, sender, text string) []map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]string{"sender": sender, "message": text})
	require.NoError(t, err)
	var replies []map[string]any
	b.call(t, http.MethodPost, "/webhooks/rest/webhook", bytes.NewReader(body), &replies)
	for _, reply := range replies {
		require.Equal(t, sender, reply["recipient_id"])
		delete(reply, "recipient_id")
	}
	return replies
}

// events returns what the tracker of sender holds.
func (b *bot) events(t *testing.T, sender string) []map[string]any {
	t.Helper()
	var tracker struct{ Events []map[string]any }
	b.call(t, http.MethodGet, "/conversations/"+sender+"/tracker?include_events=ALL", nil, &tracker)
	return tracker.Events
}

func (b *bot) call(t *testing.T, method, path string, body io.Reader, into any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.url+path, body)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// python returns the interpreter that has rasa-sdk: `make test` installs it and says where.
func python(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PARLEY_PYTHON")
	if path == "" {
		path = filepath.Join("..", ".cache", "venv", "bin", "python")
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "no Python with rasa-sdk: run `make venv`")
	return path
}

// plain removes the entity markup of a test story's message.
func plain(text string) string {
	return strings.TrimSpace(markup.ReplaceAllString(text, "$1"))
}

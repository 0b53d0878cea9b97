//go:build mixed

package mixed

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startLimit is how long a node may take until it answers; Rasa imports TensorFlow whatever the model holds.
const startLimit = 5 * time.Minute

// node is a server of either kind.
type node struct {
	name, url string
	rasa      bool
}

// process is what the test has started.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  string
}

// start runs a program in a folder of its own until the test ends.
func start(t *testing.T, name string, argv ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{name: name, done: make(chan struct{}), log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	defer log.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = environment()
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // whatever it says: the process has ended
		close(p.done)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// environment is that of Rasa's processes: one thread of TensorFlow's each, and nobody is told of them.
func environment() []string {
	return append(os.Environ(), "RASA_TELEMETRY_ENABLED=false", "OMP_NUM_THREADS=1", "TF_CPP_MIN_LOG_LEVEL=3",
		"TF_NUM_INTEROP_THREADS=1", "PYTHONWARNINGS=ignore", "SQLALCHEMY_SILENCE_UBER_WARNING=1")
}

// stop ends a process, at first politely. The log of a failed test's is kept in its output.
func (p *process) stop(t *testing.T) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if t.Failed() {
		t.Logf("the end of the log of %s:\n%s", p.name, p.tail(20))
	}
}

// tail returns the last lines of the log.
func (p *process) tail(lines int) string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	list := strings.Split(strings.TrimSpace(string(text)), "\n")
	list = list[max(0, len(list)-lines):]
	for i, line := range list {
		list[i] = line[:min(len(line), 300)]
	}
	return strings.Join(list, "\n")
}

// ready waits until an address answers 200.
func (p *process) ready(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for {
		if answers(ctx, url) {
			return
		}
		select {
		case <-p.done:
			require.FailNow(t, p.name+" ended", p.tail(40))
		case <-ctx.Done():
			require.FailNow(t, p.name+" does not answer", p.tail(40))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// setup is what all nodes of a pool are started with.
type setup struct {
	python, parley             string
	model, endpoints, channels string
}

// startNodes starts several nodes of a kind at once.
func (s *setup) startNodes(t *testing.T, rasa bool, count int) []*node {
	t.Helper()
	var nodes []*node
	var processes []*process
	for i := range count {
		port := freePort(t)
		n := &node{name: fmt.Sprintf("parley %d", i), url: "http://127.0.0.1:" + port, rasa: rasa}
		argv := []string{s.parley}
		if rasa {
			n.name, argv = fmt.Sprintf("Rasa %d", i), []string{s.python, "-m", "rasa"}
		}
		argv = append(argv, "run", "--enable-api", "-i", "127.0.0.1", "-p", port, "--model", s.model,
			"--endpoints", s.endpoints, "--credentials", s.channels)
		nodes, processes = append(nodes, n), append(processes, start(t, n.name, argv...))
	}
	for i, p := range processes {
		p.ready(t, nodes[i].url+"/status")
	}
	return nodes
}

// build makes the binary.
func build(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "parley")
	text, err := exec.CommandContext(t.Context(), "go", "build", "-o", out, "../../cmd/parley").CombinedOutput()
	require.NoError(t, err, string(text))
	return out
}

// train has real Rasa train a bot.
func train(t *testing.T, python, bot string) string {
	t.Helper()
	dir := t.TempDir()
	domain := filepath.Join(bot, "domain.yml")
	if _, err := os.Stat(domain); err != nil {
		domain = filepath.Join(bot, "domain")
	}
	cmd := exec.CommandContext(t.Context(), python, "-m", "rasa", "train", "--out", dir, "--fixed-model-name", "mixed",
		"--config", filepath.Join(bot, "config.yml"), "--domain", domain, "--data", filepath.Join(bot, "data"))
	cmd.Dir, cmd.Env = dir, environment()
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	return filepath.Join(dir, "mixed.tar.gz")
}

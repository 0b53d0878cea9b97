package redis

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/value"
)

// job is what a process does that the tests start: this program once more.
type job struct {
	Host    string
	Port    int64
	Prefix  string
	ID      string
	Lease   time.Duration
	Seconds float64 // how long to contend; 0 holds the lock until a line is read
	Mark    string
}

const jobVariable = "PARLEY_LOCK_JOB"

func TestMain(m *testing.M) {
	text := os.Getenv(jobVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (j *job) run() error {
	r := component.NewRegistry[*redisclient.Client]("lock store")
	r.Register(component.Spec{Name: "redis", Fields: redisclient.Fields(1)}, redisclient.New)
	c, err := r.Build(component.Config{Name: "redis", Options: value.NewMap("url", j.Host, "port", j.Port, "key_prefix", j.Prefix)})
	if err != nil {
		return err
	}
	l := New(c, Options{Lease: j.Lease, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if j.Seconds > 0 {
		err = j.contend(l, c)
	} else {
		err = j.hold(l)
	}
	if err != nil {
		return err
	}
	return l.Close()
}

func (j *job) hold(l *Locks) error {
	unlock, err := l.Lock(context.Background(), j.ID)
	if err != nil {
		return err
	}
	fmt.Println("held")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	unlock()
	fmt.Println("released")
	return nil
}

// tally is what contending processes count; conformance/stores/locks.py prints the same.
type tally struct {
	Turns        int       `json:"turns"`
	BesideRasa   int       `json:"beside_rasa"`
	BesideParley int       `json:"beside_parley"`
	Errors       int       `json:"errors"`
	Stuck        int       `json:"stuck"`
	Waits        []float64 `json:"waits"`
}

func (j *job) contend(l *Locks, c goredis.UniversalClient) error {
	ctx := context.Background()
	var out tally
	for end := time.Now().Add(time.Duration(j.Seconds * float64(time.Second))); time.Now().Before(end); time.Sleep(time.Millisecond) {
		asked := time.Now()
		unlock, err := l.Lock(ctx, j.ID)
		if err != nil {
			out.Errors++
			continue
		}
		out.Waits = append(out.Waits, time.Since(asked).Seconds())
		pipe := c.TxPipeline()
		parley, rasa := pipe.Incr(ctx, j.Mark+":parley"), pipe.Get(ctx, j.Mark+":rasa")
		_, _ = pipe.Exec(ctx) // there may be no count of Rasa's
		out.Turns++
		if parley.Val() > 1 {
			out.BesideParley++
		}
		if n, err := rasa.Int(); err == nil && n > 0 {
			out.BesideRasa++
		}
		time.Sleep(20 * time.Millisecond)
		c.Decr(ctx, j.Mark+":parley")
		unlock()
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// child is a process that a test started.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	log   *lockedBuffer
}

// lockedBuffer is written to by one goroutine and read by another.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (j job) start(t *testing.T) *child {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(j)
	require.NoError(t, err)
	cmd := exec.Command(program) //nolint:noctx // killed when the test ends
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	return run(t, cmd)
}

func run(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{t: t, cmd: cmd, log: &lockedBuffer{}}
	cmd.Stderr = c.log
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c.in, c.lines = in, bufio.NewReader(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(c.log.String())
		}
	})
	return c
}

func (c *child) line() string {
	c.t.Helper()
	s, err := c.lines.ReadString('\n')
	require.NoError(c.t, err, c.log.String())
	return strings.TrimSuffix(s, "\n")
}

func (c *child) say() {
	c.t.Helper()
	_, err := io.WriteString(c.in, "\n")
	require.NoError(c.t, err)
}

func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Signal(s))
}

package main

import (
	"context"
	"errors"
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
	"time"

	"github.com/labstack/echo/v4"
)

// project copies a bot into the folder of the run.
func (b *bench) project(from, name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		return "", fmt.Errorf("copying %s: %w", from, err)
	}
	return dir, b.keepIn(dir)
}

// keepIn has the bot keep its conversations in the store that is measured.
func (b *bench) keepIn(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "endpoints.yml"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("naming the tracker store: %w", err)
	}
	_, err = fmt.Fprintf(f, "\ntracker_store:\n  type: %s\n", b.store)
	return errors.Join(err, f.Close())
}

func (b *bench) train(ctx context.Context, dir string) (time.Duration, error) {
	domain := "domain.yml"
	if info, err := os.Stat(filepath.Join(dir, "domain")); err == nil && info.IsDir() {
		domain = "domain"
	}
	cmd := exec.CommandContext(ctx, b.parley, "train", "--force", "--fixed-model-name", "model", "-d", domain)
	cmd.Dir = dir
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("training %s: %w: %s", dir, err, out)
	}
	return time.Since(start), nil
}

// server is a process under measurement.
type server struct {
	cmd     *exec.Cmd
	address string
	started time.Time
}

// serve starts parley with the bench bot; env is added to its environment.
func (b *bench) serve(ctx context.Context) (*server, error) { return b.serveWith(ctx) }

func (b *bench) serveWith(ctx context.Context, env ...string) (*server, error) {
	return launch(ctx, func(host, port string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, b.parley, "run", "--enable-api", "-i", host, "-p", port, "--model", "models/model.tar.gz", "--quiet")
		cmd.Dir = filepath.Join(b.dir, "bot")
		cmd.Env = append(os.Environ(), env...)
		return cmd
	})
}

// serveBare starts the bare handler.
func (b *bench) serveBare(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	return launch(ctx, func(host, port string) *exec.Cmd {
		return exec.CommandContext(ctx, self, "-echo", net.JoinHostPort(host, port))
	})
}

func launch(ctx context.Context, command func(host, port string) *exec.Cmd) (*server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	s := &server{cmd: command(host, port), address: address, started: time.Now()}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.cmd.Path, err)
	}
	return s, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended on its own
	_ = s.cmd.Wait()                          // the signal is its exit status
}

// firstAnswer asks until there is a good answer and returns the time since the process was started.
func (s *server) firstAnswer(ctx context.Context) (time.Duration, error) {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, strings.NewReader(body("first", conversation[0])))
		if err != nil {
			return 0, fmt.Errorf("making a request: %w", err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			data, _ := io.ReadAll(resp.Body)
			took := time.Since(s.started)
			_ = resp.Body.Close()
			if strings.Contains(string(data), `"text"`) {
				return took, nil
			}
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("%s gives no good answer: %w", s.cmd.Path, errors.Join(err, ctx.Err()))
		}
		time.Sleep(time.Millisecond / 2)
	}
}

// clockTick is the unit of times in /proc/PID/stat, USER_HZ, which is 100 wherever Go runs on Linux.
const clockTick = 10 * time.Millisecond

// cpu returns the processor time that the process has used, in user and in system mode.
func (s *server) cpu() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("reading processor times: %w", err)
	}
	// The name in parentheses may contain spaces. After it come the fields from the third on; utime is the 14th.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("reading processor times: too few fields")
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading processor times: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory returns VmRSS, what is resident, or VmHWM, what was at most, in bytes.
func (s *server) memory(field string) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != field {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("reading memory: no %s", field)
}

// serveEcho serves the bare handler: what the framework costs without a bot.
func serveEcho(address string) error {
	answer := []byte(`[{"recipient_id":"00000000-0000-0000-0000-000000000000","text":"Good day at the post office of Little Wren."}]` + "\n")
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST(path, func(c echo.Context) error { return c.JSONBlob(http.StatusOK, answer) })
	return e.Start(address)
}

package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/parleybot/parley/conformance/replay"
)

const (
	startTimeout = 15 * time.Minute // real Rasa trains for minutes
	stopTimeout  = 20 * time.Second
	modelName    = "model"
)

// server is a bot that is being served, with the stub as its action server.
type server struct {
	client *replay.Client
	// end asks the process to stop; ended is closed when it is gone.
	end     context.CancelFunc
	ended   chan struct{}
	actions *httptest.Server
	dir     string
}

// start copies the bot into a folder of its own, trains it (or takes its model) and serves it on a free port.
func (s *Suite) start(ctx context.Context, bot string, stub *replay.Stub) (_ *server, err error) {
	srv := &server{actions: httptest.NewServer(stub)}
	defer func() {
		if err != nil {
			srv.stop()
		}
	}()
	if srv.dir, err = os.MkdirTemp("", "compat-"); err != nil {
		return nil, fmt.Errorf("preparing the bot: %w", err)
	}
	if err := prepare(srv.dir, filepath.Join(s.Bots, bot), srv.actions.URL); err != nil {
		return nil, fmt.Errorf("preparing the bot: %w", err)
	}
	if err := s.model(ctx, srv.dir, bot); err != nil {
		return nil, err
	}
	if err := s.serve(ctx, srv); err != nil {
		return nil, err
	}
	return srv, nil
}

// serve starts the process and returns when it has its model loaded.
func (s *Suite) serve(ctx context.Context, srv *server) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	life, end := context.WithCancel(ctx)
	srv.end = end
	log := &tail{}
	cmd, err := s.command(life, srv.dir, log, "run", "--enable-api", "-p", strconv.Itoa(port), "--model", "models/"+modelName+".tar.gz",
		"--endpoints", "endpoints.yml", "--credentials", "credentials.yml")
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	srv.ended = make(chan struct{})
	up, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	up, gone := context.WithCancelCause(up)
	go func() {
		defer close(srv.ended)
		err := cmd.Wait()
		gone(fmt.Errorf("the server ended (%w): %s", errors.Join(errEarly, err), log))
	}()
	srv.client = replay.NewClient("http://127.0.0.1:"+strconv.Itoa(port), "")
	return srv.client.Wait(up)
}

var errEarly = errors.New("before it answered")

func (s *server) stop() {
	if s.end != nil {
		s.end()
	}
	if s.ended != nil {
		<-s.ended
	}
	s.actions.Close()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // a temporary folder; the system removes what is left
	}
}

// model trains the bot in dir, or copies its model there.
func (s *Suite) model(ctx context.Context, dir, bot string) error {
	if s.Models != "" {
		data, err := os.ReadFile(filepath.Join(s.Models, bot+".tar.gz"))
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Join(dir, "models"), 0o755),
				os.WriteFile(filepath.Join(dir, "models", modelName+".tar.gz"), data, 0o600))
		}
		if err != nil {
			return fmt.Errorf("taking the model: %w", err)
		}
		return nil
	}
	domain := "domain.yml"
	if info, err := os.Stat(filepath.Join(dir, "domain")); err == nil && info.IsDir() {
		domain = "domain"
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	log := &tail{}
	cmd, err := s.command(ctx, dir, log, "train", "--fixed-model-name", modelName, "-d", domain)
	if err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("training: %w: %s", err, log)
	}
	return nil
}

// command is a process of the command under test. It is asked to stop when ctx ends, and killed if it does not.
func (s *Suite) command(ctx context.Context, dir string, log *tail, args ...string) (*exec.Cmd, error) {
	if len(s.Command) == 0 {
		return nil, errors.New("no command to train and serve with")
	}
	cmd := exec.CommandContext(ctx, s.Command[0], append(append([]string{}, s.Command[1:]...), args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "RASA_TELEMETRY_ENABLED=false", "TF_CPP_MIN_LOG_LEVEL=3", "OMP_NUM_THREADS=1", "PYTHONPATH=.")
	return cmd, nil
}

var localActions = regexp.MustCompile(`https?://localhost:5055`)

// prepare copies a project into dir and points its action endpoint at url.
func prepare(dir, project, url string) error {
	if err := os.CopyFS(dir, os.DirFS(project)); err != nil {
		return err
	}
	path := filepath.Join(dir, "endpoints.yml")
	endpoints, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	endpoints = localActions.ReplaceAll(endpoints, []byte(url))
	if !bytes.Contains(endpoints, []byte("action_endpoint")) {
		endpoints = append(endpoints, "\naction_endpoint:\n  url: \""+url+"/webhook\"\n"...)
	}
	if err := os.WriteFile(path, endpoints, 0o600); err != nil {
		return err
	}
	path = filepath.Join(dir, "credentials.yml")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(path, []byte("rest:\n"), 0o600)
	}
	return nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	return port, nil
}

// tailSize is how much of a process's output an error quotes, in bytes.
const tailSize = 600

// tail keeps the end of what is written to it. One goroutine of os/exec writes; it is read after the process ended.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if n := len(t.data) - tailSize; n > 0 {
		t.data = append(t.data[:0], t.data[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.data) }

package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

const (
	startTimeout = 15 * time.Minute // real Rasa trains for minutes
	stopTimeout  = 20 * time.Second
	modelName    = "model"
)

// server is a bot that is being served, with the stub as its action server.
type server struct {
	client  *Client
	process *exec.Cmd
	ended   chan error
	actions *httptest.Server
	dir     string
}

// start copies the bot into a folder of its own, trains it (or takes its model) and serves it on a free port.
func (s *Suite) start(ctx context.Context, bot string, stub *Stub) (_ *server, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
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
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	srv.process, err = s.command(srv.dir, "run", "--enable-api", "-p", strconv.Itoa(port), "--model", "models/"+modelName+".tar.gz",
		"--endpoints", "endpoints.yml", "--credentials", "credentials.yml")
	if err != nil {
		return nil, err
	}
	log := &tail{}
	srv.process.Stdout, srv.process.Stderr = log, log
	if err := srv.process.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	srv.ended = make(chan error, 1)
	up, gone := context.WithCancelCause(ctx)
	go func() {
		err := srv.process.Wait()
		gone(fmt.Errorf("the server ended (%v): %s", err, log))
		srv.ended <- err
	}()
	srv.client = NewClient("http://127.0.0.1:" + strconv.Itoa(port))
	if err := srv.client.Wait(up); err != nil {
		return nil, errors.Join(err, context.Cause(up))
	}
	return srv, nil
}

func (s *server) stop() {
	if s.ended != nil {
		// A process that is gone already needs no signal.
		_ = s.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(stopTimeout):
			_ = s.process.Process.Kill()
			<-s.ended
		}
	}
	s.actions.Close()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
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
	cmd, err := s.command(dir, "train", "--fixed-model-name", modelName, "-d", domain)
	if err != nil {
		return err
	}
	log := &tail{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("training: %w: %s", err, log)
	}
	return nil
}

func (s *Suite) command(dir string, args ...string) (*exec.Cmd, error) {
	if len(s.Command) == 0 {
		return nil, errors.New("no command to train and serve with")
	}
	cmd := exec.Command(s.Command[0], append(append([]string{}, s.Command[1:]...), args...)...)
	cmd.Dir = dir
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
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

var _ http.Handler = (*Stub)(nil)

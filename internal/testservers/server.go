package testservers

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a server may take to get ready; on a busy machine those in Java take a while.
const startLimit = 90 * time.Second

// Server is a running server. Its methods may be called from any goroutine; those that cannot do their part fail the test.
type Server struct {
	// Addr is host:port.
	Addr string
	// URL is what clients of this server are configured with: a DSN, a URL or the same as Addr.
	URL string
	// Dir holds the server's data, configuration and log files.
	Dir string

	tb   testing.TB
	spec spec

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	runs int
}

// spec says how to start a server.
type spec struct {
	name string
	// argv returns the command line for a port and a directory.
	argv func(port int, dir string) []string
	env  func(port int, dir string) []string
	// prepare fills the directory before the first start.
	prepare func(port int, dir string) error
	// ready is a line (a part of it) that the server logs when it can be used; alive is asked otherwise.
	ready string
	alive func(addr string) error
	// url makes URL of Addr.
	url  func(addr string) string
	user *syscall.Credential
	// query ends the URLs of databases.
	query string
}

// start runs a server until tb ends; the shared ones, with tb nil, until the process ends.
func start(tb testing.TB, sp spec) (*Server, error) {
	// Somebody else may take the port before the server does.
	var s *Server
	var err error
	for range 3 {
		s, err = startOnce(tb, sp)
		if err == nil || !errors.Is(err, errEnded) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", sp.name, err)
	}
	return s, nil
}

func startOnce(tb testing.TB, sp spec) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := newDir(sp.name)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Dir: dir, tb: tb, spec: sp}
	s.URL = s.Addr
	if sp.url != nil {
		s.URL = sp.url(s.Addr)
	}
	if sp.user != nil {
		if err := os.Chown(dir, int(sp.user.Uid), int(sp.user.Gid)); err != nil {
			return nil, err
		}
	}
	if sp.prepare != nil {
		if err := sp.prepare(port, dir); err != nil {
			return nil, err
		}
	}
	if err := s.run(); err != nil {
		s.end()
		return nil, err
	}
	if tb != nil {
		tb.Cleanup(func() {
			s.end()
			if err := os.RemoveAll(dir); err != nil {
				tb.Logf("removing the files of %s: %v", sp.name, err)
			}
		})
	}
	return s, nil
}

// Port returns the port of Addr.
func (s *Server) Port() int {
	_, port, _ := net.SplitHostPort(s.Addr)
	n, _ := strconv.Atoi(port)
	return n
}

// errEnded is returned by run when the process ended before it was ready.
var errEnded = errors.New("it ended at once")

// run starts the process and waits until the server can be used.
func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has it
	argv := s.spec.argv(s.Port(), s.Dir)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // ends with the test or by Kill
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.Env = os.Environ()
	if s.spec.env != nil {
		cmd.Env = append(cmd.Env, s.spec.env(s.Port(), s.Dir)...)
	}
	cmd.SysProcAttr = attributes(s.spec.user)
	if err := begin(cmd); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // whatever it says: the process has ended
		close(done)
	}()
	s.cmd, s.done = cmd, done
	return s.await(done)
}

func (s *Server) await(done chan struct{}) error {
	limit := time.Now().Add(startLimit)
	var err error
	for time.Now().Before(limit) {
		select {
		case <-done:
			return fmt.Errorf("%w; its log ends with:\n%s", errEnded, s.logTail())
		case <-time.After(10 * time.Millisecond):
		}
		if err = s.isReady(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("not ready after %s: %w; its log ends with:\n%s", startLimit, err, s.logTail())
}

func (s *Server) isReady() error {
	if s.spec.ready != "" {
		text, err := os.ReadFile(s.logFile())
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(s.spec.ready)) {
			return fmt.Errorf("%q is not in the log", s.spec.ready)
		}
	}
	if s.spec.alive != nil {
		return s.spec.alive(s.Addr)
	}
	return dial(s.Addr)
}

func dial(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second) //nolint:noctx // it has a time limit
	if err != nil {
		return err
	}
	return c.Close()
}

func (s *Server) logFile() string { return filepath.Join(s.Dir, fmt.Sprintf("output-%d.log", s.runs)) }

func (s *Server) logTail() string {
	text, _ := os.ReadFile(s.logFile())
	const most = 3000
	return strings.ToValidUTF8(string(text[max(0, len(text)-most):]), "?")
}

// Log returns what the server has printed since it was started last.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _ := os.ReadFile(s.logFile())
	return string(text)
}

// Kill ends the server with SIGKILL, as if its machine lost power, and waits until it is gone.
func (s *Server) Kill() { s.end() }

// end kills the server's processes and waits; it does nothing if that was done before.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	pid := s.cmd.Process.Pid
	all := family(pid)
	for _, id := range all {
		_ = syscall.Kill(id, syscall.SIGKILL) // whoever has ended meanwhile
	}
	<-s.done
	// The others may take a moment more and hold the port or the data.
	for limit := time.Now().Add(5 * time.Second); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		if !anyRuns(all) {
			break
		}
	}
	_ = tell("-", pid)
	s.cmd = nil
}

// Stop halts the server with SIGSTOP: connections stay, nothing is answered until Cont.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Cont lets a halted server go on.
func (s *Server) Cont() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		s.fail("%s: %s: it does not run", s.spec.name, sig)
		return
	}
	for _, id := range family(s.cmd.Process.Pid) {
		if err := syscall.Kill(id, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.fail("%s: %s: %v", s.spec.name, sig, err)
		}
		// Processes that end with their parent when they run do not while they are halted.
		if id > 0 && id != s.cmd.Process.Pid {
			_ = tell(map[syscall.Signal]string{syscall.SIGSTOP: "+", syscall.SIGCONT: "-"}[sig], id)
		}
	}
}

// Running reports whether the server was not killed. One that is halted runs.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd != nil
}

// PID returns the id of the server's first process, 0 if it does not run.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Restart starts the server again after Kill (which it calls if need be), on the same port and with the same files, and
// waits until it can be used. Servers that keep data in memory only begin empty.
func (s *Server) Restart() {
	s.end()
	var err error
	for range 5 {
		if err = s.run(); err == nil {
			return
		}
		s.end()
		if !errors.Is(err, errEnded) {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.fail("starting %s again: %v", s.spec.name, err)
}

func (s *Server) fail(format string, args ...any) {
	if s.tb == nil {
		panic(fmt.Sprintf(format, args...))
	}
	s.tb.Errorf(format, args...)
}

// own starts a server for one test.
func own(tb testing.TB, sp spec, err error) *Server {
	tb.Helper()
	var s *Server
	if err == nil {
		s, err = start(tb, sp)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// shared is a server that is started once a process.
type shared struct {
	once sync.Once
	s    *Server
	err  error
}

func (h *shared) get(tb testing.TB, sp func() (spec, error)) *Server {
	tb.Helper()
	h.once.Do(func() {
		var one spec
		if one, h.err = sp(); h.err == nil {
			h.s, h.err = start(nil, one)
		}
	})
	if h.err != nil {
		tb.Fatal(h.err)
	}
	return h.s
}

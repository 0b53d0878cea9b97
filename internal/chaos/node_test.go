package chaos

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
	"sync"
	"syscall"
	"time"
)

// node is one frontend.
type node struct {
	name, dir, binary, url string
	port                   int
	log                    *os.File

	mu  sync.Mutex
	cmd *exec.Cmd
}

// newNode prepares a frontend with a copy of the bot and endpoints of its own.
func newNode(dir, name, binary, bot, endpoints, credentials string) (*node, error) {
	n := &node{name: name, dir: filepath.Join(dir, name), binary: binary}
	if err := os.CopyFS(n.dir, os.DirFS(bot)); err != nil {
		return nil, err
	}
	for file, content := range map[string]string{"endpoints.yml": endpoints, "credentials.yml": credentials} {
		if err := os.WriteFile(filepath.Join(n.dir, file), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n.port = l.Addr().(*net.TCPAddr).Port
	n.url = fmt.Sprintf("http://127.0.0.1:%d", n.port)
	if err := l.Close(); err != nil {
		return nil, err
	}
	n.log, err = os.Create(filepath.Join(dir, name+".log"))
	return n, err
}

func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	cmd := exec.Command(n.binary, "run", "--enable-api", "-i", "127.0.0.1", "-p", fmt.Sprint(n.port))
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, n.log, n.log
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	n.cmd = cmd
	return nil
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.cmd.Process.Signal(s)
}

// kill ends the process without warning.
func (n *node) kill() {
	n.signal(syscall.SIGKILL)
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.cmd.Wait()
}

// ready waits until the node says it is.
func (n *node) ready(ctx context.Context) error {
	for {
		status, _, err := get(ctx, n.url+"/health/ready")
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is not ready: status %d", n.name, status), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

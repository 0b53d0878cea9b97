package testservers

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// reaper is a process that outlives this one by a moment: it reads which processes and groups run and, when the pipe from here
// closes because this process has ended, kills them and removes their files. So does a test that panics, runs into its
// time limit or is killed leave nothing behind.
var reaper struct {
	sync.Mutex
	pipe io.Writer
	dir  string
}

const reaperScript = `groups=
while read -r op id; do
  case $op in
    +) groups="$groups $id" ;;
    -) rest=; for g in $groups; do [ "$g" = "$id" ] || rest="$rest $g"; done; groups=$rest ;;
  esac
done
for g in $groups; do kill -9 "-$g" 2>/dev/null; kill -9 "$g" 2>/dev/null; done
i=0
while rm -rf "$1" 2>/dev/null; [ -e "$1" ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done`

// startReaper starts the process once and makes the directory of all data. It is called with the lock held.
func startReaper() error {
	if reaper.pipe != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "parley-testservers-")
	if err != nil {
		return err
	}
	// Servers run as users of their own, which have to pass.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", reaperScript, "reaper", dir) //nolint:noctx // it outlives every context
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	reaper.pipe, reaper.dir = pipe, dir
	return nil
}

// tell says to the reaper that a process group began ("+") or ended ("-").
func tell(op string, pid int) error {
	reaper.Lock()
	defer reaper.Unlock()
	_, err := fmt.Fprintln(reaper.pipe, op, pid)
	return err
}

var directories atomic.Int64

// newDir makes a directory that lives as long as the process.
func newDir(name string) (string, error) {
	reaper.Lock()
	defer reaper.Unlock()
	if err := startReaper(); err != nil {
		return "", fmt.Errorf("starting the process that ends servers: %w", err)
	}
	dir := filepath.Join(reaper.dir, name+"-"+strconv.FormatInt(directories.Add(1), 10))
	return dir, os.Mkdir(dir, 0o755)
}

// starts hands commands to the thread that starts them all.
var starts = sync.OnceValue(func() chan func() {
	c := make(chan func())
	go func() {
		// A child's parent death signal comes when the thread ends that started it, so this one never does.
		runtime.LockOSThread()
		for f := range c {
			f()
		}
	}()
	return c
})

// begin starts a command in a process group of its own and tells the reaper.
func begin(cmd *exec.Cmd) error {
	result := make(chan error)
	starts() <- func() { result <- cmd.Start() }
	if err := <-result; err != nil {
		return err
	}
	return tell("+", cmd.Process.Pid)
}

var names atomic.Int64

// Name returns a name that no other test of the process got, of lower case letters, digits and underscores: for databases,
// prefixes of keys, topics, queues.
func Name(tb testing.TB) string {
	tb.Helper()
	return fmt.Sprintf("t%d_%d", os.Getpid(), names.Add(1))
}

package nats

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/stores"
)

// What makes the test binary a node of its own: where the server is.
const (
	childFolder = "PARLEY_TEST_INBOX_FOLDER"
	childURL    = "PARLEY_TEST_INBOX_URL"
)

func TestMain(m *testing.M) {
	folder, url := os.Getenv(childFolder), os.Getenv(childURL)
	if folder == "" && url == "" {
		os.Exit(m.Run())
	}
	o := natsnode.Options{Folder: folder, SyncAlways: true}
	if url != "" {
		o.URLs = []string{url}
	}
	child(New(natsnode.New(o, nil), testConfig, component.Env{}))
}

// child puts two messages, says what it begins and how that ends, and never ends itself.
func child(in *Inbox) {
	for i := range 2 {
		m := stores.Envelope{ID: fmt.Sprint(i), Channel: "c", SenderID: "u", Text: fmt.Sprint(i)}
		if _, err := in.Put(context.Background(), m); err != nil {
			panic(err)
		}
	}
	err := in.Run(context.Background(), func(ctx context.Context, m stores.Envelope) error {
		fmt.Println("begin", m.Text)
		<-ctx.Done()
		fmt.Println("end", context.Cause(ctx))
		return nil
	})
	panic(err)
}

func startChild(t *testing.T, env string) (*os.Process, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), env)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c.Process, bufio.NewReader(out)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	require.NoError(t, err)
	return s
}

// collect runs in until it has handled n messages, and returns them as text and attempt.
func collect(t *testing.T, in *Inbox, n int) []string {
	t.Helper()
	got := make(chan string)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	ended := make(chan error, 1)
	go func() {
		ended <- in.Run(ctx, func(ctx context.Context, m stores.Envelope) error {
			select {
			case got <- fmt.Sprint(m.Text, " ", m.Attempt):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	var list []string
	for range n {
		select {
		case s := <-got:
			list = append(list, s)
		case <-ctx.Done():
			t.Fatalf("only %v came", list)
		}
	}
	time.Sleep(20 * time.Millisecond) // the last one is noted as handled
	cancel()
	require.NoError(t, <-ended)
	return list
}

// TestProcessKilled has an embedded server die with its process: the next one has everything at once.
func TestProcessKilled(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	process, out := startChild(t, childFolder+"="+folder)
	require.Equal(t, "begin 0\n", line(t, out))
	in := New(natsnode.New(natsnode.Options{Folder: folder, SyncAlways: true}, nil), testConfig, component.Env{})
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	_, err := in.Put(t.Context(), stores.Envelope{SenderID: "u"})
	require.ErrorIs(t, err, natsnode.ErrOwned)
	require.ErrorIs(t, in.Run(t.Context(), nil), natsnode.ErrOwned)

	require.NoError(t, process.Kill())
	_, err = process.Wait()
	require.NoError(t, err)
	began := time.Now()
	require.Equal(t, []string{"0 2", "1 1"}, collect(t, in, 2))
	require.Less(t, time.Since(began), testConfig.Lease)
}

// TestProcessStopped stops a node for longer than its lease. Its messages are taken over, and when it goes on it is told.
func TestProcessStopped(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), server.RANDOM_PORT)
	process, out := startChild(t, childURL+"="+s.ClientURL())
	require.Equal(t, "begin 0\n", line(t, out))
	require.NoError(t, process.Signal(syscall.SIGSTOP))

	in := New(natsnode.New(natsnode.Options{URLs: []string{s.ClientURL()}}, nil), testConfig, component.Env{})
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	require.Equal(t, []string{"0 2", "1 1"}, collect(t, in, 2))

	require.NoError(t, process.Signal(syscall.SIGCONT))
	require.Equal(t, "end "+errLost.Error()+"\n", line(t, out))
	// It goes on with what comes now.
	_, err := in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: "2"})
	require.NoError(t, err)
	require.Equal(t, "begin 2\n", line(t, out))
}

// TestCutOff cuts a node from the server while it handles a message: it ends that before others may begin.
func TestCutOff(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), server.RANDOM_PORT)
	via := relay(t, s.Addr().String())
	cut := New(natsnode.New(natsnode.Options{URLs: []string{"nats://" + via.Addr().String()}}, nil), testConfig, component.Env{})
	begun, ended := make(chan struct{}), make(chan time.Time, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- cut.Run(ctx, func(ctx context.Context, m stores.Envelope) error {
			if m.Attempt == 1 {
				close(begun)
				<-ctx.Done()
				ended <- time.Now()
			}
			return ctx.Err()
		})
	}()
	_, err := cut.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: "0"})
	require.NoError(t, err)
	<-begun
	via.cut()
	in := New(natsnode.New(natsnode.Options{URLs: []string{s.ClientURL()}}, nil), testConfig, component.Env{})
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	require.Equal(t, []string{"0 2"}, collect(t, in, 1))
	select {
	case at := <-ended:
		require.True(t, at.Before(time.Now()))
	default:
		t.Fatal("the node that was cut off is still at it")
	}
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, cut.Close())
}

// relayed is a way to a server that can be cut without either side noticing.
type relayed struct {
	net.Listener
	dead chan struct{}
}

func (r *relayed) cut() { close(r.dead) }

func relay(t *testing.T, to string) *relayed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relayed{l, make(chan struct{})}
	t.Cleanup(func() { _ = l.Close() })
	pass := func(dst, src net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := src.Read(buf)
			select {
			case <-r.dead:
				_, _ = io.Copy(io.Discard, src)
				return
			default:
			}
			if err != nil {
				_ = dst.Close()
				return
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				_ = c.Close()
				continue
			}
			go pass(up, c)
			go pass(c, up)
		}
	}()
	return r
}

package file

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestBroker(t *testing.T) {
	storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
		folder := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.Mkdir(folder, 0o755))
		path := filepath.Join(folder, "events.log")
		return storetest.BrokerTest{
			Open: func(t *testing.T) stores.Broker {
				b, err := stores.Brokers.Build(component.Config{Name: "file", Options: value.NewMap("path", path)})
				require.NoError(t, err)
				return b
			},
			Received: func(t *testing.T) []storetest.BrokerMessage { return messages(t, path) },
			// A folder that is not there is as good as a disk that is not there.
			Stop:  func(t *testing.T) { require.NoError(t, os.Rename(folder, folder+" aside")) },
			Start: func(t *testing.T) { require.NoError(t, os.Rename(folder+" aside", folder)) },
		}
	})
}

func messages(t *testing.T, path string) []storetest.BrokerMessage {
	t.Helper()
	data, err := os.ReadFile(path)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	var list []storetest.BrokerMessage
	for line := range bytes.Lines(data) {
		require.True(t, bytes.HasSuffix(line, []byte("\n")))
		list = append(list, storetest.BrokerMessage{Body: bytes.TrimSuffix(line, []byte("\n"))})
	}
	return list
}

// TestFileOfRasa writes what conformance/stores/record_brokers.py had Rasa write.
func TestFileOfRasa(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "rasa.log"))
	require.NoError(t, err)
	var p stores.Publication
	for line := range bytes.Lines(want) {
		m, err := value.DecodeObject(line)
		require.NoError(t, err)
		event, err := tracker.EventFromMap(m)
		require.NoError(t, err)
		p.SenderID, p.Events = m.String("sender_id"), append(p.Events, event)
	}
	path := filepath.Join(t.TempDir(), "events.log")
	b := New(path, nil)
	require.NoError(t, b.Publish(t.Context(), []stores.Publication{p}))
	require.NoError(t, b.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func publication(id string) []stores.Publication {
	return []stores.Publication{{SenderID: id, ID: "c", Events: []tracker.Event{&tracker.Restarted{}}}}
}

const line = `{"sender_id": "u", "event": "restart", "timestamp": 0.0}` + "\n"

// TestTornLine has a file that ends within a line, as the end of a machine leaves it.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	require.NoError(t, os.WriteFile(path, []byte(line+line[:20]), 0o644))
	b := New(path, nil)
	defer b.Close()
	require.NoError(t, b.Publish(t.Context(), publication("u")))
	require.NoError(t, b.Publish(t.Context(), publication("u")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, line+line[:20]+"\n"+line+line, string(got))
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	b := New(path, nil)
	defer b.Close()
	require.NoError(t, b.Publish(t.Context(), publication("u")))
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, b.Publish(t.Context(), publication("u")))
	for _, p := range []string{path, path + ".1"} {
		got, err := os.ReadFile(p)
		require.NoError(t, err)
		require.Equal(t, line, string(got))
	}
}

// TestSeveralWriters has several brokers append to one file: no line is inside another.
func TestSeveralWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			b := New(path, nil)
			defer b.Close()
			for range 25 {
				if err := b.Publish(t.Context(), publication("u")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(line, 100), string(got))
}

func TestForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	b := New(path, func() time.Time { return time.UnixMilli(1500) })
	defer b.Close()
	require.NoError(t, b.Forget(t.Context(), "u"))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, `{"sender_id": "u", "event": "parley.conversation_deleted", "timestamp": 1.5}`+"\n", string(got))
}

func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	b := New("/dev/full", nil)
	defer b.Close()
	require.ErrorIs(t, b.Publish(t.Context(), publication("u")), stores.ErrUnavailable)
}

func TestOptions(t *testing.T) {
	b, err := stores.Brokers.Build(component.Config{Name: "file", Options: value.NewMap("path", "")})
	require.NoError(t, err)
	require.Equal(t, "rasa_event.log", b.(*Broker).path)
	_, err = stores.Brokers.Build(component.Config{Name: "file", Pos: "endpoints.yml:3:1", Options: value.NewMap("path", int64(1))})
	require.EqualError(t, err, `endpoints.yml:3:1: component "file": option "path" must be a string, not 1`)
}

//go:build mixed

package redis

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
)

// rasa starts conformance/stores/locks.py with the Python of PARLEY_RASA_PYTHON, which has Rasa 3.6.21.
func rasa(t *testing.T, args ...any) *child {
	t.Helper()
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON names the Python with Rasa")
	words := []string{"../../../conformance/stores/locks.py"}
	for _, a := range args {
		words = append(words, fmt.Sprint(a))
	}
	cmd := exec.Command(python, words...) //nolint:gosec,noctx // killed when the test ends
	cmd.Env = append(os.Environ(), "RASA_TELEMETRY_ENABLED=false", "OMP_NUM_THREADS=1", "SQLALCHEMY_SILENCE_UBER_WARNING=1")
	return run(t, cmd)
}

// unprefixed returns the options for a server of the test's own, without a prefix of keys: the script has none.
func unprefixed(t *testing.T) *value.Map {
	options := at(t, testservers.RedisWith(t).Addr)
	options.Set("key_prefix", "")
	return options
}

// TestMixedContention has processes of Rasa and of parley want one lock, and tells how often two were inside at once: that
// can be avoided among parley's, but not with Rasa's.
func TestMixedContention(t *testing.T) {
	for _, c := range []struct {
		rasa, parley int
		poll         string
	}{
		{4, 0, "1"}, {4, 0, "0.01"}, {2, 2, "1"}, {2, 2, "0.01"}, {1, 3, "1"}, {0, 4, "1"},
	} {
		t.Run(fmt.Sprintf("%d of Rasa looking every %s s, %d of parley", c.rasa, c.poll, c.parley), func(t *testing.T) {
			const duration = 20.0
			options := unprefixed(t)
			port := options.Value("port")
			var all []*child
			if c.rasa > 0 {
				all = append(all, rasa(t, "contend", port, "u", duration, c.rasa, c.poll, "inside"))
				time.Sleep(5 * time.Second) // it takes a while to import Rasa
			}
			for range c.parley {
				j := childJob(options, 0)
				j.Prefix, j.Seconds, j.Mark = "", duration, "inside"
				all = append(all, j.start(t))
			}
			var ours tally
			for i, p := range all {
				var n tally
				require.NoError(t, json.Unmarshal([]byte(p.line()), &n))
				if i == 0 && c.rasa > 0 {
					t.Log("rasa:   " + n.String())
				} else {
					ours.add(&n)
				}
			}
			if c.parley > 0 {
				t.Log("parley: " + ours.String())
				require.Zero(t, ours.Errors)
			}
			if c.rasa == 0 {
				require.Zero(t, ours.BesideParley)
			}
		})
	}
}

func (n *tally) add(m *tally) {
	n.Turns += m.Turns
	n.BesideRasa += m.BesideRasa
	n.BesideParley += m.BesideParley
	n.Errors += m.Errors
	n.Stuck += m.Stuck
	n.Waits = append(n.Waits, m.Waits...)
}

func (n *tally) String() string {
	waits := slices.Sorted(slices.Values(n.Waits))
	at := func(p float64) string {
		if len(waits) == 0 {
			return "-"
		}
		return strconv.FormatFloat(waits[int(p*float64(len(waits)-1))], 'f', 3, 64)
	}
	return fmt.Sprintf("%d turns, %d beside one of Rasa's, %d beside one of parley's, %d errors, %d stuck; waits p50 %s p99 %s max %s s",
		n.Turns, n.BesideRasa, n.BesideParley, n.Errors, n.Stuck, at(0.5), at(0.99), at(1))
}

// TestRasaReadsTickets has Rasa read values that parley wrote, and write them again: the bytes are the same.
func TestRasaReadsTickets(t *testing.T) {
	l := node(t, unprefixed(t), Options{})
	c := rasa(t, "dumps")
	for i := range 500 {
		id := fmt.Sprintf(`user/ü "%d" 😀`, i)
		n := &line{senderID: id, key: l.key(id)}
		_, err := l.send(n, batch{issue: []*ticket{{digits: i}, {digits: 999 - i}}, holder: -1}, l.callLimit)
		require.NoError(t, err)
		raw := l.raw(t, id)
		_, err = fmt.Fprintln(c.in, raw)
		require.NoError(t, err)
	}
	require.NoError(t, c.in.Close())
	for i := range 500 {
		require.Equal(t, l.raw(t, fmt.Sprintf(`user/ü "%d" 😀`, i)), c.line())
	}
}

// TestMixedHandOver alternates: parley after Rasa, Rasa after parley.
func TestMixedHandOver(t *testing.T) {
	options := unprefixed(t)
	l := node(t, options, Options{})
	c := rasa(t, "hold", options.Value("port"), "u", 1, 60)
	require.Equal(t, "held", c.line())
	got := inBackground(t, l, "u")
	require.Empty(t, got)
	require.Equal(t, "released", c.line())
	began := time.Now()
	unlock := <-got
	require.Less(t, time.Since(began), 500*time.Millisecond)

	c = rasa(t, "hold", options.Value("port"), "u", 0, 60)
	require.Eventually(t, func() bool { return len(strings.Fields(l.numbers(t, "u"))) == 2 }, 30*time.Second, time.Millisecond)
	time.Sleep(2 * time.Second) // it looks and writes meanwhile
	unlock()
	require.Equal(t, "held", c.line())
	require.Equal(t, "released", c.line())
	require.Equal(t, "redis: nil", l.raw(t, "u"))
}

// TestMixedABA: A of parley is stopped for longer than its lease, B of Rasa gets the lock, A goes on and unlocks; C waits for B.
func TestMixedABA(t *testing.T) {
	const lease = time.Second
	options := unprefixed(t)
	j := childJob(options, lease)
	j.Prefix = ""
	a := j.start(t)
	require.Equal(t, "held", a.line())
	a.signal(syscall.SIGSTOP)
	b := rasa(t, "hold", options.Value("port"), "u", 4, 60)
	require.Equal(t, "held", b.line())
	began := time.Now()
	a.signal(syscall.SIGCONT)
	a.say()
	require.Equal(t, "released", a.line())
	c := node(t, options, Options{})
	unlock := lock(t, c, "u")
	require.Greater(t, time.Since(began), 3500*time.Millisecond)
	unlock()
	require.Equal(t, "released", b.line())
}

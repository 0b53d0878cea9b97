//go:build benchstores

package stores

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var only = flag.String("only", "", "measure only rows whose name has this in it")

const (
	// batches are measured in a row; the median counts, of processor time the least, as others only add to it.
	batches = 5
	// batchSeconds bounds a batch that is slow.
	batchSeconds = 1.0
	// attempts are how often processor times are compared before they count as different.
	attempts = 3
	// maxDelay bounds the delay of answers, in microseconds a turn.
	maxDelay = 100_000
	// page is what files are read and written by, in bytes: as they grow, a turn may need one more.
	page = 4096
	// limit is how much more a turn may cost in a long conversation than in a short one.
	limit = 1.3
)

// length is a length of conversations, how many of them are measured and with how many turns a batch: the short ones should
// not become long by it, the long ones have to fit in what a node keeps.
type length struct{ events, senders, turns int }

var lengths = []length{{10, 100, 1}, {1000, 1, 20}, {20000, 1, 100}}

// names are the ids of the conversations.
func (l length) names() []string {
	list := make([]string, l.senders)
	for i := range list {
		list[i] = fmt.Sprintf("bench-%d-%d", l.events, i)
	}
	return list
}

// cost is what a turn costs.
type cost struct {
	trips, up, down float64
	// cpu is the node's, server the server's time, wall how long it took: microseconds.
	cpu, server, wall float64
	failure           error
}

func TestStores(t *testing.T) {
	w := startWorker(t, workerVariable+"=1", binary(t))
	var rasa *remote
	if python := os.Getenv("PARLEY_RASA_PYTHON"); python != "" {
		script, err := filepath.Abs("rasa_stores.py")
		require.NoError(t, err)
		rasa = startWorker(t, "OMP_NUM_THREADS=1", python, script, domain)
	} else {
		fmt.Println("PARLEY_RASA_PYTHON does not name a Python with Rasa: its store classes are left out")
	}
	fmt.Printf("%-17s %6s  %-4s %6s %9s %9s %9s %9s %9s\n", "a turn", "events", "", "trips", "B sent", "B read", "CPU us", "server us", "us")
	for _, s := range sources() {
		names := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return !strings.Contains(name, *only) })
		if len(names) == 0 {
			continue
		}
		t.Run(s.names[0], func(t *testing.T) {
			for _, r := range s.make(t, names) {
				measure(t, w, rasa, &r)
			}
		})
	}
}

func binary(t *testing.T) string {
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

// measure prints the lines of a row and checks that they are flat.
func measure(t *testing.T, w, rasa *remote, r *row) {
	var warm []cost
	for _, l := range lengths {
		senders := l.names()
		require.NoError(t, r.open(w))
		_, err := w.do(order{Do: "grow", Senders: senders, Events: l.events, Sessions: r.sessions})
		require.NoError(t, err)
		c := r.warm(w, senders, l.turns, batches)
		r.print("warm", l.events, c)
		warm = append(warm, c)
		if r.store != "in_memory" { // nobody else sees it
			r.print("cold", l.events, r.cold(w, senders))
		}
		if rasa != nil && r.rasa != nil {
			r.print("Rasa", l.events, r.rasas(rasa, senders, l))
		}
	}
	for i, c := range warm[1:] {
		require.NoError(t, c.failure)
		r.check(t, w, &warm[0], &c, lengths[i+1])
	}
}

// check compares a turn of a long conversation with one of a short.
func (r *row) check(t *testing.T, w *remote, short, long *cost, l length) {
	slack := 16.0 // bytes: longer numbers
	if r.proxy == nil {
		slack = 2 * page
	}
	flat := func(what string, a, b, slack float64) bool {
		if b <= limit*a+slack {
			return true
		}
		t.Errorf("%s: %s of a turn: %.0f with %d events, %.0f with %d", r.name, what, a, lengths[0].events, b, l.events)
		return false
	}
	flat("round trips", short.trips, long.trips, 0.1)
	flat("bytes sent", short.up, long.up, slack)
	flat("bytes read", short.down, long.down, slack)
	a, b := short.cpu, long.cpu
	for n := 0; n < attempts && b > limit*a; n++ {
		equal, again := r.waiting(w, long.wall-short.wall), r.again(w, l)
		require.NoError(t, errors.Join(equal.failure, again.failure))
		if n == 0 {
			a = equal.cpu
		}
		a, b = min(a, equal.cpu), min(b, again.cpu)
		fmt.Printf("%-17s %6d  warm, but answers take as long as with %d events: CPU %.0f us, with those %.0f us\n", r.name, lengths[0].events, l.events, a, b)
	}
	flat("processor time (us)", a, b, 5)
}

// again measures warm turns of long conversations once more.
func (r *row) again(w *remote, l length) cost {
	if err := r.open(w); err != nil {
		return cost{failure: err}
	}
	return r.warm(w, l.names()[:1], l.turns, batches)
}

// waiting measures warm turns of short conversations at a server that takes longer by so many microseconds: a process that
// goes to sleep at every request needs more processor time than one whose answers come at once.
func (r *row) waiting(w *remote, longer float64) cost {
	senders := lengths[0].names()[:10]
	if err := r.open(w); err != nil {
		return cost{failure: err}
	}
	if r.proxy != nil {
		r.proxy.delay.Store(int64(min(max(longer, 0), maxDelay) * 1e3 / 2)) // a turn has two answers
		defer r.proxy.delay.Store(0)
	}
	return r.warm(w, senders, 5, batches)
}

// open makes a new node, or the first one where conversations live in the node.
func (r *row) open(w *remote) error {
	if r.store == "in_memory" && r.opened {
		return nil
	}
	r.opened = true
	_, err := w.do(order{Do: "open", Store: r.store, Options: r.options})
	return err
}

// warm measures turns of conversations that the node had before.
func (r *row) warm(w *remote, senders []string, turns, batches int) cost {
	if _, err := w.do(order{Do: "turns", Senders: senders, Turns: 1, Seconds: batchSeconds}); err != nil {
		return cost{failure: err}
	}
	var all []cost
	for range batches {
		all = append(all, r.batch(w, senders, turns))
	}
	return middle(all)
}

// cold measures first turns at nodes that are running already.
func (r *row) cold(w *remote, senders []string) cost {
	var all []cost
	for i := range 3 {
		if err := r.open(w); err != nil {
			return cost{failure: err}
		}
		if _, err := w.do(order{Do: "grow", Senders: []string{"bench-other"}, Events: 10}); err != nil {
			return cost{failure: err}
		}
		all = append(all, r.batch(w, senders[i%len(senders):][:1], 1))
	}
	return middle(all)
}

// rasas measures Rasa's class, on the conversations that a node of parley made; in memory it makes its own.
func (r *row) rasas(w *remote, senders []string, l length) cost {
	o := *r.rasa
	o.Do = "open"
	if _, err := w.do(o); err != nil {
		return cost{failure: err}
	}
	senders = senders[:min(len(senders), 10)]
	if r.store == "in_memory" {
		if _, err := w.do(order{Do: "grow", Senders: senders, Events: l.events}); err != nil {
			return cost{failure: err}
		}
	}
	return r.warm(w, senders, min(l.turns, 10), 3)
}

// batch measures some turns.
func (r *row) batch(w *remote, senders []string, turns int) cost {
	before, server := r.traffic(w.pid), processorTime(r.pid)
	a, err := w.do(order{Do: "turns", Senders: senders, Turns: turns, Seconds: batchSeconds})
	if err != nil || a.Turns == 0 {
		return cost{failure: err}
	}
	used, n := r.traffic(w.pid).minus(before), float64(a.Turns)
	c := cost{trips: float64(used.trips) / n, up: float64(used.up) / n, down: float64(used.down) / n, cpu: a.CPU / n, wall: a.Wall / n}
	if r.pid != 0 {
		c.server = (processorTime(r.pid) - server) / n
	}
	return c
}

// middle is the median of each figure, but the least processor time, and the mean of the server's, which has ticks.
func middle(list []cost) cost {
	var out cost
	pick := func(f func(*cost) float64) float64 {
		values := make([]float64, len(list))
		for i := range list {
			values[i] = f(&list[i])
		}
		return median(values)
	}
	for i := range list {
		if list[i].failure != nil {
			return list[i]
		}
		out.server += list[i].server / float64(len(list))
	}
	out.trips, out.up, out.down = pick(func(c *cost) float64 { return c.trips }), pick(func(c *cost) float64 { return c.up }), pick(func(c *cost) float64 { return c.down })
	out.cpu = list[0].cpu
	for i := range list {
		out.cpu = min(out.cpu, list[i].cpu)
	}
	out.wall = pick(func(c *cost) float64 { return c.wall })
	return out
}

func (r *row) print(who string, events int, c cost) {
	if c.failure != nil {
		text := c.failure.Error()
		fmt.Printf("%-17s %6d  %-4s fails: %s\n", r.name, events, who, text[:min(len(text), 110)])
		return
	}
	trips, server := fmt.Sprintf("%6.2f", c.trips), fmt.Sprintf("%9.0f", c.server)
	if r.proxy == nil {
		trips, server = "     -", "        -"
	}
	fmt.Printf("%-17s %6d  %-4s %s %9.0f %9.0f %9.0f %s %9.0f\n", r.name, events, who, trips, c.up, c.down, c.cpu, server, c.wall)
}

package chaos

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
)

var (
	messages = flag.Int("messages", 600, "messages a run")
	users    = flag.Int("users", 40, "users")
	seeds    = flag.Int("seeds", 1, "runs, each with another seed")
	seed     = flag.Uint64("seed", 0, "first seed; 0 takes one by the clock")
	keep     = flag.String("keep", "", "folder that keeps the logs of the frontends")
)

// TestChaos is the run that package chaos describes.
func TestChaos(t *testing.T) { eachSeed(t, false) }

// TestWithoutLocks has the lock store away all the time: then, too, nothing may be lost or doubled.
func TestWithoutLocks(t *testing.T) { eachSeed(t, true) }

func eachSeed(t *testing.T, lockless bool) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().Unix())
	}
	for i := range *seeds {
		s := settings{seed: first + uint64(i), frontends: 4, users: *users, messages: *messages, lockless: lockless}
		if lockless {
			s.messages /= 2
		}
		t.Run(fmt.Sprintf("seed=%d", s.seed), func(t *testing.T) { testRun(t, s) })
	}
}

func testRun(t *testing.T, s settings) {
	began := time.Now()
	x := &run{settings: s, log: t.Log, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	f := newFleet(t, x)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	starting, cancelStart := context.WithTimeout(ctx, time.Minute)
	defer cancelStart()
	for _, n := range x.nodes {
		require.NoError(t, n.ready(starting))
	}
	x.newUsers()
	require.NoError(t, x.talk(ctx))
	f.mend()
	for _, n := range x.nodes {
		require.NoError(t, n.ready(ctx))
	}
	talked := time.Since(began)
	v := &verdict{}
	f.drained(t, x)
	for _, u := range x.users {
		x.judge(ctx, v, u, f.published.bySender)
	}
	t.Logf("seed %d: %d messages of %d users in %s, %d posts, %d of them refused or unanswered", s.seed, s.messages, s.users,
		talked.Round(time.Second), x.posted.Load(), x.refused.Load())
	for _, p := range v.problems {
		t.Error(p)
	}
}

// fleet is everything around the users.
type fleet struct {
	t             *testing.T
	store, broker *proxy
	locks         *testservers.SentinelSet
	published     *published
}

// binary builds the server once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "parley")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/parleybot/parley/cmd/parley").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func newFleet(t *testing.T, x *run) *fleet {
	parley, err := binary()
	require.NoError(t, err)
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	dir = filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-"))
	bot := filepath.Join(dir, "bot")
	require.NoError(t, os.CopyFS(bot, os.DirFS("testdata/bot")))
	train := exec.Command(parley, "train", "--fixed-model-name", "model")
	train.Dir = bot
	out, err := train.CombinedOutput()
	require.NoError(t, err, string(out))

	f := &fleet{t: t, locks: testservers.Sentinel(t)}
	mongo, err := url.Parse(testservers.MongoServer(t).URL)
	require.NoError(t, err)
	f.store = f.proxy(mongo.Host)
	rabbit := testservers.RabbitMQServer(t, "").URL
	broker, err := url.Parse(rabbit)
	require.NoError(t, err)
	f.broker = f.proxy(broker.Host)
	f.published = consume(t, rabbit)
	actions, err := startActions()
	require.NoError(t, err)
	t.Cleanup(actions.close)
	x.callbacks, err = startCallbacks()
	require.NoError(t, err)
	t.Cleanup(x.callbacks.close)

	endpoints := f.endpoints(broker, actions.url)
	if x.lockless {
		endpoints = strings.Replace(endpoints, "sentinel_master:", "url: 127.0.0.1, port: 1 } # ", 1)
	}
	for i := range x.frontends {
		n, err := newNode(dir, fmt.Sprintf("node-%d", i), parley, bot, endpoints, "rest:\ncallback:\n  url: "+x.callbacks.url+"\n")
		require.NoError(t, err)
		require.NoError(t, n.start())
		t.Cleanup(n.kill)
		x.nodes = append(x.nodes, n)
	}
	x.faults = f.faults(x)
	return f
}

func (f *fleet) proxy(target string) *proxy {
	p, err := newProxy(target)
	require.NoError(f.t, err)
	f.t.Cleanup(p.close)
	return p
}

func (f *fleet) endpoints(broker *url.URL, actions string) string {
	host, port, err := net.SplitHostPort(f.broker.addr())
	require.NoError(f.t, err)
	password, _ := broker.User.Password()
	return fmt.Sprintf(`
action_endpoint: {url: %q}
tracker_store: {type: mongod, url: "mongodb://%s/?serverSelectionTimeoutMS=2000&timeoutMS=4000", db: chaos, segments: always, segment_events: 300}
lock_store: {type: redis, sentinel_master: %q, sentinels: ["%s"], lease: 2, socket_timeout: 1}
event_broker: {type: pika, url: %s, port: %s, username: %q, password: %q, queues: [chaos]}
state: {outbox_lease: 3}
`, actions, f.store.addr(), f.locks.Name, strings.Join(f.locks.Addrs, `", "`), host, port, broker.User.Username(), password)
}

// faults lists what can break. Those at even places are broken by one lane of chaos, the others by the other.
func (f *fleet) faults(x *run) []fault {
	some := func(r *rand.Rand) *node { return x.nodes[r.IntN(len(x.nodes))] }
	second := time.Second
	kill := fault{"a frontend is killed", func(r *rand.Rand) func() {
		n := some(r)
		n.kill()
		return func() { require.NoError(f.t, n.start()) }
	}, 0, 2 * second}
	stop := fault{"a frontend is stopped for longer than its lease", func(r *rand.Rand) func() {
		n := some(r)
		n.signal(syscall.SIGSTOP)
		return func() { n.signal(syscall.SIGCONT) }
	}, 3 * second, 4 * second}
	weather := func(name string, p *proxy, w weather, most time.Duration) fault {
		return fault{name, func(*rand.Rand) func() {
			p.set(w)
			return func() { p.set(fine) }
		}, second / 2, most}
	}
	failover := fault{"the lock store fails over", func(*rand.Rand) func() {
		old := f.locks.KillMaster()
		return func() { old.Restart() }
	}, 4 * second, 5 * second}
	away := fault{"the lock store is silent", func(*rand.Rand) func() {
		f.locks.Stop()
		return f.locks.Cont
	}, second, 3 * second}
	if x.lockless {
		failover, away = weather("the store is slow", f.store, slow, second), weather("the broker is slow", f.broker, slow, second)
	}
	return []fault{
		kill, weather("the store is slow", f.store, slow, 2*second),
		stop, weather("the store is silent", f.store, silent, 3*second),
		weather("the broker refuses", f.broker, refused, 3*second), weather("the store refuses", f.store, refused, 2*second),
		failover, weather("the store refuses", f.store, refused, second/2+1),
		away, weather("the store is slow", f.store, slow, second),
	}
}

func (f *fleet) mend() {
	f.store.set(fine)
	f.broker.set(fine)
	f.locks.Cont()
}

// drained waits until the broker has every event and nothing waits on disk.
func (f *fleet) drained(t *testing.T, x *run) {
	before, since := -1, time.Now()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if n := f.published.count(); n != before {
			before, since = n, time.Now()
		}
		if time.Since(since) > 12*time.Second && f.waiting(t, x) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the fleet does not come to rest")
}

func (f *fleet) waiting(t *testing.T, x *run) (n int) {
	for _, node := range x.nodes {
		_, body, err := get(t.Context(), node.url+"/health/ready")
		var answer struct {
			Waiting int `json:"waiting_turns"`
		}
		if err != nil || json.Unmarshal(body, &answer) != nil {
			return 1
		}
		n += answer.Waiting
	}
	return n
}

// published is what reached the broker.
type published struct {
	mu   sync.Mutex
	list map[string][]delivery
	n    int
}

func consume(t *testing.T, address string) *published {
	conn, err := amqp.Dial(address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	_, err = ch.QueueDeclare("chaos", true, false, false, false, nil)
	require.NoError(t, err)
	incoming, err := ch.Consume("chaos", "", true, false, false, false, nil)
	require.NoError(t, err)
	p := &published{list: map[string][]delivery{}}
	go func() {
		for d := range incoming {
			p.add(d)
		}
	}()
	return p
}

func (p *published) add(d amqp.Delivery) {
	var e event
	if json.Unmarshal(d.Body, &e) != nil {
		e = event{"sender_id": "unreadable"}
	}
	sender := e.text("sender_id")
	delete(e, "sender_id")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list[sender] = append(p.list[sender], delivery{d.MessageId, e.canonical(), time.Now()})
	p.n++
}

func (p *published) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

func (p *published) bySender() map[string][]delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := make(map[string][]delivery, len(p.list))
	for k, v := range p.list {
		m[k] = slices.Clone(v)
	}
	return m
}

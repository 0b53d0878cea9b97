//go:build mixed

package mixed

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
)

var (
	botFlag           = flag.String("bot", "testdata/bot", "folder of the bot")
	conversationsFlag = flag.String("conversations", "", "file of conversations (default: conversations.yml of the bot)")
	countFlag         = flag.Int("n", 40, "how many conversations are played; those of the file again and again")
	seedFlag          = flag.Uint64("seed", 0, "of the draws of nodes (default: the time)")
	storesFlag        = flag.String("stores", "mongod,redis,SQL", "tracker stores, as in endpoints.yml")
	parallelFlag      = flag.Int("parallel", 16, "messages of each sender in the part with parallel ones; 0 leaves it out")
)

// maxShown is how many differences of a run are shown.
const maxShown = 5

// world is what all runs share.
type world struct {
	setup
	dir, actions  string
	conversations []conversation
	seed          uint64
}

func TestMixedPool(t *testing.T) {
	w := newWorld(t)
	t.Logf("seed %d, %d conversations", w.seed, len(w.conversations))
	for kind := range strings.SplitSeq(*storesFlag, ",") {
		t.Run(kind, func(t *testing.T) { w.run(t, kind) })
	}
}

func newWorld(t *testing.T) *world {
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON must name the Python that Rasa 3.6.21 is installed in")
	bot, err := filepath.Abs(*botFlag)
	require.NoError(t, err)
	file := *conversationsFlag
	if file == "" {
		file = filepath.Join(bot, "conversations.yml")
	}
	list := loadConversations(t, file)
	w := &world{dir: t.TempDir(), seed: *seedFlag}
	if w.seed == 0 {
		w.seed = uint64(time.Now().UnixNano())
	}
	for i := range *countFlag {
		w.conversations = append(w.conversations, list[i%len(list)])
	}
	w.python, w.parley = python, build(t)
	w.model = train(t, python, bot)
	w.actions = startActions(t, python, bot)
	w.channels = w.file(t, "credentials.yml", "rest:\n")
	return w
}

func (w *world) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// run compares a mixed pool on a tracker store of a kind with a pool of Rasa nodes.
func (w *world) run(t *testing.T, kind string) {
	db := open(t, kind)
	host, port, err := net.SplitHostPort(testservers.RedisWith(t, "--save", "").Addr)
	require.NoError(t, err)
	w.endpoints = w.file(t, kind+".yml", db.section+
		fmt.Sprintf("lock_store:\n  type: redis\n  url: %s\n  port: %s\naction_endpoint:\n  url: %s\n", host, port, w.actions))

	rasas := w.startNodes(t, true, 2)
	control := newPool(rasas)
	want := w.play(t, control, "Rasa alone")
	trackers := readAll(t, control, rasas[0], len(w.conversations))
	var alone tally
	if *parallelFlag > 0 {
		alone = w.inParallel(t, control, rasas[:1], "control")
	}
	db.empty()

	parleys := w.startNodes(t, false, 2)
	mixed := newPool(append(parleys, rasas...))
	got := w.play(t, mixed, "mixed")
	requireSame(t, "answers of", answersOf(want), answersOf(got))
	for i, c := range w.conversations {
		require.Len(t, want[i].answers, len(got[i].answers), c.Name)
	}
	w.requireTrackers(t, mixed, trackers)
	w.requireStored(t, &db, trackers)

	if *parallelFlag > 0 {
		both := w.inParallel(t, mixed, []*node{parleys[0], rasas[0]}, "mixed")
		t.Logf("4 at a time, Rasa alone: %v", alone)
		t.Logf("4 at a time, mixed:      %v", both)
		require.Zero(t, both["parley"].lost, "messages that a parley node took and that are not in the tracker")
		require.Zero(t, both["parley"].doubled, "messages of parley nodes that are in the tracker twice")
	}
}

func (w *world) play(t *testing.T, p *pool, name string) []played {
	t.Helper()
	began := time.Now()
	out := p.playAll(t.Context(), w.conversations, w.seed)
	for _, one := range out {
		require.NoError(t, one.err)
	}
	t.Logf("%s: turns %v in %.0f s, at most %.1f s from one turn to the next", name, p.turns, time.Since(began).Seconds(), p.gap.Seconds())
	return out
}

func answersOf(list []played) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i].answers
	}
	return out
}

func readAll(t *testing.T, p *pool, n *node, count int) []any {
	t.Helper()
	out := make([]any, count)
	for i := range count {
		tracker, err := p.tracker(t.Context(), n, senderID(i))
		require.NoError(t, err)
		out[i] = tracker
	}
	return out
}

// requireSame compares lists with an element a conversation, variable parts aside.
func requireSame(t *testing.T, what string, want, got []any) {
	t.Helper()
	different := 0
	for i := range want {
		if d := difference(settled(want[i]), settled(got[i]), ""); d != "" {
			if different++; different <= maxShown {
				t.Errorf("%s %s differ at %s", what, senderID(i), d)
			}
		}
	}
	t.Logf("%s conversations: %d of %d equal those of Rasa alone", what, len(want)-different, len(want))
}

// requireTrackers reads all conversations through both kinds of nodes.
func (w *world) requireTrackers(t *testing.T, p *pool, want []any) {
	t.Helper()
	seen := map[bool][]any{}
	for _, n := range []*node{p.nodes[0], p.nodes[len(p.nodes)-1]} {
		seen[n.rasa] = readAll(t, p, n, len(want))
		requireSame(t, "trackers read by "+n.name+" of", want, seen[n.rasa])
	}
	for i := range want { // with times and ids
		if d := difference(seen[true][i], seen[false][i], ""); d != "" {
			t.Errorf("%s as read by parley differs from what Rasa reads at %s", senderID(i), d)
		}
	}
}

// requireStored checks that every conversation is stored once, with as many events as of Rasa alone.
func (w *world) requireStored(t *testing.T, db *database, trackers []any) {
	t.Helper()
	stored, total := db.stored(), 0
	require.Len(t, stored, len(trackers))
	for i := range trackers {
		want := len(trackers[i].(map[string]any)["events"].([]any))
		total += want
		if db.single {
			want = 1
		}
		require.Equal(t, want, stored[senderID(i)], senderID(i))
	}
	t.Logf("%d events, each conversation stored once", total)
}

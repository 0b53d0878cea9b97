package replay

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/server"
	_ "github.com/parleybot/parley/standard"
	lockmemory "github.com/parleybot/parley/stores/lock/memory"
	timermemory "github.com/parleybot/parley/stores/timer/memory"
	trackermemory "github.com/parleybot/parley/stores/tracker/memory"
)

// TestStack trains every bot and replays its recorded conversations against the whole server, in this process.
func TestStack(t *testing.T) {
	for _, file := range recordings(t, "*") {
		bot := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(bot, func(t *testing.T) {
			t.Parallel()
			stackBot(t, file, filepath.Join("../bots", bot))
		})
	}
}

func stackBot(t *testing.T, file, dir string) {
	conversations, err := Load(file)
	require.NoError(t, err)
	c := &clock{now: time.Now()}
	env := component.Env{Now: c.Now}.WithDefaults()
	replayStack(t, conversations, newStack(t, train(t, dir, env), c, env))
}

// newStack returns a player for a server that serves m in this process.
func newStack(t *testing.T, m *dialogue.Model, c *clock, env component.Env) *Player {
	t.Helper()
	stub := &Stub{Now: c.Now}
	actionServer := httptest.NewServer(stub)
	t.Cleanup(actionServer.Close)
	client, err := actions.NewClient(endpoint.Config{URL: actionServer.URL + "/webhook"}, false)
	require.NoError(t, err)

	p := dialogue.New(dialogue.Config{
		Store: trackermemory.New(), Locks: lockmemory.New(), Timers: timermemory.New(), Actions: client, Now: c.Now, AfterFunc: c.AfterFunc,
	})
	t.Cleanup(p.Close)
	c.settle = p.Settle
	p.SetModel(m)
	chans, err := channels.Create(nil, "rest", env)
	require.NoError(t, err)
	s, err := server.New(server.Config{Processor: p, Channels: chans, EnableAPI: true})
	require.NoError(t, err)
	return &Player{Target: Handler{s}, Stub: stub, Sleep: c.Sleep}
}

// replayStack replays conversations and tells how many were the same.
func replayStack(t *testing.T, conversations []*Conversation, player *Player) {
	t.Helper()
	same, shown := 0, 0
	for _, recorded := range conversations {
		if err := player.Replay(t.Context(), recorded); err == nil {
			same++
		} else if shown++; shown <= maxShown {
			t.Errorf("%s: %v", recorded.Name, err)
		}
	}
	t.Logf("identical %d of %d conversations", same, len(conversations))
}

// maxShown is how many differences of a bot are shown.
const maxShown = 5

// train trains the bot in dir and loads the model as a server does.
func train(t *testing.T, dir string, env component.Env) *dialogue.Model {
	t.Helper()
	loaded, err := project.Load(project.LoadOptions{
		Domain: []string{domainPath(dir)}, Data: []string{filepath.Join(dir, "data")}, Config: filepath.Join(dir, "config.yml"),
	})
	require.NoError(t, err)
	trained, _, err := model.Train(context.Background(), loaded, model.Options{
		NLU: true, Core: true, Augmentation: model.DefaultAugmentation, Env: env,
	})
	require.NoError(t, err)
	m, err := model.Load(trained, "model.tar.gz", env)
	require.NoError(t, err)
	return m
}

func domainPath(dir string) string {
	if path := filepath.Join(dir, "domain"); isDir(path) {
		return path
	}
	return filepath.Join(dir, "domain.yml")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

package replay

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
)

// modelTolerance is how far a confidence of the same weights may differ from Rasa's.
const modelTolerance = 1e-4

// TestRasaModels serves archives that Rasa trained (../ml/record.py) and compares parses and conversations with Rasa's.
func TestRasaModels(t *testing.T) {
	files, err := filepath.Glob("../ml/models/*.tar.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		bot := strings.TrimSuffix(filepath.Base(file), ".tar.gz")
		t.Run(bot, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Now()}
			env := component.Env{Now: c.Now}.WithDefaults()
			player := newStack(t, loadCopy(t, file, env), c, env)
			player.Tolerance = modelTolerance
			compareParses(t, player.Target, filepath.Join("../ml/recorded", bot+".parse.json"))
			recording := filepath.Join("../ml/recorded", bot+".jsonl.gz")
			if conversations, err := Load(recording); !errors.Is(err, fs.ErrNotExist) {
				require.NoError(t, err)
				replayStack(t, conversations, player)
			}
		})
	}
}

// loadCopy loads a copy of the archive, because a cache folder may appear beside it.
func loadCopy(t *testing.T, file string, env component.Env) *dialogue.Model {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), filepath.Base(file))
	require.NoError(t, os.WriteFile(path, data, 0o600))
	m, err := model.LoadFile(path, env)
	require.NoError(t, err)
	return m
}

// compareParses compares what Rasa answered to POST /model/parse, A text that Rasa fails on
// fails here, too.
func compareParses(t *testing.T, server Target, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	require.NoError(t, err)
	var answers []json.RawMessage
	require.NoError(t, json.Unmarshal(data, &answers))
	shown := 0
	for _, answer := range answers {
		want, err := value.DecodeObject(answer)
		require.NoError(t, err)
		status, got, err := server.Call(t.Context(), http.MethodPost, "/model/parse", value.NewMap("text", want.Value("text")))
		require.NoError(t, err)
		if want.Has("status") {
			require.EqualValues(t, want.Value("status"), status)
			continue
		}
		if d := Differ(want, got, "parse", modelTolerance); d != nil && shown < maxShown {
			shown++
			t.Errorf("%q: %v", want.String("text"), d)
		}
	}
	t.Logf("%d texts", len(answers))
}

package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func open(t *testing.T, options ...any) (stores.TrackerStore, error) {
	t.Helper()
	return stores.Trackers.Build(component.Config{Name: "sqlite", Options: value.NewMap(options...), Pos: "endpoints.yml:1:1"})
}

func TestStore(t *testing.T) {
	for _, synchronous := range []string{"full", "normal"} {
		t.Run(synchronous, func(t *testing.T) {
			storetest.Trackers(t, func(t *testing.T) storetest.Place {
				path := filepath.Join(t.TempDir(), "state", "c.db")
				return func() stores.TrackerStore {
					s, err := open(t, "path", path, "synchronous", synchronous)
					require.NoError(t, err)
					return s
				}
			})
		})
	}
}

func TestDefaultPath(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := open(t)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")
	folder, err := os.Stat(".parley")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), folder.Mode().Perm())
	file, err := os.Stat(filepath.Join(".parley", "conversations.db"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
}

func TestPathsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, path := range map[string]string{
		"folder is a file": filepath.Join(file, "c.db"),
		"file is a folder": dir,
		"no such place":    "/proc/nowhere/c.db",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, "path", path)
			require.ErrorIs(t, err, stores.ErrUnavailable)
			require.ErrorContains(t, err, path)
		})
	}
	_, err := open(t, "path", "")
	require.ErrorContains(t, err, `option "path" must name a file`)
	_, err = open(t, "path", filepath.Join(dir, "c.db"), "synchronous", "off")
	require.ErrorContains(t, err, `must be full or normal`)
}

package sql

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

// build makes a store from options of endpoints.yml.
func buildStore(t *testing.T, options ...any) (stores.TrackerStore, error) {
	t.Helper()
	return stores.Trackers.Build(component.Config{Name: "sql", Options: value.NewMap(options...), Pos: "endpoints.yml:1:1"})
}

// databases makes a fresh database of each kind and returns the options that lead to it.
var databases = map[string]func(t *testing.T) []any{
	"sqlite": func(t *testing.T) []any {
		return []any{"db", filepath.Join(t.TempDir(), "rasa.db"), "synchronous", "normal"}
	},
	"postgresql": func(t *testing.T) []any { return []any{"url", testservers.Postgres(t)} },
	"mariadb":    func(t *testing.T) []any { return []any{"url", testservers.MariaDB(t)} },
}

func TestStore(t *testing.T) {
	for name, options := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Trackers(t, func(t *testing.T) storetest.Place {
				options := options(t)
				return func() stores.TrackerStore {
					s, err := buildStore(t, options...)
					require.NoError(t, err)
					return s
				}
			})
		})
	}
}

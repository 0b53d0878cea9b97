package archive

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, age time.Duration, fingerprint string) {
		a := New()
		a.Manifest.ModelID = name
		a.AddPart(Part{Name: "part", Fingerprint: fingerprint})
		path := filepath.Join(dir, name+Extension)
		require.NoError(t, a.Save(path))
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	save("oldest", 3*time.Hour, "1")
	save("older", 2*time.Hour, "2")
	save("newer", time.Hour, "2")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken"+Extension), []byte("x"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"+Extension), 0o755))
	log := slog.New(slog.DiscardHandler)

	for _, c := range []struct{ name, part, fingerprint, found string }{
		{"the newest of equal ones", "part", "2", "newer"},
		{"an old one", "part", "1", "oldest"},
		{"no such fingerprint", "part", "3", ""},
		{"no such part", "other", "1", ""},
		{"a part that cannot be told", "part", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, ok := NewHistory(dir, log).Find(c.part, c.fingerprint)
			require.Equal(t, c.found != "", ok)
			if ok {
				assert.Equal(t, c.found, from.Manifest.ModelID)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		_, ok := NewHistory(filepath.Join(dir, "nowhere"), log).Find("part", "1")
		assert.False(t, ok)
	})
	t.Run("none", func(t *testing.T) {
		var none *History
		_, ok := none.Find("part", "1")
		assert.False(t, ok)
	})
}

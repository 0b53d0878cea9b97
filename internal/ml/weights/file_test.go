package weights

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMapFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x")
	_, err := MapFile(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = MapFile(folder)
	require.ErrorContains(t, err, "is a folder")
	for _, content := range []string{"", "some bytes"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		data, err := MapFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(data))
	}
}

package course

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
)

func TestWrite(t *testing.T) {
	loss := func(v float64) component.Metric { return component.Metric{Name: "t_loss", Value: v} }
	for level, want := range map[string]string{
		"epoch": "epoch,t_loss,val_t_loss\n1,2.5,\n2,1.25,1.5\n",
		"batch": "batch,t_loss\n1,3\n2,2\n3,1.25\n",
	} {
		t.Run(level, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "logs", "run")
			r := New(folder, "DIETClassifier", level)
			for n, v := range []float64{3, 2, 1.25} {
				r.Batch(n+1, []component.Metric{loss(v)})
			}
			r.Epoch(1, []component.Metric{loss(2.5)})
			r.Epoch(2, []component.Metric{loss(1.25), {Name: "val_t_loss", Value: 1.5}})
			require.NoError(t, r.Write())
			table, err := os.ReadFile(filepath.Join(folder, "DIETClassifier.csv"))
			require.NoError(t, err)
			require.Equal(t, want, string(table))
			picture, err := os.Open(filepath.Join(folder, "DIETClassifier.png"))
			require.NoError(t, err)
			defer picture.Close()
			_, err = png.Decode(picture)
			require.NoError(t, err)
		})
	}
}

func TestNothingToWrite(t *testing.T) {
	r := New("", "x", "epoch")
	r.Epoch(1, nil)
	require.NoError(t, r.Write())
	folder := filepath.Join(t.TempDir(), "logs")
	require.NoError(t, New(folder, "x", "epoch").Write())
	require.NoDirExists(t, folder)
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r := New(file, "x", "epoch")
	r.Epoch(1, []component.Metric{{Name: "t_loss", Value: 1}})
	require.ErrorContains(t, r.Write(), "tensorboard_log_directory")
}

package chart_test

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/evaluate/chart"
)

func TestConfusion(t *testing.T) {
	for _, n := range []int{0, 1, 4, 77} {
		t.Run(fmt.Sprint(n, " labels"), func(t *testing.T) {
			var labels []string
			counts := make([][]int, n)
			for i := range n {
				labels = append(labels, fmt.Sprintf("intent_%d", i))
				counts[i] = make([]int, n)
				counts[i][i], counts[i][(i*7)%n] = 40, i%9
			}
			file := out(t, fmt.Sprintf("matrix_%d.png", n))
			require.NoError(t, chart.Confusion(file, "Intent Confusion matrix", labels, counts))
			require.Greater(t, width(t, file), 300)
		})
	}
}

func TestConfidences(t *testing.T) {
	var right, wrong []float64
	for i := range 100 {
		right = append(right, 1-float64(i*i)/15000)
		if i%5 == 0 {
			wrong = append(wrong, 0.3+float64(i)/200)
		}
	}
	for name, lists := range map[string][2][]float64{"both": {right, wrong}, "right only": {right, nil}, "one value": {{1, 1}, {1}}} {
		t.Run(name, func(t *testing.T) {
			file := out(t, "histogram_"+name+".png")
			require.NoError(t, chart.Confidences(file, "Intent Prediction Confidence Distribution", lists[0], lists[1]))
			require.Greater(t, width(t, file), 600)
		})
	}
	file := filepath.Join(t.TempDir(), "none.png")
	require.ErrorIs(t, chart.Confidences(file, "", nil, nil), chart.ErrNoData)
	require.NoFileExists(t, file)
}

func TestComparison(t *testing.T) {
	series := []chart.Series{{Name: "config", Runs: [][]float64{{0.8, 0.7, 0.5}, {0.84, 0.7, 0.4}}}, {Name: "empty"},
		{Name: "other", Runs: [][]float64{{0.9, 0.85, 0.8}, {0.9, 0.8, 0.7}}}}
	for _, name := range []string{"curve.pdf", "curve.png"} {
		file := out(t, name)
		require.NoError(t, chart.Comparison(file, "Number of intent examples", "F1", []int{100, 75, 50}, series))
		require.FileExists(t, file)
	}
	require.ErrorContains(t, chart.Comparison(filepath.Join(t.TempDir(), "no", "folder.pdf"), "", "", []int{1}, series), "folder.pdf")
}

// out is where a picture goes: CHART_TEST_DIR keeps them to be looked at.
func out(t *testing.T, name string) string {
	if dir := os.Getenv("CHART_TEST_DIR"); dir != "" {
		return filepath.Join(dir, name)
	}
	return filepath.Join(t.TempDir(), name)
}

func width(t *testing.T, file string) int {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	img, err := png.Decode(f)
	require.NoError(t, err)
	return img.Bounds().Dx()
}

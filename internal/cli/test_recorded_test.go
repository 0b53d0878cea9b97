package cli_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chosenAtRandom are recordings of Rasa's choice of messages at random: what is in the files differs from run to run.
var chosenAtRandom = []string{"nlu_compare", "nlu_compare_folder", "nlu_compare_bad", "nlu_cross_validation", "nlu_cross_validation_config"}

// notAvailable are recordings that begin with a command of `train` that parley does not have.
var notAvailable = []string{"core_directory"}

// inAnyOrder are recordings whose lists of errors Rasa writes in the order of a Python set.
var inAnyOrder = []string{"nlu_one_intent"}

// TestRecordedTests compares exit codes and the files that `test` writes with those of Rasa 3.6.21.
func TestRecordedTests(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordings, "test", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if slices.Contains(notAvailable, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want := readRecording(t, path)
			kept, err := filepath.Abs(strings.TrimSuffix(path, ".txt") + ".files")
			require.NoError(t, err)
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(recordings, "projects", "stall"))))
			t.Chdir(dir)
			before := list(t)
			for _, c := range want.commands {
				play(t, c)
			}
			written := slices.DeleteFunc(list(t), func(f string) bool { return slices.Contains(before, f) || ours(f) })
			assert.ElementsMatch(t, want.written, written, "files written")
			for _, f := range written {
				if !slices.Contains(chosenAtRandom, name) {
					compareFile(t, filepath.Join(kept, f), f, dir, slices.Contains(inAnyOrder, name))
				}
			}
		})
	}
}

// ours reports whether only parley writes a file.
func ours(file string) bool {
	base := filepath.Base(file)
	return base == "report.html" || strings.HasPrefix(base, "parley_")
}

func compareFile(t *testing.T, wantFile, gotFile, dir string, anyOrder bool) {
	t.Helper()
	if ext := filepath.Ext(gotFile); strings.HasPrefix(gotFile, "models") || ext != ".json" && ext != ".yml" {
		return
	}
	want, err := os.ReadFile(wantFile)
	if !assert.NoError(t, err) {
		return
	}
	got, err := os.ReadFile(gotFile)
	require.NoError(t, err)
	if filepath.Ext(gotFile) != ".json" {
		assert.Equal(t, string(want), strings.ReplaceAll(string(got), dir, "<project>"), gotFile)
		return
	}
	var a, b any
	require.NoError(t, json.Unmarshal(want, &a))
	require.NoError(t, json.Unmarshal(got, &b))
	if anyOrder {
		sortTexts(a)
		sortTexts(b)
	}
	near := cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) <= 1e-6 })
	assert.Empty(t, cmp.Diff(a, b, near), gotFile)
}

// sortTexts sorts a list of messages.
func sortTexts(v any) {
	list, _ := v.([]any)
	slices.SortFunc(list, func(a, b any) int {
		x, _ := a.(map[string]any)["text"].(string)
		y, _ := b.(map[string]any)["text"].(string)
		return strings.Compare(x, y)
	})
}

// TestPage: the page is complete in itself, and the errors come before the scores.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(recordings, "projects", "stall"))))
	t.Chdir(dir)
	code, stdout, stderr := run(t, "train", "--fixed-model-name", "m")
	require.Zero(t, code, "%s%s", stdout, stderr)
	code, stdout, stderr = run(t, "test", "--stories", "tests", "--nlu", "nlu_test.yml")
	require.Zero(t, code, "%s%s", stdout, stderr)
	data, err := os.ReadFile("results/report.html")
	require.NoError(t, err)
	page := string(data)
	assert.NotRegexp(t, regexp.MustCompile(`(src|href)="(https?:)?//`), page)
	for _, text := range []string{"wrong action", "predicted: utter_greet", "hello and farewell", `<mark class="missed">milk`, "data:image/png;base64,"} {
		assert.Contains(t, page, text)
	}
	assert.Less(t, strings.Index(page, "Failed stories</h2>"), strings.Index(page, "<h2 id=\"scores\">"))
	data, err = os.ReadFile("results/parley_summary.json")
	require.NoError(t, err)
	var summary struct {
		Intent   map[string]float64
		Entities struct{ Spans map[string]float64 }
		Stories  map[string]int
	}
	require.NoError(t, json.Unmarshal(data, &summary))
	assert.Equal(t, 16, summary.Stories["total"])
	assert.InDelta(t, 0.5, summary.Entities.Spans["f1-score"], 0.4)
	assert.Contains(t, summary.Intent, "weighted f1-score")
}

// TestCompareDirectory: each subfolder is a run, and the names of models say configuration and percentage.
func TestCompareDirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(recordings, "projects", "stall"))))
	t.Chdir(dir)
	for _, folder := range []string{"run_1", "run_2"} {
		for _, percentage := range []string{"0", "50"} {
			code, stdout, stderr := run(t, "train", "core", "--out", "cmp/"+folder, "--fixed-model-name", "config__percentage__"+percentage)
			require.Zero(t, code, "%s%s", stdout, stderr)
		}
	}
	args := []string{"test", "core", "--stories", "tests", "--evaluate-model-directory", "--model", "cmp", "--out", "out"}
	code, _, stderr := run(t, args...)
	require.Equal(t, 1, code)
	assert.Contains(t, stderr, "num_stories.json")
	require.NoError(t, os.WriteFile("cmp/num_stories.json", []byte("[3, 1]"), 0o644))
	code, stdout, stderr := run(t, args...)
	require.Zero(t, code, "%s%s", stdout, stderr)
	data, err := os.ReadFile("out/results.json")
	require.NoError(t, err)
	var results map[string][][]int
	require.NoError(t, json.Unmarshal(data, &results))
	// The number of right stories is that of the recording core_directory.
	assert.Equal(t, map[string][][]int{"config": {{9, 9}, {9, 9}}}, results)
	assert.FileExists(t, "out/core_model_comparison_graph.pdf")
}

func TestNoModelInFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(recordings, "projects", "stall"))))
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("models", 0o755))
	for args, said := range map[string]string{"test": "could not find a model", "test core": "No model provided", "test nlu": "Could not find any model"} {
		code, stdout, _ := run(t, strings.Fields(args)...)
		assert.Zero(t, code, args)
		assert.Contains(t, stdout, said)
		assert.NotContains(t, stdout, "report.html")
	}
}

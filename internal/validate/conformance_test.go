package validate_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/validate"
	"github.com/parleybot/parley/project"
	_ "github.com/parleybot/parley/standard"
)

var update = flag.Bool("update", false, "write the golden files")

// recordings is where Rasa's command line was recorded.
const recordings = "../../conformance/cli"

// command is one recorded command.
type command struct {
	args           []string
	code           int
	stdout, stderr string
}

var commandLine = regexp.MustCompile(`(?m)^\$ rasa (.*)\nexit code: (\d+)\n----- stdout\n`)

func readRecording(t *testing.T, path string) []command {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	text := string(data)
	var out []command
	found := commandLine.FindAllStringSubmatchIndex(text, -1)
	for i, m := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		code, err := strconv.Atoi(text[m[4]:m[5]])
		require.NoError(t, err)
		c := command{args: strings.Fields(text[m[2]:m[3]]), code: code}
		c.stdout, c.stderr, _ = strings.Cut(text[m[1]:end], "----- stderr\n")
		c.stderr, _, _ = strings.Cut(c.stderr, "----- files written")
		out = append(out, c)
	}
	return out
}

func (c command) has(flag string) bool {
	for _, a := range c.args {
		if a == flag {
			return true
		}
	}
	return false
}

// compose writes the project of a recorded case into dir.
func compose(t *testing.T, dir, name string) {
	t.Helper()
	projects := filepath.Join(recordings, "projects")
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(projects, "base"))))
	root := filepath.Join(projects, name)
	if _, err := os.Stat(root); err != nil {
		return // a case without mistakes
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if gone, ok := strings.CutSuffix(rel, ".removed"); ok {
			return os.Remove(filepath.Join(dir, gone))
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), data, 0o644)
	}))
}

var files = project.LoadOptions{Domain: []string{"domain.yml"}, Data: []string{"data"}, Config: "config.yml"}

// TestRecorded compares with `rasa data validate` on projects with one mistake each.
func TestRecorded(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordings, "validate", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			commands := readRecording(t, path)
			require.Len(t, commands, 2)
			golden, err := filepath.Abs(filepath.Join("testdata", "findings", name+".txt"))
			require.NoError(t, err)
			dir := t.TempDir()
			compose(t, dir, name)
			t.Chdir(dir)
			for _, c := range commands {
				found := validate.Files(context.Background(), files, validate.Options{FailOnWarnings: c.has("--fail-on-warnings")})
				assert.Equal(t, c.code, found.ExitCode(), "rasa %s:\n%s", strings.Join(c.args, " "), found)
				checkCulprits(t, c, found)
				checkPlaces(t, c, found)
			}
			checkGolden(t, golden, validate.Files(context.Background(), files, validate.Options{}))
		})
	}
}

var (
	quotedName = regexp.MustCompile(`(?:^|[ (\[{:,])'([^'{}\[\]<>]*[\pL\d][^'{}\[\]<>]*)'`)
	docsLine   = regexp.MustCompile(`(?m)^(<time> INFO|  More info).*$`)
	// Schema errors and syntax errors are told by their place.
	formatError = regexp.MustCompile(`(?s)Yaml(Validation|Syntax)Exception:.*`)
)

// culprits are the names that Rasa puts in quotes. What follows from a domain that could not be read is no culprit.
func culprits(c command) []string {
	text := formatError.ReplaceAllString(docsLine.ReplaceAllString(c.stderr+c.stdout, ""), "")
	if strings.Contains(c.stdout, "empty domain") {
		if i := strings.Index(text, "UserWarning: Issue found"); i >= 0 {
			text = text[:i]
		}
	}
	text = strings.ReplaceAll(text, "Error: '", "Error: ")
	var out []string
	for _, m := range quotedName.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "--") { // an option of the command line, which is not part of the project
			out = append(out, m[1])
		}
	}
	return out
}

func checkCulprits(t *testing.T, c command, found validate.Findings) {
	t.Helper()
	ours := found.String()
	for _, name := range culprits(c) {
		assert.Contains(t, ours, name, "rasa %s names it", strings.Join(c.args, " "))
	}
}

// In a syntax error of config.yml Rasa names no file.
var place = regexp.MustCompile(`in (?:"|<project>/)*([\w/.]+\.yml|<unicode string>)(?:", line |:)(\d+)`)

// checkPlaces looks for an error at the places that Rasa names, which are those of the whole mapping that has the
// mistake in it.
func checkPlaces(t *testing.T, c command, found validate.Findings) {
	t.Helper()
	if !formatError.MatchString(c.stdout) {
		return
	}
	places := place.FindAllStringSubmatch(c.stdout, -1)
	require.NotEmpty(t, places)
	for _, m := range places {
		line, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		file := strings.ReplaceAll(m[1], "<unicode string>", "config.yml")
		for _, f := range found {
			if f.Severity == project.Error && f.Pos.File == file && f.Pos.Line >= line-1 && f.Pos.Line <= line+5 {
				return
			}
		}
	}
	assert.Fail(t, "no error where Rasa finds one", "%v\n%s", places, found)
}

func checkGolden(t *testing.T, path string, found validate.Findings) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(found.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	assert.Equal(t, string(want), found.String())
}

// TestBeforeTraining compares with the check that `rasa train` makes first.
func TestBeforeTraining(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordings, "train", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		c := readRecording(t, path)[0]
		if c.args[0] != "train" || c.has("--skip-validation") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			compose(t, dir, name)
			t.Chdir(dir)
			p, err := project.Load(files)
			if err != nil {
				assert.Equal(t, 1, c.code)
				return
			}
			o := validate.Options{BeforeTraining: true, FailOnWarnings: c.has("--fail-on-validation-warnings")}
			found := validate.Run(context.Background(), p, o)
			refused := strings.Contains(c.stdout, "validation completed with errors") || strings.Contains(c.stdout, "empty domain")
			assert.Equal(t, refused, found.ExitCode() == 1, "%s", found)
		})
	}
}

// TestStoriesOnly compares with `rasa data validate stories`.
func TestStoriesOnly(t *testing.T) {
	for _, c := range readRecording(t, filepath.Join(recordings, "train", "stories_validate_max_history.txt")) {
		if c.has("0") {
			continue // the command line refuses it
		}
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			o := validate.Options{StoriesOnly: true, FailOnWarnings: c.has("--fail-on-warnings")}
			if c.has("2") {
				o.MaxHistory = 2
			}
			dir := t.TempDir()
			compose(t, dir, "stories_validate_max_history")
			t.Chdir(dir)
			found := validate.Files(context.Background(), files, o)
			assert.Equal(t, c.code, found.ExitCode())
			checkCulprits(t, c, found)
		})
	}
}

// TestStoriesWithoutDomain: of stories alone Rasa says that all is well though the domain cannot be taken.
func TestStoriesWithoutDomain(t *testing.T) {
	tests := []struct {
		name string
		code int
	}{{"d02_duplicate_intent", 0}, {"d22_unknown_mapping_type", 0}, {"d13_required_slots_missing", 0}, {"d23_tab", 1}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			compose(t, dir, tt.name)
			t.Chdir(dir)
			found := validate.Files(context.Background(), files, validate.Options{StoriesOnly: true, FailOnWarnings: true})
			assert.Equal(t, tt.code, found.ExitCode(), "%s", found)
			assert.NotEmpty(t, found)
		})
	}
}

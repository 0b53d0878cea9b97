package cli_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/cli"
)

// recordings is where Rasa's command line was recorded.
const recordings = "../../conformance/cli"

// command is one command line with its exit code and what Rasa printed.
type command struct {
	args   []string
	code   int
	stdout string
}

// recording is what Rasa did in one project.
type recording struct {
	commands []command
	// written are the files that were there afterwards and not before, with <model> for names that change.
	written []string
}

var commandLine = regexp.MustCompile(`(?m)^\$ (.*)\n`)

func readRecording(t *testing.T, path string) recording {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	text, written, _ := strings.Cut(string(data), "----- files written\n")
	r := recording{written: strings.Fields(written)}
	found := commandLine.FindAllStringSubmatchIndex(text, -1)
	for i, m := range found {
		rest := text[m[1]:]
		if i+1 < len(found) {
			rest = text[m[1]:found[i+1][0]]
		}
		c := command{args: strings.Fields(text[m[2]:m[3]])}
		if code, ok := strings.CutPrefix(rest, "exit code: "); ok {
			code, rest, _ = strings.Cut(code, "\n")
			c.code, err = strconv.Atoi(code)
			require.NoError(t, err)
			c.stdout, _, _ = strings.Cut(rest, "----- stderr\n")
		}
		r.commands = append(r.commands, c)
	}
	require.NotEmpty(t, r.commands, path)
	return r
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

// run runs a command line in the current folder, as the program does.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runWith(t, "", args...)
}

func runWith(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = cli.Run(context.Background(), args, strings.NewReader(input), &out, &errOut, "v1.2.3")
	return code, out.String(), errOut.String()
}

// TestRecordedCommands compares exit codes, files written and the culprits named with those of Rasa 3.6.21.
func TestRecordedCommands(t *testing.T) {
	for _, folder := range []string{"train", "validate"} {
		paths, err := filepath.Glob(filepath.Join(recordings, folder, "*.txt"))
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".txt")
			t.Run(folder+"/"+name, func(t *testing.T) {
				want := readRecording(t, path)
				dir := t.TempDir()
				compose(t, dir, name)
				t.Chdir(dir)
				before := list(t)
				for _, c := range want.commands {
					play(t, c)
				}
				written := slices.DeleteFunc(list(t), func(f string) bool { return slices.Contains(before, f) })
				assert.ElementsMatch(t, want.written, written, "files written")
			})
		}
	}
}

func play(t *testing.T, c command) {
	t.Helper()
	if c.args[0] == "sed" {
		require.Equal(t, []string{"sed", "-i", "s/hello/hallo/", "domain.yml"}, c.args)
		data, err := os.ReadFile("domain.yml")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("domain.yml", bytes.Replace(data, []byte("hello"), []byte("hallo"), 1), 0o644))
		return
	}
	code, stdout, stderr := run(t, c.args[1:]...)
	assert.Equal(t, c.code, code, "%s:\n%s%s", strings.Join(c.args, " "), stdout, stderr)
	if code == 0 {
		return
	}
	for _, name := range culprits(c.stdout) {
		assert.Contains(t, stdout+stderr, name, "%s names it", strings.Join(c.args, " "))
	}
}

// list lists the files below the current folder, with <model> for names that change.
func list(t *testing.T) []string {
	t.Helper()
	changing := regexp.MustCompile(`\d{8}-\d{6}-[a-z]+-[a-z]+`)
	var files []string
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, changing.ReplaceAllString(path, "<model>"))
		}
		return err
	}))
	return files
}

var (
	quoted = regexp.MustCompile(`(?:^|[ (\["])'([\w./ -]*\w)'`)
	// rasaWords are quoted by Rasa's messages and are no part of a project.
	rasaWords = []string{"default.v1", "models", "intent", "rasa train", "--model"}
	// Values of a wrong kind, and what ruamel says of broken YAML, are told by their place instead.
	aboutValues = regexp.MustCompile(`(?m)^ *Value '.*$|(?s:YamlSyntaxException:.*)`)
)

// culprits are the names that Rasa puts in quotes.
func culprits(stdout string) []string {
	var names []string
	for _, m := range quoted.FindAllStringSubmatch(aboutValues.ReplaceAllString(stdout, ""), -1) {
		if !strings.HasPrefix(m[1], "/") && !slices.Contains(rasaWords, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

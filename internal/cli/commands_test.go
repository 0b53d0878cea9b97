package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		name string
		args []string
		code int
		// stdout and stderr are parts of what is printed.
		stdout, stderr string
	}{
		{"no command shows help", nil, 1, "Available Commands", ""},
		{"help", []string{"--help"}, 0, "Available Commands", ""},
		{"help of a command", []string{"train", "--help"}, 0, "--fixed-model-name", ""},
		{"version", []string{"--version"}, 0, "v1.2.3", ""},
		{"completion", []string{"completion", "bash"}, 0, "complete", ""},
		{"unknown command", []string{"trian"}, 2, "", "trian"},
		{"unknown option", []string{"train", "--nope"}, 2, "", "--nope"},
		{"value of a wrong kind", []string{"run", "--port", "many"}, 2, "", "many"},
		{"command of Rasa's that is missing", []string{"visualize", "--stories", "x"}, 2, "", "parley visualize"},
		{"action servers are Rasa's SDK", []string{"run", "actions"}, 2, "", "python -m rasa_sdk"},
		{"missing half of data", []string{"data", "split", "nlu"}, 2, "", "data split"},
		{"remote storage", []string{"run", "--remote-storage", "aws"}, 1, "", "--remote-storage aws"},
		{"serving without a model", []string{"run"}, 0, "No model found", ""},
		{"talking without a model", []string{"shell"}, 1, "The path 'models' does not exist", ""},
		{"level that is none", []string{"train", "--log-level", "loud"}, 2, "", "loud"},
		{"training without a project", []string{"train"}, 1, "config.yml", ""},
		{"folder that does not exist", []string{"init", "--no-prompt", "--init-dir", "nowhere"}, 1, "nowhere", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := run(t, c.args...)
			assert.Equal(t, c.code, code, "%s%s", stdout, stderr)
			assert.Contains(t, stdout, c.stdout)
			assert.Contains(t, stderr, c.stderr)
		})
	}
}

// TestHelp looks for every option of Rasa's commands.
func TestHelp(t *testing.T) {
	server := "model log-file use-syslog syslog-address syslog-port syslog-protocol endpoints interface port auth-token cors " +
		"enable-api response-timeout request-timeout remote-storage ssl-certificate ssl-keyfile ssl-ca-file ssl-password " +
		"credentials connector jwt-secret jwt-method jwt-private-key"
	for command, options := range map[string]string{
		"init":  "no-prompt init-dir",
		"run":   server,
		"shell": server + " conversation-id",
		"train": "data config domain out dry-run skip-validation fail-on-validation-warnings validation-max-history augmentation " +
			"debug-plots num-threads fixed-model-name persist-nlu-data force finetune epoch-fraction endpoints",
		"train core": "stories domain config out augmentation debug-plots force fixed-model-name percentages runs finetune epoch-fraction",
		"train nlu":  "config domain out nlu num-threads fixed-model-name persist-nlu-data finetune epoch-fraction",
		"shell nlu":  "model",
		"export":     "endpoints minimum-timestamp maximum-timestamp offset-timestamps-by-seconds conversation-ids",
		"test": "model stories max-stories out endpoints fail-on-prediction-errors url evaluate-model-directory nlu config domain " +
			"cross-validation folds runs percentages no-plot successes no-errors no-warnings",
		"test core": "model stories max-stories out e2e end-to-end endpoints fail-on-prediction-errors url evaluate-model-directory " +
			"no-plot successes no-errors no-warnings",
		"test nlu":              "model nlu out config domain cross-validation folds runs percentages no-plot successes no-errors no-warnings",
		"data validate":         "max-history config fail-on-warnings domain data",
		"data validate stories": "max-history config fail-on-warnings domain data",
	} {
		t.Run(command, func(t *testing.T) {
			_, stdout, _ := run(t, append(strings.Fields(command), "--help")...)
			for _, option := range strings.Fields(options + " verbose quiet logging-config-file") {
				assert.Regexp(t, `--`+option+`\b`, stdout)
			}
		})
	}
}

// starter makes a new project with a trained model in a folder of its own, and enters it.
func starter(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	code, stdout, stderr := run(t, "init", "--no-prompt")
	require.Zero(t, code, "%s%s", stdout, stderr)
}

func TestInit(t *testing.T) {
	t.Run("without questions", func(t *testing.T) {
		starter(t)
		models, err := filepath.Glob("models/*.tar.gz")
		require.NoError(t, err)
		assert.Len(t, models, 1)
		code, stdout, stderr := run(t, "data", "validate", "--strict")
		assert.Zero(t, code, "%s%s", stdout, stderr)
		code, stdout, _ = run(t, "train", "--dry-run")
		assert.Zero(t, code, stdout)
	})
	t.Run("asks for the folder", func(t *testing.T) {
		dir := t.TempDir()
		t.Chdir(dir)
		code, stdout, stderr := runWith(t, "bot\n", "init")
		require.Zero(t, code, "%s%s", stdout, stderr)
		assert.FileExists(t, filepath.Join(dir, "bot", "domain.yml"))
	})
	t.Run("the user leaves", func(t *testing.T) {
		t.Chdir(t.TempDir())
		code, stdout, _ := runWith(t, "", "init")
		assert.Zero(t, code)
		assert.Contains(t, stdout, "You can continue setting up")
		entries, err := os.ReadDir(".")
		require.NoError(t, err)
		assert.Empty(t, entries)
	})
}

func TestShell(t *testing.T) {
	starter(t)
	t.Run("answers until it is told to stop", func(t *testing.T) {
		code, stdout, stderr := runWith(t, "hello\n/ask_dog\n/stop\n/goodbye\n", "shell")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "Welcome to the Paper Lantern Library")
		assert.Contains(t, stdout, "Dogs are welcome")
		assert.NotContains(t, stdout, "creaky step")
	})
	t.Run("ends with its input", func(t *testing.T) {
		code, stdout, _ := runWith(t, "/goodbye", "shell", "--quiet")
		require.Zero(t, code)
		assert.Contains(t, stdout, "creaky step")
	})
	t.Run("understands", func(t *testing.T) {
		code, stdout, stderr := runWith(t, "/greet\n", "shell", "nlu")
		require.Zero(t, code, stderr)
		var parsed struct{ Intent struct{ Name string } }
		_, after, ok := strings.Cut(stdout, "\n")
		require.True(t, ok)
		require.NoError(t, json.Unmarshal([]byte(after), &parsed), after)
		assert.Equal(t, "greet", parsed.Intent.Name)
	})
}

func TestTrainingArguments(t *testing.T) {
	starter(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		file string
	}{
		{"name without ending", []string{"train", "--fixed-model-name", "a"}, 0, "models/a.tar.gz"},
		{"other ending", []string{"train", "--fixed-model-name", "b.zip"}, 0, "models/b.tar.gz"},
		{"abbreviated options", []string{"train", "--fixed", "c", "--skip"}, 0, "models/c.tar.gz"},
		{"several values", []string{"train", "--data", "data/nlu.yml", "data/rules.yml", "data/stories.yml", "--out", "o", "--fixed-model-name", "d"}, 0, "o/d.tar.gz"},
		{"finetuning the newest", []string{"train", "--finetune", "--fixed-model-name", "e"}, 0, "models/e.tar.gz"},
		{"nothing to finetune", []string{"train", "--finetune", "nope", "--fixed-model-name", "f"}, 1, ""},
		{"half a model", []string{"train", "nlu", "--fixed-model-name", "g"}, 0, "models/g.tar.gz"},
		{"no stories", []string{"train", "core", "-s", "data/nlu.yml", "--fixed-model-name", "h"}, 0, ""},
		{"no data", []string{"train", "--data", "domain.yml"}, 1, ""},
		{"forced dry run", []string{"train", "--dry-run", "--force"}, 8, ""},
		{"comparison", []string{"train", "core", "-c", "config.yml", "other.yml"}, 1, ""},
		{"history that is none", []string{"train", "--validation-max-history", "0"}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := list(t)
			code, stdout, stderr := run(t, c.args...)
			assert.Equal(t, c.code, code, "%s%s", stdout, stderr)
			if c.file != "" {
				assert.FileExists(t, c.file)
			} else {
				assert.Equal(t, before, list(t))
			}
		})
	}
}

// TestAssistantID: events carry the id, so that it is written down once and stays.
func TestAssistantID(t *testing.T) {
	const rest = "recipe: default.v1\n# the bot's tongue\nlanguage: en\npipeline: []\npolicies:\n  - name: RulePolicy\n"
	for name, config := range map[string]string{
		"missing": rest, "left empty": "assistant_id:\n" + rest, "that of a template": "assistant_id: placeholder_default\n" + rest,
	} {
		t.Run(name, func(t *testing.T) {
			starter(t)
			require.NoError(t, os.WriteFile("config.yml", []byte(config), 0o644))
			code, stdout, stderr := run(t, "train", "core")
			require.Zero(t, code, "%s%s", stdout, stderr)
			first, err := os.ReadFile("config.yml")
			require.NoError(t, err)
			assert.Regexp(t, `(?m)^assistant_id: \d{8}-\d{6}-[a-z]+-[a-z]+$`, string(first))
			assert.Contains(t, string(first), "# the bot's tongue")
			run(t, "train", "core")
			second, err := os.ReadFile("config.yml")
			require.NoError(t, err)
			assert.Equal(t, string(first), string(second))
		})
	}
}

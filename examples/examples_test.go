// Package examples_test trains and serves every example bot with the built binary and talks to it over HTTP.
package examples_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

var markup = regexp.MustCompile(`\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})`)

func TestExamples(t *testing.T) {
	parley := buildParley(t)
	configs, err := filepath.Glob("*/config.yml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(configs), 4)
	for _, config := range configs {
		name := filepath.Dir(config)
		t.Run(name, func(t *testing.T) {
			b := start(t, parley, name)
			t.Run("answers as Rasa 3.6.21 did", func(t *testing.T) { checkTranscript(t, b, filepath.Join("testdata", name+".txt")) })
			for _, story := range readStories(t, filepath.Join(name, "tests", "test_stories.yml")) {
				t.Run(story.Story, func(t *testing.T) { checkStory(t, b, story) })
			}
		})
	}
}

// checkTranscript says what follows each ">" and expects the lines below it, a reply each. An empty line starts
// another conversation.
func checkTranscript(t *testing.T, b *bot, path string) {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	conversation, said := 0, ""
	var got []map[string]any
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		message, spoken := strings.CutPrefix(line, "> ")
		if line == "" || spoken {
			require.Empty(t, got, "said more in reply to %q", said)
		}
		switch {
		case line == "":
			conversation++
		case spoken:
			said = message
			got = b.say(t, "visitor"+strconv.Itoa(conversation), said)
		default:
			var want map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &want))
			require.NotEmpty(t, got, "said less in reply to %q", said)
			require.Equal(t, want, got[0], "in reply to %q", said)
			got = got[1:]
		}
	}
	require.NotEmpty(t, said)
	require.Empty(t, got)
}

// testStory is one conversation of a test file: what the user says, what it means and what the bot does.
type testStory struct {
	Story string
	Steps []struct {
		User, Intent, Action string
	}
}

func readStories(t *testing.T, path string) []testStory {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var file struct{ Stories []testStory }
	require.NoError(t, yaml.Unmarshal(data, &file))
	require.NotEmpty(t, file.Stories)
	return file.Stories
}

// checkStory says the messages of the story and compares the intents and actions that the tracker then holds.
func checkStory(t *testing.T, b *bot, story testStory) {
	sender := regexp.MustCompile(`\W+`).ReplaceAllString(story.Story, "-")
	var want []string
	for _, step := range story.Steps {
		switch {
		case step.User != "":
			b.say(t, sender, plain(step.User))
			want = append(want, "intent "+step.Intent)
		case step.Action != "":
			want = append(want, "action "+step.Action)
		}
	}
	require.Equal(t, want, happened(t, b, sender))
}

// happened lists the intents and actions of a conversation in the words of a test story, which leaves out what
// starts a session, waits for the user or fills slots.
func happened(t *testing.T, b *bot, sender string) []string {
	var out []string
	for _, event := range b.events(t, sender) {
		switch event["event"] {
		case "user":
			intent := event["parse_data"].(map[string]any)["intent"].(map[string]any)
			out = append(out, "intent "+intent["name"].(string))
		case "action":
			switch name := event["name"].(string); name {
			case "action_session_start", "action_listen", "action_extract_slots":
			default:
				out = append(out, "action "+name)
			}
		}
	}
	return out
}

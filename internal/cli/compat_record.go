package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/parleybot/parley/conformance/compat"
	"github.com/parleybot/parley/internal/value"
)

const compatRecordHelp = `Has conversations with a running Rasa and writes down everything it does, for "parley compat check".

Start your Rasa with "rasa run --enable-api" and the rest channel. The conversations come from a file

    conversations:
      - name: orders tea
        turns:
          - user: "a tea, please"
          - sleep: 2
          - api: {method: POST, path: "/conversations/{id}/trigger_intent", body: {name: bye}}

or from BOTS/BOT/conversations.yml and, with --random, from the messages in BOTS/BOT/fuzz.yml.

With custom actions, let action_endpoint in Rasa's endpoints.yml name the address given as --actions-proxy
(http://localhost:5056/webhook for ":5056") and name the action server itself with --actions.`

type compatRecord struct {
	recorder      compat.Recorder
	bots          string
	conversations string
	random        int
}

func (a *app) compatRecordCommand() *cobra.Command {
	var c compatRecord
	cmd := &cobra.Command{
		Use:   "record --rasa URL (--conversations FILE | --bots DIR --bot BOT) --out DIR",
		Short: "Records conversations of a running Rasa",
		Long:  compatRecordHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scripts, err := c.scripts()
			if err != nil {
				return err
			}
			c.recorder.Log = a.out
			return c.recorder.Record(cmd.Context(), scripts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.recorder.URL, "rasa", "", "URL of the running Rasa")
	f.StringVar(&c.recorder.Token, "auth-token", "", "its token, if it asks for one")
	f.StringVar(&c.conversations, "conversations", "", "file with the conversations to have")
	f.StringVar(&c.bots, "bots", "", "folder with one project a bot")
	f.StringVar(&c.recorder.Bot, "bot", "", "name of the bot that runs (default: the folder of the conversations)")
	f.StringVar(&c.recorder.Out, "out", "", "folder for the recording, BOT.jsonl")
	f.StringVar(&c.recorder.ActionsProxy, "actions-proxy", "", "address to take Rasa's action calls at")
	f.StringVar(&c.recorder.Actions, "actions", "http://localhost:5055/webhook", "URL of the action server, with --actions-proxy")
	f.IntVar(&c.random, "random", 0, "how many random conversations to have, from the bot's fuzz.yml")
	for _, name := range []string{"rasa", "out"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flags were added above
		}
	}
	return cmd
}

// scripts reads the conversations that the flags name, and finds the name of the bot.
func (c *compatRecord) scripts() ([]compat.Script, error) {
	path := c.conversations
	switch {
	case path == "" && (c.bots == "" || c.recorder.Bot == ""):
		return nil, usageError{errors.New("give --conversations FILE, or --bots DIR and --bot BOT")}
	case path == "":
		path = filepath.Join(c.bots, c.recorder.Bot, "conversations.yml")
	case c.recorder.Bot == "":
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", path, err)
		}
		c.recorder.Bot = filepath.Base(filepath.Dir(full))
	}
	var scripts []compat.Script
	doc, err := readScriptFile(path)
	if err == nil {
		scripts, err = compat.ReadScripts(doc)
	}
	if err != nil && !(c.random > 0 && c.conversations == "" && errors.Is(err, fs.ErrNotExist)) {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if c.random <= 0 {
		return scripts, nil
	}
	path = filepath.Join(filepath.Dir(path), "fuzz.yml")
	if doc, err = readScriptFile(path); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	more, err := compat.RandomScripts(doc, c.random)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return append(scripts, more...), nil
}

// readScriptFile reads a YAML file that belongs to no project, so that nothing of it is checked.
func readScriptFile(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	// The bodies of requests are JSON: through it, keys that are no text are refused and numbers become JSON's.
	if data, err = json.Marshal(doc); err != nil {
		return nil, err
	}
	return value.Decode(data)
}

// Package replay plays conversations against a server, to record what it does or to compare it with a recording:
// replies, tracker events, slots, predictions, the story export and every request to the action server.
//
// The server is anything that answers HTTP requests: a URL, or a handler in the same process. Compared servers get the
// answers of custom actions from the recording (Stub); recorded ones ask their action server through a Proxy.
//
// A recording is a file of JSON lines, one conversation a line, BOT.jsonl or BOT.jsonl.gz:
//
//	{"bot", "name", "sender_id",
//	 "turns": [{"send" | "api" | "sleep", "status", "replies" | "answer", "reset", "events": [...]}],
//	 "tracker": {...}, "predict": {"status", "answer"}, "story": {"status", "answer"},
//	 "actions": [{"turn", "request": {...}, "status", "response"}]}
//
// The events of a turn are what GET /conversations/ID/tracker?include_events=ALL shows beyond the turn before; reset
// is true where that list does not continue the earlier one (a session or a restart began), and then they are the
// whole list. What differs from run to run (times, message and model ids) is left out. `actions` holds the exchanges
// with the action server, without the domain and with the number of events instead of the events.
package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// Conversation is one recorded conversation.
type Conversation struct {
	Bot, Name, SenderID string
	Turns               []*value.Map
	// Tracker, Predict and Story are what the API shows at the end.
	Tracker, Predict, Story *value.Map
	// Actions are the exchanges with the action server, in order.
	Actions []*value.Map
}

// Bot is a bot with its recorded conversations.
type Bot struct {
	Name          string
	Conversations []*Conversation
}

// LoadFolder reads every recording in a folder, sorted by bot.
func LoadFolder(folder string) ([]Bot, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl*"))
	if err != nil {
		return nil, fmt.Errorf("listing recordings: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("listing recordings: %s has no *.jsonl or *.jsonl.gz", folder)
	}
	slices.Sort(paths)
	var bots []Bot
	for _, path := range paths {
		name, ending, _ := strings.Cut(filepath.Base(path), ".jsonl")
		if ending != "" && ending != ".gz" {
			continue
		}
		conversations, err := Load(path)
		if err != nil {
			return nil, err
		}
		bots = append(bots, Bot{name, conversations})
	}
	return bots, nil
}

// Load reads the recorded conversations of one file, JSON lines, zipped where the name ends in .gz.
func Load(path string) ([]*Conversation, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading recordings: %w", err)
	}
	if strings.HasSuffix(path, ".gz") {
		if data, err = gunzip(data); err != nil {
			return nil, fmt.Errorf("reading recordings %s: %w", path, err)
		}
	}
	var out []*Conversation
	lines := bufio.NewReader(bytes.NewReader(data))
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			r, bad := readConversation(line)
			if bad != nil {
				return nil, fmt.Errorf("reading recordings %s:%d: %w", path, n, bad)
			}
			out = append(out, r)
		}
		if err == io.EOF {
			return out, nil
		}
	}
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func readConversation(line []byte) (*Conversation, error) {
	m, err := value.DecodeObject(line)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"sender_id", "turns"} {
		if !m.Has(key) {
			return nil, fmt.Errorf("the field %q is missing", key)
		}
	}
	return &Conversation{
		Bot: m.String("bot"), Name: m.String("name"), SenderID: m.String("sender_id"), Turns: maps(m.List("turns")),
		Tracker: m.Map("tracker"), Predict: m.Map("predict"), Story: m.Map("story"), Actions: maps(m.List("actions")),
	}, nil
}

func maps(list []any) []*value.Map {
	out := make([]*value.Map, 0, len(list))
	for _, v := range list {
		if m, ok := v.(*value.Map); ok {
			out = append(out, m)
		}
	}
	return out
}

// AsMap returns the conversation as it is written to a file.
func (c *Conversation) AsMap() *value.Map {
	return value.NewMap("bot", c.Bot, "name", c.Name, "sender_id", c.SenderID, "turns", list(c.Turns),
		"tracker", c.Tracker, "predict", c.Predict, "story", c.Story, "actions", list(c.Actions))
}

func list(in []*value.Map) []any {
	out := make([]any, len(in))
	for i, m := range in {
		out[i] = m
	}
	return out
}

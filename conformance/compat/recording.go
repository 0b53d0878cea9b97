// Package compat proves that parley does what a running Rasa did: it records conversations from a Rasa server and
// replays recordings against parley, comparing replies, tracker events, slots, predictions, the story export and every
// request to the action server.
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
package compat

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

// Recording is one recorded conversation.
type Recording struct {
	Bot      string
	Name     string
	SenderID string
	Turns    []*value.Map
	Tracker  *value.Map
	Predict  *value.Map
	Story    *value.Map
	Actions  []*value.Map
}

// Bot is a bot with its recorded conversations.
type Bot struct {
	Name       string
	Recordings []Recording
}

// LoadRecordings reads every recording in a folder, sorted by bot.
func LoadRecordings(folder string) ([]Bot, error) {
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
		recordings, err := loadFile(path)
		if err != nil {
			return nil, err
		}
		bots = append(bots, Bot{name, recordings})
	}
	return bots, nil
}

func loadFile(path string) ([]Recording, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading recordings: %w", err)
	}
	if strings.HasSuffix(path, ".gz") {
		if data, err = gunzip(data); err != nil {
			return nil, fmt.Errorf("reading recordings %s: %w", path, err)
		}
	}
	var out []Recording
	lines := bufio.NewReader(bytes.NewReader(data))
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			r, bad := readRecording(line)
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

func readRecording(line []byte) (Recording, error) {
	m, err := value.DecodeObject(line)
	if err != nil {
		return Recording{}, err
	}
	for _, key := range []string{"sender_id", "turns"} {
		if !m.Has(key) {
			return Recording{}, fmt.Errorf("the field %q is missing", key)
		}
	}
	return Recording{
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

// AsMap returns the recording as it is written to a file.
func (r *Recording) AsMap() *value.Map {
	return value.NewMap("bot", r.Bot, "name", r.Name, "sender_id", r.SenderID, "turns", list(r.Turns),
		"tracker", r.Tracker, "predict", r.Predict, "story", r.Story, "actions", list(r.Actions))
}

func list(in []*value.Map) []any {
	out := make([]any, len(in))
	for i, m := range in {
		out[i] = m
	}
	return out
}

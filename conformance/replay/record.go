// Package replay plays conversations recorded from Rasa 3.6.21 against a server and compares everything it does: replies,
// events, trackers, predictions, stories, and what it asks of the action server.
//
// The server is anything that answers HTTP requests: a URL, or a handler in the same process. Custom actions are answered
// from the recording (Stub). Times and random ids are not compared.
package replay

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"

	"github.com/parleybot/parley/internal/value"
)

// Conversation is one recorded conversation.
type Conversation struct {
	Bot, Name, SenderID string
	Turns               []Turn
	// Tracker, Predict and Story are what the API shows at the end.
	Tracker, Predict, Story *value.Map
	// Actions are the exchanges with the action server, in order.
	Actions []Exchange
}

// Turn is one step of a conversation: a message (Send), a request to the API (API) or a pause (Sleep, in seconds).
type Turn struct {
	Send, API *value.Map
	Sleep     float64
	Status    int64
	// Replies answers Send, Answer answers API.
	Replies, Answer any
	// Events are those that the turn added to the tracker; with Reset they are all it shows.
	Reset  bool
	Events []any
}

// Exchange is one call of the action server.
type Exchange struct {
	Request  *value.Map
	Status   int64
	Response any
}

// Load reads recorded conversations, one JSON document a line, gzipped.
func Load(path string) ([]*Conversation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading recordings: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("reading recordings %s: %w", path, err)
	}
	const longestLine = 64 << 20
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, longestLine)
	var all []*Conversation
	for lines.Scan() {
		v, err := value.Decode(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("reading recordings %s: conversation %d: %w", path, len(all)+1, err)
		}
		m, _ := v.(*value.Map)
		all = append(all, conversation(m))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading recordings %s: %w", path, err)
	}
	return all, nil
}

func conversation(m *value.Map) *Conversation {
	c := &Conversation{
		Bot: m.String("bot"), Name: m.String("name"), SenderID: m.String("sender_id"),
		Tracker: m.Map("tracker"), Predict: m.Map("predict"), Story: m.Map("story"),
	}
	for _, item := range m.List("turns") {
		t, _ := item.(*value.Map)
		sleep, _ := value.ToFloat(t.Value("sleep"))
		reset, _ := t.Value("reset").(bool)
		status, _ := t.Value("status").(int64)
		c.Turns = append(c.Turns, Turn{
			Send: t.Map("send"), API: t.Map("api"), Sleep: sleep, Status: status,
			Replies: t.Value("replies"), Answer: t.Value("answer"), Reset: reset, Events: t.List("events"),
		})
	}
	for _, item := range m.List("actions") {
		a, _ := item.(*value.Map)
		status, _ := a.Value("status").(int64)
		c.Actions = append(c.Actions, Exchange{a.Map("request"), status, a.Value("response")})
	}
	return c
}

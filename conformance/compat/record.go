package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/parleybot/parley/conformance/replay"
	"github.com/parleybot/parley/internal/value"
)

// Script is a conversation to have with a server.
type Script struct {
	Name string
	// Turns have one of the keys send, api and sleep.
	Turns []*value.Map
}

// ReadScripts takes the conversations out of a parsed conversations.yml:
//
//	conversations:
//	  - name: orders tea
//	    turns:
//	      - user: "a tea, please"      # metadata: {...} may stand beside it
//	      - sleep: 2                   # seconds
//	      - api: {method: POST, path: "/conversations/{id}/trigger_intent", body: {name: bye}}
func ReadScripts(doc any) ([]Script, error) {
	m, _ := doc.(*value.Map)
	if !m.Has("conversations") {
		return nil, errors.New(`the key "conversations" is missing`)
	}
	var out []Script
	for i, item := range m.List("conversations") {
		c, ok := item.(*value.Map)
		name := c.String("name")
		if !ok || name == "" {
			return nil, fmt.Errorf("conversation %d: the key \"name\" is missing", i+1)
		}
		script := Script{Name: name}
		for j, item := range c.List("turns") {
			turn, err := readTurn(item)
			if err != nil {
				return nil, fmt.Errorf("conversation %q: turn %d: %w", name, j+1, err)
			}
			script.Turns = append(script.Turns, turn)
		}
		out = append(out, script)
	}
	return out, nil
}

func readTurn(item any) (*value.Map, error) {
	turn, _ := item.(*value.Map)
	switch {
	case turn.Has("user"):
		send := value.NewMap("message", turn.Value("user"))
		if turn.Has("metadata") {
			send.Set("metadata", turn.Value("metadata"))
		}
		return value.NewMap("send", send), nil
	case turn.Has("api"):
		if turn.Map("api").String("method") == "" || turn.Map("api").String("path") == "" {
			return nil, errors.New(`"api" needs method and path`)
		}
		return value.NewMap("api", turn.Map("api")), nil
	case turn.Has("sleep"):
		if _, ok := value.ToFloat(turn.Value("sleep")); !ok {
			return nil, errors.New(`"sleep" needs seconds`)
		}
		return value.NewMap("sleep", turn.Value("sleep")), nil
	}
	return nil, errors.New("want one of the keys user, api and sleep")
}

// defaultTurns is how long a random conversation is.
const defaultTurns = 12

// RandomScripts returns n conversations of messages drawn from a parsed fuzz.yml (fuzz: {messages: [...], turns: 12}),
// the same ones every time.
func RandomScripts(doc any, n int) ([]Script, error) {
	m, _ := doc.(*value.Map)
	messages := m.Map("fuzz").List("messages")
	if len(messages) == 0 {
		return nil, errors.New(`the list "fuzz: messages" is missing`)
	}
	turns, ok := m.Map("fuzz").Value("turns").(int64)
	if !ok {
		turns = defaultTurns
	}
	out := make([]Script, n)
	for i := range out {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		out[i].Name = fmt.Sprintf("random_%04d", i)
		for range turns {
			send := value.NewMap("message", messages[random.IntN(len(messages))])
			out[i].Turns = append(out[i].Turns, value.NewMap("send", send))
		}
	}
	return out, nil
}

// Recorder records conversations of a running Rasa, or of any server with its HTTP API and the REST channel.
type Recorder struct {
	// URL and Token are those of the server.
	URL, Token string
	// Bot names the recording, its file is Out/BOT.jsonl.
	Bot, Out string
	// ActionsProxy is the address that the server's action_endpoint names, such as :5056, and Actions the URL of the
	// action server behind it. Without an address the exchanges with the action server are not recorded.
	ActionsProxy, Actions string
	// Log gets a line a conversation.
	Log io.Writer
}

// Record has the conversations one after the other and writes the file.
func (r *Recorder) Record(ctx context.Context, scripts []Script) (err error) {
	var proxy *replay.Proxy
	if r.ActionsProxy != "" {
		proxy = &replay.Proxy{Actions: r.Actions}
		stop, listenErr := listen(ctx, r.ActionsProxy, proxy)
		if listenErr != nil {
			return listenErr
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	player := replay.Player{Target: replay.NewClient(r.URL, r.Token)}
	// Recordings are compared by sender_id; two runs against one server must not share conversations.
	run := time.Now().UTC().Format("20060102-150405")
	var out bytes.Buffer
	for _, script := range scripts {
		c, err := player.Record(ctx, fmt.Sprintf("%s-%s-%s", r.Bot, script.Name, run), script.Turns, proxy)
		if err != nil {
			return fmt.Errorf("recording %q: %w", script.Name, err)
		}
		c.Bot, c.Name = r.Bot, script.Name
		out.Write(value.Encode(c.AsMap(), value.SortKeys))
		out.WriteByte('\n')
		fmt.Fprintf(r.Log, "%s: %d turns, %d actions\n", c.Name, len(c.Turns), len(c.Actions))
	}
	path := filepath.Join(r.Out, r.Bot+".jsonl")
	if err := errors.Join(os.MkdirAll(r.Out, 0o755), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	fmt.Fprintf(r.Log, "recorded %d conversations in %s\n", len(scripts), path)
	return nil
}

// listen serves handler at address until the returned function is called.
func listen(ctx context.Context, address string, handler http.Handler) (stop func() error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for the server's action calls: %w", err)
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: stopTimeout}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return func() error {
		err := s.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

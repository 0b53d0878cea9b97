package httpreplay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Player sends recorded requests to a server. It plays one file after the other.
type Player struct {
	// Base is the server's URL without a slash at the end.
	Base string
	// Rewrite, if set, changes the texts of requests, such as the addresses of callbacks.
	Rewrite func(text string) string
	// Receiver gets what the server sends to callback URLs.
	Receiver *Receiver

	// Packets says of polls, by the exchange's name, how many packets to wait for where that is more than were recorded.
	Packets map[string]int

	client http.Client
	// sids are the socket.io sessions of the file: that of Engine.IO and that of Socket.IO.
	sids map[string]string
	// sent counts the invented times of requests.
	sent int
}

const (
	// patience is how long an answer or a callback may take.
	patience = 20 * time.Second
	// reminderDelay stands for the two seconds after which a recorded reminder is due.
	reminderDelay = 50 * time.Millisecond
)

// Start forgets the sessions of the last file.
func (p *Player) Start() { p.sids = map[string]string{} }

// Play sends the request of e and returns how the answer differs from the recorded one.
func (p *Player) Play(ctx context.Context, e Exchange) ([]Difference, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := p.send(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	want := e.Response.Clone()
	want.Delete("raw")
	found := compare("response", want, scrub(got, p.sids))
	if e.Callbacks != nil {
		arrived := p.Receiver.take(len(e.Callbacks), patience)
		found = append(found, compare("callbacks", e.Callbacks, scrub(arrived, p.sids))...)
	}
	return found, nil
}

// send returns the answer in the form of recordings.
func (p *Player) send(ctx context.Context, e Exchange) (*value.Map, error) {
	isPoll := e.Request.Method == http.MethodGet && strings.Contains(e.Request.Query, "{sid}")
	wanted := max(p.Packets[e.Name], strings.Count(e.Response.String("body"), packetSeparator)+1)
	var packets []string
	for {
		r, raw, err := p.request(ctx, e.Request) //nolint:bodyclose // request has closed it
		if err != nil {
			return nil, err
		}
		if isPoll && r.StatusCode == http.StatusOK {
			// Packets that belong together may come in several polls.
			packets = append(packets, strings.Split(string(raw), packetSeparator)...)
			if len(packets) < wanted {
				continue
			}
			raw = []byte(strings.Join(packets, packetSeparator))
		}
		p.learn(e, string(raw))
		return answer(r, raw), nil
	}
}

const packetSeparator = "\x1e"

var sidPattern = regexp.MustCompile(`"sid":"([^"]+)"`)

// learn keeps the session ids that later requests use.
func (p *Player) learn(e Exchange, body string) {
	found := sidPattern.FindStringSubmatch(body)
	if found == nil {
		return
	}
	for _, name := range []string{"sid", "sid2"} {
		if strings.Contains(e.Response.String("body"), `"<`+name+`>"`) {
			p.sids[name] = found[1]
		}
	}
}

func (p *Player) request(ctx context.Context, r Request) (*http.Response, []byte, error) {
	var body []byte
	switch text := r.Body.(type) {
	case string:
		body = []byte(p.fill(text))
		if r.IsJSON {
			body = value.Encode(p.invent(r.Body), value.JSON)
		}
	default:
		if r.IsJSON {
			body = value.Encode(p.invent(r.Body), value.JSON)
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, p.Base, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	// Opaque sends the path as it was recorded; with two slashes it needs the host before it.
	req.URL.Opaque = p.fill(r.Path)
	if strings.HasPrefix(req.URL.Opaque, "//") {
		req.URL.Opaque = "//" + req.URL.Host + req.URL.Opaque
	}
	req.URL.RawQuery = p.rewrite(p.fill(r.Query))
	for k, v := range r.Headers.All() {
		req.Header.Set(k, value.Str(v))
	}
	req.Header.Set("User-Agent", "")
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp, raw, err
}

func (p *Player) rewrite(s string) string {
	if p.Rewrite == nil {
		return s
	}
	return p.Rewrite(s)
}

func (p *Player) fill(s string) string {
	for name, sid := range p.sids {
		s = strings.ReplaceAll(s, "{"+name+"}", sid)
	}
	return s
}

// invent puts times in the place of the placeholders of a request.
func (p *Player) invent(v any) any {
	switch v := v.(type) {
	case *value.Map:
		out := &value.Map{}
		for k, item := range v.All() {
			out.Set(k, p.invent(item))
		}
		return out
	case []any:
		p.sent = 0
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = p.invent(item)
		}
		return out
	case string:
		switch v {
		case "<float>":
			p.sent++
			return float64(time.Now().Add(-20*time.Second).UnixMilli())/1000 + float64(p.sent)/2
		case "<now+2s>":
			return time.Now().Add(reminderDelay).Format("2006-01-02T15:04:05.000000")
		}
		return p.rewrite(v)
	}
	return v
}

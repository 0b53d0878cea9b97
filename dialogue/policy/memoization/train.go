package memoization

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Train implements policy.Component. Sequences of states that stories continue differently are left out.
func (p *Policy) Train(ctx context.Context, data *training.Data) error {
	p.domain = data.Domain
	l := learner{p: p, known: map[string]int{}, ambiguous: map[string]bool{}}
	for _, tr := range data.Trackers {
		if tr.Augmented || tr.Rule {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		l.learn(data, tr)
	}
	p.turns = nil
	for _, t := range l.turns {
		if !l.ambiguous[t.key] {
			p.turns = append(p.turns, t)
		}
	}
	return p.index()
}

type learner struct {
	p         *Policy
	turns     []turn
	known     map[string]int
	ambiguous map[string]bool
}

func (l *learner) learn(data *training.Data, tr *training.Tracker) {
	states := tr.States()
	// The JSON of each state is made once; a key joins those of some states in a row.
	parts := make([]string, len(states))
	for i, s := range states {
		s := s.WithoutTextIfIntent()
		parts[i] = strings.ReplaceAll(string(s.Append(nil)), `"`, "")
	}
	n := 0
	for _, e := range tr.Applied() {
		a, ok := e.(*tracker.ActionExecuted)
		if !ok {
			continue
		}
		n++
		if data.Unpredictable(a) {
			continue
		}
		end, first := min(n, len(parts)), 0
		if l.p.maxHistory > 0 {
			first = max(0, end-l.p.maxHistory)
		}
		if first == end {
			continue
		}
		t := turn{key: "[" + strings.Join(parts[first:end], ", ") + "]", action: a.Name, source: "story " + tr.Source()}
		if t.action == "" {
			t.action = a.ActionText
		}
		l.add(t)
	}
}

func (l *learner) add(t turn) {
	if i, ok := l.known[t.key]; !ok {
		l.known[t.key] = len(l.turns)
		l.turns = append(l.turns, t)
	} else if l.turns[i].action != t.action {
		l.ambiguous[t.key] = true
	}
}

// index makes the turns ready for prediction.
func (p *Policy) index() error {
	p.lookup = make(map[uint64]*turn, len(p.turns))
	p.longest = 0
	for i := range p.turns {
		t := &p.turns[i]
		hashes, ok := state.HashKey(t.key)
		if !ok {
			return fmt.Errorf("reading memorized turns: %q is no list of states", t.key)
		}
		p.longest = max(p.longest, len(hashes))
		p.lookup[state.KeyOf(hashes, p.maxHistory)] = t
	}
	return nil
}

// The files of a trained policy. lookupFile has Rasa's form, sourcesFile is parley's own.
const (
	lookupFile  = "memorized_turns.json"
	sourcesFile = "memorized_sources.json"
)

// Persist implements policy.Component.
func (p *Policy) Persist(r component.Resource) error {
	lookup, sources := value.NewMap(), value.NewMap()
	for i := range p.turns {
		lookup.Set(p.turns[i].key, p.turns[i].action)
		sources.Set(p.turns[i].key, p.turns[i].source)
	}
	if err := r.Put(lookupFile, value.Encode(value.NewMap("lookup", lookup), value.JSON)); err != nil {
		return fmt.Errorf("storing %s: %w", lookupFile, err)
	}
	if err := r.Put(sourcesFile, value.Encode(sources, value.JSON)); err != nil {
		return fmt.Errorf("storing %s: %w", sourcesFile, err)
	}
	return nil
}

// Load implements policy.Component. It also reads what Rasa stored, compressed or not, which has no sources.
func (p *Policy) Load(d *project.Domain, r component.Resource) error {
	p.domain = d
	doc, err := component.ReadObject(r, lookupFile)
	if err == nil && doc == nil {
		err = fmt.Errorf("reading memorized turns: %s: %w", lookupFile, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	sources, err := component.ReadObject(r, sourcesFile)
	if err != nil {
		return err
	}
	p.turns = nil
	for key, action := range doc.Map("lookup").All() {
		plain, err := decompress(key)
		if err != nil {
			return fmt.Errorf("reading %s: %w", lookupFile, err)
		}
		p.turns = append(p.turns, turn{key: plain, action: value.Str(action), source: sources.String(key)})
	}
	return p.index()
}

// decompress returns the key that Rasa compressed.
func decompress(key string) (string, error) {
	if strings.HasPrefix(key, "[") {
		return key, nil
	}
	data, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return "", fmt.Errorf("decoding a key: %w", err)
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("decompressing a key: %w", err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return "", fmt.Errorf("decompressing a key: %w", err)
	}
	return string(plain), nil
}

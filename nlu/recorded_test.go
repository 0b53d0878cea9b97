package nlu_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
	_ "github.com/parleybot/parley/standard"
)

// resources keeps what a pipeline persists.
type resources map[string]*component.MemoryResource

func (r resources) open(id string) (component.Resource, error) {
	if r[id] == nil {
		r[id] = &component.MemoryResource{}
	}
	return r[id], nil
}

// trained returns a pipeline that was trained, persisted and loaded.
func trained(t testing.TB, cfg nlu.Config, data *nlu.TrainingData) *nlu.Pipeline {
	t.Helper()
	ctx := context.Background()
	p, err := nlu.NewPipeline(cfg)
	if err == nil {
		err = p.Train(ctx, data, nil)
	}
	store := make(resources)
	if err == nil {
		err = p.Persist(store.open)
	}
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := nlu.NewPipeline(cfg)
	if err == nil {
		err = loaded.Load(store.open)
	}
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// TestRecordedMessages parses every user message of the recorded conversations and compares with what Rasa found.
func TestRecordedMessages(t *testing.T) {
	files, _ := filepath.Glob("../conformance/recorded/*.jsonl.gz")
	if len(files) == 0 {
		t.Fatal("there are no recordings")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("../conformance/bots", name)
			bot, err := project.Load(project.LoadOptions{Domain: existing(dir, "domain.yml", "domain"),
				Data: []string{filepath.Join(dir, "data")}, Config: filepath.Join(dir, "config.yml")})
			if err != nil {
				t.Fatal(err)
			}
			p := trained(t, nlu.Config{Entries: bot.Config.Pipeline, Domain: bot.Domain}, nlu.NewTrainingData(bot.NLU, bot.Stories))
			for _, parsed := range recordedParses(t, file) {
				text := parsed.String("text")
				got, err := p.Parse(context.Background(), text)
				if err != nil {
					t.Fatal(err)
				}
				if !value.Equal(got, parsed) {
					t.Errorf("%q:\n got %s\nwant %s", text, value.Encode(got, value.SortKeys), value.Encode(parsed, value.SortKeys))
				}
			}
		})
	}
}

// isParsed tells parse data from what was posted as an event, and from messages whose intent was confirmed later.
func isParsed(data *value.Map) bool {
	if data.Has("text_tokens") {
		return true
	}
	ranking := data.List("intent_ranking")
	return strings.HasPrefix(data.String("text"), "/") && len(ranking) == 1 && value.Equal(ranking[0], data.Value("intent"))
}

func existing(dir string, names ...string) (paths []string) {
	for _, name := range names {
		if path := filepath.Join(dir, name); exists(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// recordedParses returns the distinct parse data of a recording, without what the dialogue adds. Messages that were not
// parsed (posted as events, or started by an intent) are left out.
func recordedParses(t *testing.T, file string) []*value.Map {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 64<<20)
	seen := make(map[string]bool)
	var out []*value.Map
	for lines.Scan() {
		conversation, err := value.DecodeObject(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, turn := range conversation.List("turns") {
			for _, e := range turn.(*value.Map).List("events") {
				event := e.(*value.Map)
				data := event.Map("parse_data").Clone()
				data.Delete("metadata")
				key := value.CanonicalKey(data)
				if event.String("event") == "user" && isParsed(data) && !seen[key] {
					seen[key] = true
					out = append(out, data)
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

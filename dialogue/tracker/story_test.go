package tracker_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TestRecordedStories writes the recorded conversations as Rasa did on GET /conversations/ID/story.
func TestRecordedStories(t *testing.T) {
	files, err := filepath.Glob("../../conformance/recorded/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	factory := tracker.NewFactory(project.EmptyDomain())
	checked := 0
	for _, file := range files {
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 1<<26)
		for lines.Scan() {
			c, err := value.DecodeObject(lines.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			want, ok := c.Map("story").Value("answer").(string)
			if !ok {
				continue
			}
			got, err := project.WriteStories([]project.Story{lastSession(t, factory, c).Story(c.String("sender_id"))},
				project.WriteOptions{TestStory: true})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) == want {
				checked++
				continue
			}
			// The recorded events have lost the order of the keys in slot values, so lines may be in another order.
			if sortedLines(string(got)) != sortedLines(want) {
				t.Errorf("%s: story is\n%s\nwant\n%s", c.String("sender_id"), got, want)
			}
		}
		in.Close()
	}
	if checked < 500 {
		t.Errorf("only %d stories are the same byte for byte", checked)
	}
}

func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// lastSession tells a recorded conversation again.
func lastSession(t *testing.T, f *tracker.Factory, c *value.Map) *tracker.Tracker {
	t.Helper()
	tr := f.New(c.String("sender_id"))
	for _, turn := range c.List("turns") {
		turn := turn.(*value.Map)
		if value.Truthy(turn.Value("reset")) {
			tr = f.New(c.String("sender_id"))
		}
		for _, m := range turn.List("events") {
			e, err := tracker.EventFromMap(m.(*value.Map).Clone().Set("timestamp", 0.0).Set("date_time", "2030-01-01"))
			if err != nil {
				t.Fatal(err)
			}
			tr.Update(e)
		}
	}
	return tr.LastSession()
}

func TestStoryAfterRewind(t *testing.T) {
	tr := tracker.NewFactory(project.EmptyDomain()).New("ann")
	user := func(intent string) *value.Map {
		parse := value.NewMap("intent", value.NewMap("name", intent), "entities", []any{}, "text", intent)
		return value.NewMap("event", "user", "text", intent, "parse_data", parse)
	}
	listen := value.NewMap("event", "action", "name", "action_listen")
	for _, m := range []*value.Map{
		listen, user("first"), value.NewMap("event", "action", "name", "utter_hi"), listen, user("undone"),
		value.NewMap("event", "rewind"), listen.Clone(),
		value.NewMap("event", "user_featurization", "use_text_for_featurization", true),
	} {
		e, err := tracker.EventFromMap(m.Set("timestamp", 0.0))
		if err != nil {
			t.Fatal(err)
		}
		tr.Update(e)
	}
	steps := tr.Story("ann").Steps
	got := map[string]bool{}
	for _, s := range steps {
		if s.User != nil {
			got[s.User.Intent] = s.User.TextFeaturized
		}
	}
	if !got["first"] || got["undone"] || len(got) != 2 {
		t.Errorf("messages with text features: %v", got)
	}
}

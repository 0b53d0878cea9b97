package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadStories(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	domain := write("domain.yml", "intents: [faq]\nresponses:\n  utter_faq/when:\n    - text: now\n")
	write("nlu.yml", "nlu:\n  - intent: faq/when\n    examples: |\n      - when\n      - what time\n")
	write("test_a.yml", "stories:\n  - story: asked\n    steps:\n      - user: when\n        intent: faq/when\n      - action: utter_faq\n")
	write("b.yml", "stories:\n  - story: other\n    steps:\n      - intent: nobody\n      - action: utter_faq\n")
	p, err := Load(LoadOptions{Domain: []string{domain}, Data: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if text := p.Problems.Error(); strings.Contains(text, "used_entities") {
		t.Errorf("what the training data adds to a retrieval intent is warned of:\n%s", text)
	}
	all, tests, problems := LoadStories([]string{dir}, p.Domain)
	if len(all) != 2 || len(tests) != 1 || tests[0].Name != "asked" || tests[0].Steps[0].User.FullIntent != "faq/when" {
		t.Errorf("got %d stories, tests %+v", len(all), tests)
	}
	if problems.Err() != nil || !strings.Contains(problems.Error(), "nobody") {
		t.Errorf("problems: %v", problems)
	}
	write("test_c.yml", "stories:\n  - story: bad\n    steps: 3\n")
	if _, _, problems = LoadStories([]string{dir}, p.Domain); problems.Err() == nil {
		t.Error("a story without steps is no error")
	}
}

package project

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

const minimalConfig = "recipe: default.v1\nlanguage: en\nassistant_id: mine\npipeline: []\npolicies: []\n"

// retrievalProject writes a project with retrieval intents and end-to-end stories.
func retrievalProject(t *testing.T) LoadOptions {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "config.yml", minimalConfig)
	write(t, dir, "domain.yml", `
version: "3.1"
intents:
- greet
- faq: {use_entities: [city], triggers: action_listen}
entities: [city, {x: {roles: [a, b]}}]
actions: [action_a]
responses:
  utter_faq/a:
  - text: domain
`)
	write(t, dir, "data/nlu.yml", `
nlu:
- intent: faq/a
  examples: |
    - hi there
- intent: faq/b
  examples: |
    - hi you
- intent: other/b
  examples: |
    - hiya you
responses:
  utter_faq/b:
  - text: B
  utter_faq/a:
  - text: A
`)
	write(t, dir, "data/stories.yml", `
stories:
- story: s
  steps:
  - intent: greet
  - bot: "hello z"
  - action: action_a
  - bot: "hello a"
`)
	write(t, dir, "data/test_stories.yml", "stories:\n- story: t\n  steps:\n  - user: hi\n    intent: greet\n  - action: action_a\n")
	return LoadOptions{Domain: []string{filepath.Join(dir, "domain.yml")}, Data: []string{filepath.Join(dir, "data")},
		Config: filepath.Join(dir, "config.yml")}
}

// TestLoadRetrieval puts retrieval intents, their responses and the bot texts of stories into the domain; what is
// expected was read from real Rasa.
func TestLoadRetrieval(t *testing.T) {
	p, err := Load(retrievalProject(t))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version": "3.1", "intents": [{"faq": {"triggers": "action_listen", "used_entities": ["city"], ` +
		`"is_retrieval_intent": true}}, "greet", {"other": {"is_retrieval_intent": true}}], ` +
		`"entities": ["city", {"x": {"roles": ["a", "b"]}}], "actions": ["action_a", "utter_faq", "utter_other"], ` +
		`"responses": {"utter_faq/a": [{"text": "A"}], "utter_faq/b": [{"text": "B"}]}, ` +
		`"session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": true}, ` +
		`"e2e_actions": ["hello a", "hello z"]}`
	if diff := cmp.Diff(want, string(value.Encode(p.Domain.AsMap(), 0))); diff != "" {
		t.Error(diff)
	}
	actions := []string{"action_a", "utter_faq", "utter_other", "utter_faq/a", "utter_faq/b", "hello a", "hello z"}
	if diff := cmp.Diff(actions, p.Domain.ActionNames()[len(DefaultActions()):]); diff != "" {
		t.Error(diff)
	}
	faq, _ := p.Domain.Intent("faq")
	if !faq.IsRetrieval || len(faq.UsedEntities) != 4 {
		t.Errorf("faq is %+v", faq)
	}
	if got := storyNames(p.Stories) + "|" + storyNames(p.TestStories); got != "s t|t" {
		t.Errorf("stories are %s", got)
	}
	for _, r := range p.NLU.Responses {
		if r.Name == "utter_faq/a" && r.Variations[0].Fields.String("text") != "domain" {
			t.Errorf("the NLU data has %s", value.Encode(r.Variations[0].Fields, 0))
		}
	}
	if !strings.Contains(p.Problems.Error(), `action "utter_other" has no response of that name`) {
		t.Errorf("problems are %v", p.Problems)
	}
}

func storyNames(stories Stories) string {
	var names []string
	for _, s := range stories {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// TestMultiProject follows imports; what is expected was read from real Rasa.
func TestMultiProject(t *testing.T) {
	dir := t.TempDir()
	story := func(name string) string {
		return "stories:\n- story: " + name + "\n  steps:\n  - intent: main\n  - action: utter_main\n"
	}
	write(t, dir, "main/config.yml", minimalConfig+"importers:\n- name: MultiProjectImporter\n"+
		"imports:\n- skills/a\n- skills/b/config.yml\n- skills/missing\n- ../outside\n")
	write(t, dir, "main/domain.yml", "intents: [main]\nresponses: {utter_main: [{text: m}]}\n")
	write(t, dir, "main/data/stories.yml", story("main"))
	write(t, dir, "main/skills/a/domain.yml", "intents: [a]\nactions: [action_a]\n")
	write(t, dir, "main/skills/a/config.yml", "imports: [../c]\n")
	write(t, dir, "main/skills/a/data/stories.yml", story("a"))
	write(t, dir, "main/skills/a/tests/test_a.yml", story("test"))
	write(t, dir, "main/skills/b/config.yml", "imports:\n- data\n")
	write(t, dir, "main/skills/b/domain.yml", "intents: [b]\n")
	write(t, dir, "main/skills/b/data/stories.yml", story("b"))
	write(t, dir, "main/skills/c/domain.yml", "intents: [c]\n")
	write(t, dir, "main/skills/d/domain.yml", "intents: [d]\n")
	write(t, dir, "outside/domain_x.yml", "intents: [outside]\n")
	main := filepath.Join(dir, "main")
	p, err := Load(LoadOptions{Domain: []string{filepath.Join(main, "domain.yml")}, Data: []string{filepath.Join(main, "data")},
		Config: filepath.Join(main, "config.yml")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"a", "c", "main", "outside"}, p.Domain.AsMap().List("intents")); diff != "" {
		t.Error(diff)
	}
	if got := storyNames(p.Stories) + "|" + storyNames(p.TestStories); got != "a b main|test" {
		t.Errorf("stories are %s", got)
	}
	if !strings.Contains(p.Problems.Error(), "config.yml:11:3: the import "+filepath.Join(main, "skills/missing")+" does not exist") {
		t.Errorf("problems are %v", p.Problems)
	}
}

// TestLoadProblems collects what is wrong in all files at once.
func TestLoadProblems(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "config.yml", "recipe: v9\n")
	write(t, dir, "domain.yml", "intents: [greet, greet]\n")
	write(t, dir, "data/a.yml", "rule:\n- rule: x\n")
	write(t, dir, "data/b.yml", "nlu:\n- intent: greet\n  examples: [\n")
	write(t, dir, "data/c.json", `{"utterances": [], "luis_schema_version": 1}`)
	write(t, dir, "data/d.yml", "\x1f\x8b\x08\x00")
	write(t, dir, "data/notes.txt", "nlu: [")
	_, err := Load(LoadOptions{Domain: []string{filepath.Join(dir, "domain.yml"), filepath.Join(dir, "more")},
		Data: []string{filepath.Join(dir, "data"), filepath.Join(dir, "none")}, Config: filepath.Join(dir, "config.yml")})
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("got %v", err)
	}
	want := `warning config.yml:1:1: assistant_id is missing or still "placeholder_default"; give the assistant a name of its own
error config.yml:1:9: recipe "v9" is not known; use default.v1
warning none: there is no such file or folder of training data
error domain.yml:1:18: intent "greet" is listed twice (first in line 1)
error more: there is no such domain file or folder
warning data/a.yml:1:1: unknown key "rule"; did you mean "rules"?
error data/b.yml:4:1: did not find expected node content
error data/c.json: training data of LUIS is not read; convert it to Rasa's YAML format
error data/d.yml:1:2: the file is not UTF-8
`
	if diff := cmp.Diff(want, listProblems(ps, dir)); diff != "" {
		t.Error(diff)
	}
}

const oneDocument = minimalConfig + `
intents: [hi]
responses: {utter_hi: [{text: hello}]}
nlu:
- intent: hi
  examples: |
    - hello
    - good day
rules:
- rule: hi
  steps:
  - intent: hi
  - action: utter_hi
`

func TestParse(t *testing.T) {
	p, err := Parse([]byte(oneDocument), "data.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.NLU.Examples) != 2 || len(p.Stories) != 1 || p.Config.AssistantID != "mine" || len(p.Problems) != 0 {
		t.Errorf("got %+v", p)
	}
	if _, ok := p.Domain.Response("utter_hi"); !ok {
		t.Error("the response is missing")
	}
}

// TestParseInvalidDomain trains without a domain where Rasa's importer does.
func TestParseInvalidDomain(t *testing.T) {
	p, err := Parse([]byte(strings.Replace(oneDocument, "[hi]", "[hi, hi]", 1)), "data.yml")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Domain.Intent("hi"); ok {
		t.Error("the domain is not empty")
	}
	if !strings.Contains(p.Problems.Error(), `intent "hi" is listed twice (first in line 7); the domain is left empty`) {
		t.Errorf("problems are %v", p.Problems)
	}
	_, err = Parse([]byte(oneDocument+"slots: {s: {type: nonsense, mappings: []}}\n"), "data.yml")
	if err == nil || !strings.Contains(err.Error(), `unknown type "nonsense"`) {
		t.Errorf("got %v", err)
	}
}

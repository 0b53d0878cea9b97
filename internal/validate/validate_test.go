package validate_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/validate"
	"github.com/parleybot/parley/project"
)

// TestOverlooked is about mistakes that Rasa's check passes over: each is a finding with its place, which fails only
// with Strict.
func TestOverlooked(t *testing.T) {
	for _, tt := range overlooked {
		t.Run(tt.name, func(t *testing.T) {
			in(t, tt.file, tt.at, tt.add)
			found := validate.Files(context.Background(), files, validate.Options{})
			at, what, _ := strings.Cut(tt.want, ": ")
			strict := validate.Files(context.Background(), files, validate.Options{Strict: true})
			assert.Contains(t, found.String(), at+": warning: "+what+"\n")
			assert.Contains(t, strict.String(), at+": error: "+what+"\n")
			assert.Zero(t, found.ExitCode(), "%s", found)
			assert.Equal(t, 1, strict.ExitCode())
		})
	}
}

var overlooked = []struct {
	name          string
	file, at, add string // what is replaced in the project without mistakes
	want          string // the finding, without its severity
}{
	{"slot in a story", "data/stories.yml", "          - dish: soup\n      - action", "          - dihs: soup\n      - action",
		`data/stories.yml:9:13: slot "dihs" of "order" is not in the domain; did you mean "dish"? [unknown-slot]`},
	{"entity in a story", "data/stories.yml", "          - dish: soup\n      - slot", "          - meal: soup\n      - slot",
		`data/stories.yml:5:9: entity "meal" of "order" is not in the domain [unknown-entity]`},
	{"action with a name of its own", "data/stories.yml", "action_cook", "cook",
		`data/stories.yml:10:9: action "cook" of "order" is not in the domain [unknown-action]`},
	{"entity of an example", "data/nlu.yml", "[soup](dish)", "[soup](dishes)",
		`data/nlu.yml:9:9: entity "dishes" of example "bring me soup" is not in the domain; did you mean "dish"? [unknown-entity]`},
	{"role of an example", "data/nlu.yml", "[soup](dish)", `[soup]{"entity": "dish", "role": "main"}`,
		`data/nlu.yml:9:9: entity "dish" has no role "main" in the domain [unknown-entity]`},
	{"annotation without end", "data/nlu.yml", "[soup](dish)", "[soup](dish",
		`data/nlu.yml:9:9: example "bring me [soup](dish" has an annotation without closing ) [annotation]`},
	{"pattern", "data/nlu.yml", "  - lookup", "  - regex: zip\n    examples: |\n      - ([0-9\n  - lookup",
		`data/nlu.yml:17:9: pattern "([0-9" of regex "zip": unterminated character set at position 1 [invalid-regex]`},
	{"component", "config.yml", "KeywordIntentClassifier", "KeywordClassifier",
		`config.yml:7:5: component "KeywordClassifier" is not known; did you mean "KeywordIntentClassifier"? [invalid-pipeline]`},
	{"policy", "config.yml", "MemoizationPolicy", "MemorizationPolicy",
		`config.yml:9:5: policy "MemorizationPolicy" is not known; did you mean "MemoizationPolicy"? [invalid-policies]`},
	{"key of the domain", "domain.yml", "entities:\n", "entitys:\n",
		`domain.yml:6:1: unknown key "entitys" in the file; did you mean "entities"? [suspicious]`},
	{"entity of a mapping", "domain.yml", "entity: dish", "entity: meal",
		`domain.yml:13:9: a mapping of slot "dish" names entity "meal", which is not in the domain [unknown-entity]`},
	{"intent of a mapping", "domain.yml", "type: from_text", "type: from_text\n        not_intent: odrer",
		`domain.yml:19:9: a mapping of slot "guests" names intent "odrer", which is not in the domain; did you mean "order"? [unknown-intent]`},
	{"slot of a condition", "domain.yml", "requested_slot: guests", "requested_slot: guest",
		`domain.yml:19:9: a mapping of slot "guests" has a condition on requested slot "guest", which is not in the domain; did you mean "guests"? [unknown-slot]`},
	{"ignored intent", "domain.yml", "  table_form:\n", "  table_form:\n    ignored_intents: [by]\n",
		`domain.yml:24:3: form "table_form" ignores intent "by", which is not in the domain; did you mean "bye"? [unknown-intent]`},
	{"condition of a response", "domain.yml", `    - text: "goodbye"`,
		"    - text: goodbye\n      condition:\n        - type: slot\n          name: meal\n          value: soup\n    - text: bye",
		`domain.yml:33:7: a condition of response "utter_bye" names slot "meal", which is not in the domain [unknown-slot]`},
	{"button", "domain.yml", `    - text: "goodbye"`, "    - text: goodbye\n      buttons:\n        - title: more\n          payload: '/ordr{\"dish\": \"pie\"}'",
		`domain.yml:33:7: a button of response "utter_bye" sends intent "ordr", which is not in the domain; did you mean "order"? [unknown-intent]`},
	{"rules that contradict", "data/rules.yml", "rules:\n", "rules:\n  - rule: hi again\n    steps:\n      - intent: hi\n      - action: utter_bye\n",
		`data/rules.yml:3:5: the prediction of the action 'utter_bye' in rule 'hi again' (data/rules.yml:3) is contradicting with rule(s) 'hi' (data/rules.yml:7). [rule-conflict]`},
	{"checkpoint", "data/stories.yml", "      - intent: bye\n      - action: utter_bye\n", "      - checkpoint: nowhere\n",
		`data/stories.yml:3:5: Unsatisfied end checkpoint 'nowhere' in block 'order'. Remove this checkpoint or add story blocks that start with this checkpoint. [checkpoint]`},
}

// in changes into a folder with the project without mistakes, in one file of which old is replaced once.
func in(t *testing.T, file, old, with string) {
	t.Helper()
	dir := t.TempDir()
	compose(t, dir, "ok")
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), old, with, 1)), 0o644))
	t.Chdir(dir)
}

// TestHints is about what works but is most likely not meant; it never fails.
func TestHints(t *testing.T) {
	tests := []struct {
		name, file, at, add, want string
	}{
		{"key of the configuration", "config.yml", "language: en", "language: en\npolicy: []",
			`config.yml:4:1: warning: key "policy" of the configuration means nothing; did you mean "policies"? [config]`},
		{"recipe key", "config.yml", "language: en", "langauge: en",
			`config.yml:3:1: warning: unknown key "langauge" in the file; did you mean "language"? [config]`},
		{"entity", "domain.yml", "  - dish\n", "  - dish\n  - drink\n",
			`domain.yml:8:5: warning: entity "drink" is in no example, story or slot mapping [unused-entity]`},
		{"action", "domain.yml", "  - action_cook\n", "  - action_cook\n  - action_serve\n",
			`domain.yml:29:5: warning: action "action_serve" is used in no story, rule, form or slot mapping [unused-action]`},
		{"question", "domain.yml", "  utter_ask_guests:", "  utter_ask_guest:",
			`domain.yml:26:9: warning: form "table_form" has nothing to ask for slot "guests" with; add the response "utter_ask_guests" [missing-question]`},
		{"value of a category", "domain.yml", "    type: text\n", "    type: categorical\n    values: [pie, stew]\n",
			`data/stories.yml:9:13: warning: slot "dish" has no value "soup" and takes it for any other [slot-value]`},
		{"placeholder", "domain.yml", "your {dish}", "your {dihs}",
			`domain.yml:35:7: warning: response "utter_served": {dihs} in text is no slot; unless a custom action gives the value, the text is said as written [placeholder]`},
		{"example twice", "data/nlu.yml", "      - so long\n", "      - so long\n      - so long\n",
			`data/nlu.yml:14:9: warning: example "so long" of intent "bye" is there twice [duplicate-example]`},
		{"inside a word", "data/nlu.yml", "[soup](dish)", "so[up](dish)",
			`data/nlu.yml:9:9: warning: entity "dish" in "bring me soup" begins or ends inside a word, where it is never found [annotation]`},
		{"rule twice", "data/rules.yml", "rules:\n", "rules:\n  - rule: hello\n    steps:\n      - intent: hi\n      - action: utter_hi\n",
			`data/rules.yml:7:5: warning: rule "hi" says the same as "hello" in data/rules.yml:3:5 [duplicate-story]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, tt.file, tt.at, tt.add)
			found := validate.Files(context.Background(), files, validate.Options{Strict: true, FailOnWarnings: true})
			assert.Contains(t, found.String(), tt.want+"\n")
			assert.Zero(t, found.ExitCode(), "%s", found)
		})
	}
}

func TestFindings(t *testing.T) {
	f := validate.Finding{Pos: project.Pos{File: "a.yml", Line: 2, Col: 3}, Code: validate.UnknownSlot, What: "no"}
	assert.Equal(t, "a.yml:2:3: warning: no [unknown-slot]", f.String())
	assert.Zero(t, validate.Findings{f}.ExitCode())
	f.Severity, f.Pos = project.Error, project.Pos{}
	assert.Equal(t, "error: no [unknown-slot]", f.String())
	assert.Equal(t, 1, validate.Findings{f}.ExitCode())
}

func TestMissingConfig(t *testing.T) {
	found := validate.Files(context.Background(), project.LoadOptions{}, validate.Options{})
	assert.Equal(t, 1, found.ExitCode())
}

// TestDocumented keeps docs/commands.md up to date: every kind of finding is in its table.
func TestDocumented(t *testing.T) {
	source, err := os.ReadFile("code.go")
	require.NoError(t, err)
	page, err := os.ReadFile("../../docs/commands.md")
	require.NoError(t, err)
	codes := regexp.MustCompile(`Code = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, codes)
	for _, code := range codes {
		assert.Contains(t, string(page), "`"+code[1]+"`")
	}
}

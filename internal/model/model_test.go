package model_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
	_ "github.com/parleybot/parley/standard"
)

// files are a small project; a test may change some.
var files = map[string]string{
	"config.yml": `recipe: default.v1
assistant_id: unit
language: en
pipeline:
  - name: WhitespaceTokenizer
  - name: CountVectorsFeaturizer
  - name: LogisticRegressionClassifier
  - name: RegexEntityExtractor
policies:
  - name: MemoizationPolicy
  - name: RulePolicy
`,
	"domain.yml": `version: "3.1"
intents: [greet, leave]
entities: [city]
slots:
  city:
    type: text
    mappings:
      - type: from_entity
        entity: city
responses:
  utter_hi:
    - text: hi
  utter_bye:
    - text: bye
session_config:
  session_expiration_time: 60
  carry_over_slots_to_new_session: true
`,
	"data/nlu.yml": `version: "3.1"
nlu:
  - intent: greet
    examples: |
      - hello there
      - good day
  - intent: leave
    examples: |
      - bye now
      - see you
  - lookup: city
    examples: |
      - Oslo
      - Lima
`,
	"data/rules.yml": `version: "3.1"
rules:
  - rule: hi
    steps:
      - intent: greet
      - action: utter_hi
`,
	"data/stories.yml": `version: "3.1"
stories:
  - story: farewell
    steps:
      - intent: leave
      - action: utter_bye
`,
}

// load writes the project, with old replaced in file, and reads it.
func load(t *testing.T, file, old, replacement string) *project.Project {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if name == file {
			require.Contains(t, text, old)
			text = strings.Replace(text, old, replacement, 1)
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	p, err := project.Load(project.LoadOptions{Config: "config.yml", Domain: []string{"domain.yml"}, Data: []string{"data"}})
	require.NoError(t, err)
	return p
}

var both = model.Options{NLU: true, Core: true, Augmentation: model.DefaultAugmentation}

func train(t *testing.T, p *project.Project, o model.Options) (*archive.Archive, *model.Report) {
	t.Helper()
	a, report, err := model.Train(context.Background(), p, o)
	require.NoError(t, err)
	return a, report
}

// TestPartialTraining: a change trains what depends on it and nothing else, and the dry run knows.
func TestPartialTraining(t *testing.T) {
	const memo, rule, vectors, intents, cities = "MemoizationPolicy", "RulePolicy", "CountVectorsFeaturizer",
		"LogisticRegressionClassifier", "RegexEntityExtractor"
	first, report := train(t, load(t, "", "", ""), both)
	require.Equal(t, []string{memo, rule, vectors, intents, cities}, report.Trained)
	for _, c := range []struct {
		name, file, old, replacement string
		trained                      []string
	}{
		{"nothing", "", "", "", nil},
		{"a response", "domain.yml", "text: hi", "text: hello", nil},
		{"the length of sessions", "domain.yml", "60", "30", nil},
		{"a rule", "data/rules.yml", "- action: utter_hi", "- action: utter_hi\n      - action: utter_hi", []string{rule}},
		{"an action nobody named before", "data/rules.yml", "- action: utter_hi", "- action: action_listen\n      - action: action_restart", []string{rule, vectors}},
		{"a story", "data/stories.yml", "- action: utter_bye", "- action: utter_bye\n      - action: utter_hi", []string{memo, rule}},
		{"an example", "data/nlu.yml", "good day", "good morning", []string{vectors, intents, cities}},
		{"a lookup table", "data/nlu.yml", "Lima", "Rome", []string{cities}},
		{"an option of a component", "config.yml", "- name: RegexEntityExtractor", "- name: RegexEntityExtractor\n    case_sensitive: true", []string{cities}},
		{"an option of a featurizer", "config.yml", "- name: CountVectorsFeaturizer", "- name: CountVectorsFeaturizer\n    max_ngram: 2", []string{vectors, intents, cities}},
		{"an option of a policy", "config.yml", "- name: MemoizationPolicy", "- name: MemoizationPolicy\n    max_history: 3", []string{memo}},
		{"a slot", "domain.yml", "slots:", "slots:\n  mood:\n    type: text\n    mappings:\n      - type: custom", []string{memo, rule}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := load(t, c.file, c.old, c.replacement)
			o := both
			o.Previous = archive.Of(first)
			needed, err := model.NeedsTraining(p, o)
			require.NoError(t, err)
			assert.Equal(t, len(c.trained) > 0, needed, "dry run")
			a, report := train(t, p, o)
			assert.Equal(t, c.trained, report.Trained)
			assert.Len(t, report.Reused, 5-len(c.trained))
			m, err := model.Load(a, "x.tar.gz", component.Env{})
			require.NoError(t, err)
			parsed, err := m.NLU.Parse(context.Background(), "hello there")
			require.NoError(t, err)
			assert.Equal(t, "greet", parsed.Map("intent").String("name"))
		})
	}
}

func TestPartsOfSeveralModels(t *testing.T) {
	p := load(t, "", "", "")
	nluOnly, coreOnly := both, both
	nluOnly.Core, coreOnly.NLU = false, false
	understands, _ := train(t, p, nluOnly)
	decides, _ := train(t, p, coreOnly)
	o := both
	o.Previous = archive.Of(decides, understands)
	_, report := train(t, p, o)
	assert.Empty(t, report.Trained)
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, file, old, replacement, what string
		invalidDomain                      bool
	}{
		{"slot that is not there", "data/stories.yml", "- intent: leave", "- intent: leave\n      - slot_was_set:\n        - citi: x", `data/stories.yml:7:11: slot "citi" is not in the domain; did you mean "city"?`, false},
		{"component that is not there", "config.yml", "- name: RegexEntityExtractor", "- name: RegexEntityExtracto", `config.yml:8:5: component "RegexEntityExtracto" is not known; did you mean "RegexEntityExtractor"?`, false},
		{"form without RulePolicy", "config.yml", "  - name: RulePolicy\n", "", "", false},
		{"fallback action that is not there", "config.yml", "- name: RulePolicy", "- name: RulePolicy\n    core_fallback_action_name: action_nope", "action_nope", true},
		{"rules that contradict each other", "data/rules.yml", "rules:", "rules:\n  - rule: ho\n    steps:\n      - intent: greet\n      - action: utter_bye", "utter_bye", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := load(t, c.file, c.old, c.replacement)
			_, _, err := model.Train(context.Background(), p, both)
			if c.what == "" {
				require.NoError(t, err, "there are no forms")
				return
			}
			require.ErrorContains(t, err, c.what)
			assert.Equal(t, c.invalidDomain, errors.Is(err, model.ErrInvalidDomain))
		})
	}
	t.Run("everything at once", func(t *testing.T) {
		p := load(t, "config.yml", "- name: RegexEntityExtractor\npolicies:\n  - name: MemoizationPolicy",
			"- name: RegexExtractor\npolicies:\n  - name: MemoryPolicy")
		_, _, err := model.Train(context.Background(), p, both)
		require.ErrorContains(t, err, "RegexExtractor")
		require.ErrorContains(t, err, "MemoryPolicy")
	})
	t.Run("training that is called off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _, err := model.Train(ctx, load(t, "", "", ""), both)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// TestLoadTrained: what comes out of an archive does what went in.
func TestLoadTrained(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	o := both
	o.PersistNLUData = true
	o.Env = component.Env{Now: func() time.Time { return now }}
	trained, _ := train(t, load(t, "", "", ""), o)
	data, err := trained.Bytes()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("m.tar.gz", data, 0o644))
	m, err := model.LoadFile("m.tar.gz", component.Env{})
	require.NoError(t, err)
	assert.Equal(t, "m.tar.gz", m.File)
	assert.Equal(t, "unit", m.AssistantID)
	assert.Equal(t, now, m.TrainedAt)
	assert.Regexp(t, "^[0-9a-f]{32}$", m.ID)
	kept, err := trained.File("nlu_training_data.yml")
	require.NoError(t, err)
	assert.Contains(t, string(kept), "hello there")

	conversation := m.Trackers.New("ann")
	prediction, err := m.Policies.Predict(context.Background(), conversation)
	require.NoError(t, err)
	assert.Len(t, prediction.Probabilities, len(m.Domain.ActionNames()))
}

// TestDamaged: an archive that does not hold what it promises is refused by name.
func TestDamaged(t *testing.T) {
	for name, damage := range map[string]func(*archive.Archive) *archive.Archive{
		"no domain": func(a *archive.Archive) *archive.Archive {
			a.SetFile("domain.json", []byte("[]"))
			return a
		},
		"no config": func(a *archive.Archive) *archive.Archive {
			a.SetFile("config.json", []byte("{"))
			return a
		},
		"no parts": func(a *archive.Archive) *archive.Archive {
			a.Manifest.Parts = nil
			return a
		},
		"nothing": func(*archive.Archive) *archive.Archive { return archive.New() },
	} {
		t.Run(name, func(t *testing.T) {
			trained, _ := train(t, load(t, "", "", ""), both)
			_, err := model.Load(damage(trained), "x", component.Env{})
			require.ErrorIs(t, err, archive.ErrCorrupt)
		})
	}
}

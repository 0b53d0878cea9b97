package project

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

func TestConfigDefaults(t *testing.T) {
	names := func(entries []Entry) string {
		var out []string
		for _, e := range entries {
			out = append(out, e.Name)
		}
		return strings.Join(out, " ")
	}
	const pipeline = "WhitespaceTokenizer RegexFeaturizer LexicalSyntacticFeaturizer CountVectorsFeaturizer " +
		"CountVectorsFeaturizer DIETClassifier EntitySynonymMapper ResponseSelector FallbackClassifier"
	const policies = "MemoizationPolicy RulePolicy UnexpecTEDIntentPolicy TEDPolicy"
	cases := []struct{ name, text, pipeline, policies, filled string }{
		{"empty", "", pipeline, policies, "language assistant_id pipeline policies"},
		{"null", minimalConfig[:strings.Index(minimalConfig, "pipeline")] + "pipeline:\npolicies:\n", pipeline, policies, "pipeline policies"},
		{"empty lists stay", minimalConfig, "", "", ""},
		{"placeholder", strings.Replace(minimalConfig, "mine", "placeholder_default", 1), "", "", "assistant_id"},
		{"named pipeline", "pipeline: fast\npolicies: []", "WhitespaceTokenizer RegexFeaturizer LexicalSyntacticFeaturizer " +
			"CountVectorsFeaturizer CountVectorsFeaturizer LogisticRegressionClassifier CRFEntityExtractor EntitySynonymMapper " +
			"ResponseSelector FallbackClassifier", "", "language assistant_id"},
		{"own policies", "policies: [{name: RulePolicy}]", pipeline, "RulePolicy", "language assistant_id pipeline"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config, ps := ParseConfig([]byte(c.text), "config.yml")
			if config == nil {
				t.Fatal(ps)
			}
			got := []string{names(config.Pipeline), names(config.Policies), strings.Join(config.Filled, " ")}
			if diff := cmp.Diff([]string{c.pipeline, c.policies, c.filled}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownPipelineName(t *testing.T) {
	_, ps := ParseConfig([]byte("pipeline: swift\n"), "config.yml")
	if err := ps.Err(); err == nil || !strings.Contains(err.Error(), "config.yml:1:11") {
		t.Errorf("got %v", err)
	}
}

func TestConfigPositions(t *testing.T) {
	t.Setenv("PARLEY_KEY", "secret")
	config, ps := ParseConfig([]byte(minimalConfig[:strings.Index(minimalConfig, "pipeline")]+`
pipeline:
  - name: CountVectorsFeaturizer
    max_ngram: 4
    key: ${PARLEY_KEY}
policies: []
`), "config.yml")
	if config == nil {
		t.Fatal(ps)
	}
	e := config.Pipeline[0]
	if e.Pos != (Pos{"config.yml", 6, 5}) || e.OptionPos("max_ngram") != (Pos{"config.yml", 7, 5}) ||
		e.OptionPos("other") != e.Pos {
		t.Errorf("got %+v", e)
	}
	if diff := cmp.Diff(`{"max_ngram": 4, "key": "secret"}`, string(value.Encode(e.Options, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestEndpoints(t *testing.T) {
	t.Setenv("PARLEY_URL", "http://actions:5055/webhook")
	dir := t.TempDir()
	write(t, dir, "endpoints.yml", `
action_endpoint:
  url: ${PARLEY_URL}
  cache: "${PARLEY_URL}"
tracker_store:
lock_stroe: {type: redis}
other: 5
`)
	e, ps := LoadEndpoints(filepath.Join(dir, "endpoints.yml"))
	if e == nil {
		t.Fatal(ps)
	}
	action, ok := e.Section("action_endpoint")
	if !ok || action.Options.String("url") != "http://actions:5055/webhook" || action.Options.String("cache") != "${PARLEY_URL}" {
		t.Errorf("got %+v", action)
	}
	if _, ok := e.Section("tracker_store"); ok || len(e.Sections) != 1 {
		t.Errorf("sections are %v", e.Sections)
	}
	want := "warning endpoints.yml:5:1: unknown section \"lock_stroe\"; did you mean \"lock_store\"?\n"
	if diff := cmp.Diff(want, listProblems(ps, dir)); diff != "" {
		t.Error(diff)
	}
	if none, ps := LoadEndpoints(""); none == nil || ps != nil {
		t.Errorf("without a file: %v %v", none, ps)
	}
	if _, ps := LoadEndpoints(filepath.Join(dir, "missing.yml")); !ps.HasErrors() {
		t.Error("a missing file is accepted")
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "credentials.yml", "rest:\nsocketio:\n  user_message_evt: user\nslack: {}\n")
	c, ps := LoadCredentials(filepath.Join(dir, "credentials.yml"))
	if c == nil || len(ps) != 0 {
		t.Fatal(ps)
	}
	var got []string
	for _, ch := range c.Channels {
		got = append(got, ch.Name+string(value.Encode(ch.Options, 0)))
	}
	if diff := cmp.Diff([]string{"rest{}", `socketio{"user_message_evt": "user"}`, "slack{}"}, got); diff != "" {
		t.Error(diff)
	}
}

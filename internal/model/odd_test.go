package model_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
)

// oddPipelines are what odd training data goes through.
var oddPipelines = map[string]string{
	"linear": "{name: LogisticRegressionClassifier, max_iter: 20}, {name: CRFEntityExtractor, max_iterations: 5}, {name: EntitySynonymMapper}",
	"diet":   "{name: DIETClassifier, epochs: 1, number_of_transformer_layers: 1, transformer_size: 16, number_of_attention_heads: 2, embedding_dimension: 4}, {name: ResponseSelector, epochs: 1, number_of_transformer_layers: 1, transformer_size: 16, number_of_attention_heads: 2, embedding_dimension: 4}",
	"masked": "{name: DIETClassifier, epochs: 1, number_of_transformer_layers: 1, transformer_size: 16, number_of_attention_heads: 2, embedding_dimension: 4, use_masked_language_model: true, constrain_similarities: true, BILOU_flag: false}",
	"parts":  "{name: KeywordIntentClassifier}, {name: DIETClassifier, epochs: 1, number_of_transformer_layers: 1, transformer_size: 16, number_of_attention_heads: 2, embedding_dimension: 4, intent_classification: false}, {name: ResponseSelector, epochs: 1, number_of_transformer_layers: 1, transformer_size: 16, number_of_attention_heads: 2, embedding_dimension: 4, use_text_as_label: true}",
}

const oddConfig = `recipe: default.v1
language: en
assistant_id: odd
pipeline: [{name: WhitespaceTokenizer}, {name: RegexFeaturizer}, {name: LexicalSyntacticFeaturizer},
  {name: CountVectorsFeaturizer}, {name: CountVectorsFeaturizer, analyzer: char_wb, min_ngram: 1, max_ngram: 3}, %s]
policies: [{name: RulePolicy}]
`

// oddTexts are messages to a model of any kind.
var oddTexts = []string{"", "   ", "!!!", "12345", "😀", "👩‍👩‍👧‍👦🇩🇪", "مرحبا بالعالم", "שלום hello мир 你好", "e\u0301a\u0308 z\u0351\u0352", "\u200f\u202e\u200b", "\ufeff",
	"\U0010ffff", "\x00\x01", "hi", strings.Repeat("a", 2000), strings.Repeat("x ", 50)}

// TestOddData trains what few would write. It ends with a model that answers anything, or with an error of the given
// text, by pipeline.
func TestOddData(t *testing.T) {
	two := map[string]string{"linear": "at least two intents"}
	none := map[string]string{"linear": "no examples with text and intent"}
	for _, c := range []struct {
		name     string
		examples map[string][]string
		refused  map[string]string
	}{
		{"no examples", nil, none},
		{"one intent", map[string][]string{"a": {"hi", "hello there"}}, two},
		{"one example", map[string][]string{"a": {"hi"}}, two},
		{"one example an intent", map[string][]string{"a": {"hi"}, "b": {"bye"}, "c": {"x [y](city)"}}, nil},
		{"blank", map[string][]string{"a": {"", "  ", "hi"}, "b": {"", "bye"}}, nil},
		{"only blank", map[string][]string{"a": {"", "  "}, "b": {""}}, none},
		{"punctuation", map[string][]string{"a": {"!!!", "..."}, "b": {";;", ",,,"}}, nil},
		{"expressions", map[string][]string{"a": {"?", "("}, "b": {"hi"}}, map[string]string{"parts": `example "?" of intent "a"`}},
		{"digits", map[string][]string{"a": {"1", "22"}, "b": {"333", "5.5"}}, nil},
		{"emoji", map[string][]string{"a": {"😀", "👍🏽", "👩‍👩‍👧‍👦"}, "b": {"😭", "🇩🇪", "[💔💔](city)"}}, nil},
		{"right to left", map[string][]string{"a": {"مرحبا بالعالم", "שלום [עולם](city)"}, "b": {"وداعا [القاهرة](city)", "hello [שלום](city) мир"}}, nil},
		{"combining", map[string][]string{"a": {"e\u0301a\u0308", "[z\u0351\u0352](city) n\u0303"}, "b": {"\u200b", "\ufeff x [\u0301](city)"}}, nil},
		{"long", map[string][]string{"a": {"hi", strings.Repeat("x", 5_000)}, "b": {"bye", strings.Repeat("ab ", 100)}}, nil},
		{"uneven", map[string][]string{"a": numbered("word %[1]d or %[2]d", 200), "b": {"bye", "see [you](city)"}}, nil},
		{"many intents", nil, nil},
		{"the same", map[string][]string{"a": numbered("hi", 10), "b": {"hi", "[rome](city)", "[rome](city)"}}, nil},
		{"entities alone", map[string][]string{"a": {"[rome](city)", "[a b c](city)"}, "b": {"[x](city)", "y"}}, nil},
		{"entities across words", map[string][]string{"a": {"to[day](city) from new[york](city)s", "[Ro](city)[me](city)"}, "b": {"bye [!!](city) [.](city)"}}, nil},
		{"roles and groups", map[string][]string{"a": {`to [rome]{"entity":"city","role":"to"}`, `[x]{"entity":"city","group":"1"} y`}, "b": {"bye"}}, nil},
		{"one response", map[string][]string{"faq/x": {"what x", "!!", ""}, "a": {"hi"}}, nil},
		{"responses alone", map[string][]string{"faq/x": {"what x"}, "faq/y": {"what y"}}, two},
	} {
		if c.name == "many intents" {
			c.examples = map[string][]string{}
			for i := range 40 {
				c.examples[fmt.Sprintf("i%d", i)] = []string{fmt.Sprintf("word%d foo", i), fmt.Sprint(7 * i)}
			}
		}
		for name, pipeline := range oddPipelines {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				odd(t, fmt.Sprintf(oddConfig, pipeline), c.examples, c.refused[name])
			})
		}
	}
}

func numbered(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		if out[i] = format; strings.Contains(format, "%") {
			out[i] = fmt.Sprintf(format, i, i%13)
		}
	}
	return out
}

// odd trains with a configuration and examples by intent, and talks to the model.
func odd(t *testing.T, config string, examples map[string][]string, refused string) {
	t.Helper()
	t.Chdir(t.TempDir())
	domain := "entities: [city]\nresponses:\n  utter_hi: [{text: hi}]\n  utter_faq/x: [{text: '😀'}]\n  utter_faq/y: [{text: y}]\nintents:\n- a\n- b\n"
	data := "rules:\n- rule: r\n  steps:\n  - intent: a\n  - action: utter_hi\nnlu:\n"
	for intent, texts := range examples {
		if plain, _, _ := strings.Cut(intent, "/"); !strings.Contains(domain, "- "+plain+"\n") {
			domain += "- " + plain + "\n"
		}
		data += "- intent: " + intent + "\n  examples: |\n    - " + strings.Join(texts, "\n    - ") + "\n"
	}
	for name, text := range map[string]string{"config.yml": config, "domain.yml": domain, "data.yml": data} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	p, err := project.Load(project.LoadOptions{Config: "config.yml", Domain: []string{"domain.yml"}, Data: []string{"data.yml"}})
	require.NoError(t, err)
	a, _, err := model.Train(context.Background(), p, model.Options{NLU: true, Core: true})
	if refused != "" {
		require.ErrorContains(t, err, refused)
		return
	}
	require.NoError(t, err)
	m, err := model.Load(a, "odd.tar.gz", component.Env{})
	require.NoError(t, err)
	for _, text := range oddTexts {
		got, err := m.NLU.Parse(context.Background(), text)
		require.NoError(t, err, "%q", text)
		_, err = json.Marshal(got)
		require.NoError(t, err, "%q: %v", text, got)
	}
}

package nlu_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func TestPipelineErrors(t *testing.T) {
	withOptions := func(list []project.Entry, i int, options ...any) []project.Entry {
		list[i].Options = value.NewMap(options...)
		return list
	}
	cases := []struct {
		name     string
		entries  []project.Entry
		language string
		want     string
	}{
		{"featurizer without tokenizer", entries("CountVectorsFeaturizer"), "",
			`config.yml:2:3: component "CountVectorsFeaturizer" needs a tokenizer earlier in the pipeline`},
		{"classifier without featurizer", entries("WhitespaceTokenizer", "LogisticRegressionClassifier"), "",
			`config.yml:3:3: component "LogisticRegressionClassifier" needs a featurizer earlier in the pipeline`},
		{"fallback first", entries("FallbackClassifier", "KeywordIntentClassifier"), "",
			`config.yml:2:3: component "FallbackClassifier" needs an intent classifier earlier in the pipeline`},
		{"two tokenizers", entries("WhitespaceTokenizer", "WhitespaceTokenizer"), "",
			`config.yml:3:3: component "WhitespaceTokenizer" is a second tokenizer, after "WhitespaceTokenizer" in config.yml:2:3; only one is possible`},
		{"language", entries("WhitespaceTokenizer"), "zh",
			`config.yml:2:3: component "WhitespaceTokenizer" does not support language "zh"`},
		{"misspelt", entries("WhitespaceTokeniser"), "",
			`config.yml:2:3: component "WhitespaceTokeniser" is not known; did you mean "WhitespaceTokenizer"?`},
		{"custom class", entries("my.Component"), "",
			`config.yml:2:3: component "my.Component" is a Python class of the project, which parley cannot run`},
		{"two mistakes", entries("Nothing", "CountVectorsFeaturizr"), "",
			`config.yml:2:3: component "Nothing" is not known` + "\n" +
				`config.yml:3:3: component "CountVectorsFeaturizr" is not known; did you mean "CountVectorsFeaturizer"?`},
		{"option", withOptions(entries("WhitespaceTokenizer", "CountVectorsFeaturizer"), 1, "max_ngram", "two"), "",
			`config.yml:3:3: component "CountVectorsFeaturizer": option "max_ngram" must be an integer, not "two"`},
		{"equal aliases", withOptions(withOptions(entries("WhitespaceTokenizer", "CountVectorsFeaturizer", "RegexFeaturizer"),
			1, "alias", "a"), 2, "alias", "a"), "",
			`config.yml:4:3: component "RegexFeaturizer" has the alias "a" of component "CountVectorsFeaturizer" in config.yml:3:3`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := nlu.NewPipeline(nlu.Config{Entries: c.entries, Language: c.language})
			if err == nil || err.Error() != c.want {
				t.Errorf("error is\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestUnsupportedComponent(t *testing.T) {
	_, err := nlu.NewPipeline(nlu.Config{Entries: entries("SpacyNLP")})
	if !errors.Is(err, component.ErrUnsupported) || !strings.HasPrefix(err.Error(), `config.yml:2:3: component "SpacyNLP" is not available`) {
		t.Errorf("error is %v", err)
	}
}

func TestPipelineWarnings(t *testing.T) {
	list := entries("KeywordIntentClassifier")
	list[0].Options = value.NewMap("case_sensitiv", false)
	p, err := nlu.NewPipeline(nlu.Config{Entries: list})
	if err != nil {
		t.Fatal(err)
	}
	want := `config.yml:2:3: component "KeywordIntentClassifier" has no option "case_sensitiv", it is ignored; did you mean "case_sensitive"?`
	if w := p.Warnings(); len(w) != 1 || w[0].String() != want {
		t.Errorf("warnings are %v", w)
	}
}

func TestEmptyPipeline(t *testing.T) {
	p, err := nlu.NewPipeline(nlu.Config{Domain: benchDomain})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"hello":  `{"text": "hello", "intent": {"name": null, "confidence": 0.0}, "entities": []}`,
		"/greet": `{"text": "/greet", "intent": {"name": "greet", "confidence": 1.0}, "entities": [], "intent_ranking": [{"name": "greet", "confidence": 1.0}]}`,
	}
	for text, want := range cases {
		got, err := p.Parse(context.Background(), text)
		if err != nil || string(value.Encode(got, value.JSON)) != want {
			t.Errorf("%q: got %s, %v", text, value.Encode(got, value.JSON), err)
		}
	}
}

func fingerprints(t *testing.T, list []project.Entry, data *project.NLUData) []string {
	t.Helper()
	p, err := nlu.NewPipeline(nlu.Config{Entries: list})
	if err != nil {
		t.Fatal(err)
	}
	return p.Fingerprints(nlu.NewTrainingData(data, nil))
}

func TestFingerprints(t *testing.T) {
	names := []string{"WhitespaceTokenizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier", "RegexEntityExtractor", "EntitySynonymMapper"}
	data := func() *project.NLUData { return manyExamples(5) }
	base := fingerprints(t, entries(names...), data())
	cases := []struct {
		name   string
		change func(list []project.Entry, d *project.NLUData)
		// same says which components stay valid.
		same []bool
	}{
		{"nothing", func([]project.Entry, *project.NLUData) {}, []bool{true, true, true, true, true}},
		{"default written out", func(l []project.Entry, _ *project.NLUData) { l[2].Options = value.NewMap("max_iter", int64(100)) },
			[]bool{true, true, true, true, true}},
		{"regex", func(_ []project.Entry, d *project.NLUData) { d.Regexes = []project.Regex{{Name: "a", Pattern: "b"}} },
			[]bool{true, true, true, false, true}},
		{"synonym", func(_ []project.Entry, d *project.NLUData) { d.Synonyms = []project.Synonym{{Text: "a", Value: "b"}} },
			[]bool{true, true, true, true, false}},
		{"featurizer", func(l []project.Entry, _ *project.NLUData) { l[1].Options = value.NewMap("analyzer", "char") },
			[]bool{true, false, false, false, false}},
		{"text", func(_ []project.Entry, d *project.NLUData) { d.Examples[0].Text += "!" },
			[]bool{true, false, false, false, false}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list, d := entries(names...), data()
			c.change(list, d)
			got := fingerprints(t, list, d)
			for i := range got {
				if same := got[i] == base[i]; same != c.same[i] {
					t.Errorf("%s: unchanged is %t", names[i], same)
				}
			}
		})
	}
}

func TestTrainReuses(t *testing.T) {
	cfg := nlu.Config{Entries: entries("KeywordIntentClassifier")}
	data := nlu.NewTrainingData(manyExamples(3), nil)
	store := &component.MemoryResource{}
	if err := store.Put("KeywordIntentClassifier.json", []byte(`{"hello": "stored"}`)); err != nil {
		t.Fatal(err)
	}
	p, err := nlu.NewPipeline(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	err = p.Train(context.Background(), data, func(id, fingerprint string) component.Resource {
		asked = append(asked, id, fingerprint)
		return store
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"KeywordIntentClassifier0", p.Fingerprints(data)[0]}, asked); diff != "" {
		t.Error(diff)
	}
	if got, _ := p.Parse(context.Background(), "hello"); got.Map("intent").String("name") != "stored" {
		t.Errorf("got %s", value.Repr(got))
	}
}

func TestParseConcurrently(t *testing.T) {
	p := trained(t, nlu.Config{Entries: entries("WhitespaceTokenizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier", "FallbackClassifier")},
		nlu.NewTrainingData(manyExamples(40), nil))
	want, err := p.Parse(context.Background(), "do thing number aba")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, err := p.Parse(context.Background(), "do thing number aba"); err != nil || !value.Equal(got, want) {
					t.Errorf("got %s, %v", value.Repr(got), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCheckData(t *testing.T) {
	p, err := nlu.NewPipeline(nlu.Config{Entries: entries("RegexFeaturizer", "WhitespaceTokenizer")[1:]})
	if err != nil {
		t.Fatal(err)
	}
	at := project.Pos{File: "nlu.yml", Line: 7}
	problems := p.CheckData(&project.NLUData{
		Regexes:  []project.Regex{{Name: "a", Pos: at}},
		Lookups:  []project.Lookup{{Name: "b", Pos: at}},
		Synonyms: []project.Synonym{{Text: "c"}},
	})
	if len(problems) != 3 || problems.HasErrors() || !strings.HasPrefix(problems[0].String(), "nlu.yml:7: no component of the pipeline uses regexes") {
		t.Errorf("problems are %v", problems)
	}
}

package nlu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// TestAvailableDefaults takes pipelines with components that this version does not have.
func TestAvailableDefaults(t *testing.T) {
	intents := func(names ...string) *project.NLUData {
		data := &project.NLUData{}
		for _, name := range names {
			data.Examples = append(data.Examples, project.Example{Intent: name, Text: "text"})
		}
		return data
	}
	const without = "no pipeline is configured, and Rasa's default one is taken without "
	cases := []struct {
		name    string
		entries []project.Entry
		data    *project.NLUData
		want    []string
		note    string
	}{
		{"two missing", entries("WhitespaceTokenizer", "RegexFeaturizer", "LexicalSyntacticFeaturizer", "CountVectorsFeaturizer",
			"CountVectorsFeaturizer", "MitieIntentClassifier", "EntitySynonymMapper", "MitieEntityExtractor", "FallbackClassifier"), intents("greet", "bye"),
			[]string{"WhitespaceTokenizer", "RegexFeaturizer", "LexicalSyntacticFeaturizer", "CountVectorsFeaturizer",
				"CountVectorsFeaturizer", "LogisticRegressionClassifier", "EntitySynonymMapper", "FallbackClassifier"},
			without + "MitieIntentClassifier and MitieEntityExtractor, which this version does not have; LogisticRegressionClassifier " +
				"classifies intents instead, and entities are not learnt"},
		{"one intent", entries("WhitespaceTokenizer", "MitieIntentClassifier", "FallbackClassifier"), intents("greet", "greet"),
			[]string{"WhitespaceTokenizer", "KeywordIntentClassifier", "FallbackClassifier"},
			without + "MitieIntentClassifier, which this version does not have; KeywordIntentClassifier classifies intents instead, " +
				"and entities are not learnt"},
		{"another classifier", entries("KeywordIntentClassifier", "MitieEntityExtractor"), intents("greet", "bye"),
			[]string{"KeywordIntentClassifier"}, without + "MitieEntityExtractor, which this version does not have"},
		{"nothing missing", entries("WhitespaceTokenizer"), intents(), []string{"WhitespaceTokenizer"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, note := nlu.AvailableDefaults(c.entries, c.data)
			var names []string
			for _, e := range got {
				names = append(names, e.Name)
			}
			if diff := cmp.Diff(c.want, names); diff != "" {
				t.Error(diff)
			}
			if note != c.note {
				t.Errorf("note is %q, want %q", note, c.note)
			}
			if _, err := nlu.NewPipeline(nlu.Config{Entries: got}); err != nil {
				t.Error(err)
			}
		})
	}
}

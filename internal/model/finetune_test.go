package model_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
)

// TestFinetune goes on from a model after changes that Rasa allows and refuses after those it refuses.
func TestFinetune(t *testing.T) {
	before, _ := train(t, load(t, "", "", ""), both)
	for _, c := range []struct{ name, file, old, replacement, refused string }{
		{"nothing changed", "", "", "", ""},
		{"an example more", "data/nlu.yml", "- good day", "- good day\n      - ahoy", ""},
		{"an example less", "data/nlu.yml", "\n      - good day", "", ""},
		{"a response", "domain.yml", "text: hi", "text: hello", ""},
		{"a default written out", "config.yml", "- name: CountVectorsFeaturizer", "- name: CountVectorsFeaturizer\n    min_ngram: 1", ""},
		{"an option", "config.yml", "- name: CountVectorsFeaturizer", "- name: CountVectorsFeaturizer\n    max_ngram: 2",
			"config.yml:6:5: CountVectorsFeaturizer"},
		{"an option of a policy", "config.yml", "- name: MemoizationPolicy", "- name: MemoizationPolicy\n    max_history: 3",
			"config.yml:10:5: MemoizationPolicy"},
		{"a component less", "config.yml", "\n  - name: RegexEntityExtractor", "", "see RegexEntityExtractor"},
		{"an intent", "data/nlu.yml", "intent: leave", "intent: go", "the intents of the NLU data changed"},
		{"an entity", "data/nlu.yml", "- good day", "- good day in [Oslo](city)", "the entities of the NLU data changed"},
		{"a slot", "domain.yml", "slots:", "slots:\n  mood:\n    type: text\n    mappings:\n      - type: custom", "the domain changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := both
			o.Finetune, o.EpochFraction = before, 0.5
			after, _, err := model.Train(context.Background(), load(t, c.file, c.old, c.replacement), o)
			if c.refused != "" {
				require.ErrorIs(t, err, model.ErrNotFinetunable)
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			assertKnownColumnsStay(t, before, after)
			m, err := model.Load(after, "x.tar.gz", component.Env{})
			require.NoError(t, err)
			parsed, err := m.NLU.Parse(context.Background(), "hello there")
			require.NoError(t, err)
			assert.Equal(t, "greet", parsed.Map("intent").String("name"))
		})
	}
}

// assertKnownColumnsStay: what was learnt about the features of a model is of use only while they mean the same.
func assertKnownColumnsStay(t *testing.T, before, after *archive.Archive) {
	t.Helper()
	columns := func(a *archive.Archive) *value.Map {
		data, err := a.File("nlu/train_CountVectorsFeaturizer1/vocabularies.json")
		require.NoError(t, err)
		m, err := value.DecodeObject(data)
		require.NoError(t, err)
		return m.Map("text")
	}
	known, now := columns(before), columns(after)
	require.Positive(t, known.Len())
	for term, column := range known.All() {
		assert.Equal(t, column, now.Value(term), term)
	}
}

func TestFinetuneRasasModel(t *testing.T) {
	theirs := archive.New()
	theirs.Manifest.Origin = archive.OriginRasa
	o := both
	o.Finetune = theirs
	_, _, err := model.Train(context.Background(), load(t, "", "", ""), o)
	require.ErrorIs(t, err, model.ErrNotFinetunable)
	require.ErrorContains(t, err, "trained by Rasa")
}

package model_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
)

// rasaArchive writes an archive as Rasa would have trained it with these classes, without any trained files.
func rasaArchive(t *testing.T, pipeline, policies []string) string {
	t.Helper()
	type node map[string]any
	nodes := map[string]node{"nlu_message_converter": {"uses": "rasa.graph_components.converters.nlu_message_converter.NLUMessageConverter"}}
	last := "nlu_message_converter"
	for _, class := range pipeline {
		nodes[class] = node{"uses": class, "fn": "process", "needs": map[string]string{"messages": last}}
		last = class
	}
	nodes["target"] = node{"uses": "rasa.nlu.classifiers.regex_message_handler.RegexMessageHandler", "needs": map[string]string{"messages": last}}
	predictions := map[string]string{"tracker": "__tracker__"}
	for _, class := range policies {
		nodes[class] = node{"uses": class, "fn": "predict_action_probabilities"}
		predictions[class] = class
	}
	nodes["select"] = node{"uses": "rasa.core.policies.ensemble.DefaultPolicyPredictionEnsemble", "needs": predictions}
	metadata, err := json.Marshal(map[string]any{
		"domain": map[string]any{"version": "3.1", "intents": []string{"greet"}}, "trained_at": "2024-05-06T07:08:09", "model_id": "0a1b",
		"rasa_open_source_version": "3.6.21", "training_type": 3, "core_target": "select", "nlu_target": "target", "language": "en",
		"predict_schema": map[string]any{"nodes": nodes},
	})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "rasa.tar.gz")
	f, err := os.Create(path)
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "metadata.json", Size: int64(len(metadata)), Mode: 0o644}))
	_, err = w.Write(metadata)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	return path
}

// TestRasaArchiveWithUnknownParts names at once all that cannot be served, with what to do instead.
func TestRasaArchiveWithUnknownParts(t *testing.T) {
	path := rasaArchive(t,
		[]string{"rasa.nlu.tokenizers.spacy_tokenizer.SpacyTokenizer", "addons.mood.Mood", "rasa.nlu.featurizers.dense_featurizer.mitie_featurizer.MitieFeaturizer"},
		[]string{"rasa.core.policies.rule_policy.RulePolicy", "addons.policies.Lucky"})
	_, err := model.LoadFile(path, component.Env{})
	require.ErrorIs(t, err, archive.ErrIncompatible)
	require.ErrorIs(t, err, component.ErrUnsupported)
	for _, part := range []string{
		"rasa.tar.gz", "change them in config.yml and train again, or keep serving this model with Rasa",
		`component "SpacyTokenizer" is not available in this version of parley; it wraps a Python library; use WhitespaceTokenizer`,
		`component "MitieFeaturizer" is not available`, "use CountVectorsFeaturizer",
		`component "addons.mood.Mood" is a Python class of the project, which parley cannot run`,
		`policy "addons.policies.Lucky" is a Python class of the project`,
	} {
		assert.ErrorContains(t, err, part)
	}
}

// TestRasaArchiveWithoutFiles has components that Rasa trained without data: they stay untrained, as in Rasa.
func TestRasaArchiveWithoutFiles(t *testing.T) {
	path := rasaArchive(t, []string{
		"rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer",
		"rasa.nlu.featurizers.sparse_featurizer.regex_featurizer.RegexFeaturizer",
		"rasa.nlu.featurizers.sparse_featurizer.lexical_syntactic_featurizer.LexicalSyntacticFeaturizer",
		"rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer.CountVectorsFeaturizer",
		"rasa.nlu.classifiers.diet_classifier.DIETClassifier",
		"rasa.nlu.extractors.crf_entity_extractor.CRFEntityExtractor",
		"rasa.nlu.extractors.entity_synonyms.EntitySynonymMapper",
		"rasa.nlu.extractors.regex_entity_extractor.RegexEntityExtractor",
		"rasa.nlu.selectors.response_selector.ResponseSelector",
		"rasa.nlu.classifiers.keyword_intent_classifier.KeywordIntentClassifier",
		"rasa.nlu.classifiers.fallback_classifier.FallbackClassifier",
	}, nil)
	m, err := model.LoadFile(path, component.Env{})
	require.NoError(t, err)
	assert.Equal(t, "0a1b", m.ID)
	parsed, err := m.NLU.Parse(t.Context(), "hello there")
	require.NoError(t, err)
	assert.Empty(t, parsed.List("entities"))
}

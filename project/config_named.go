package project

import "github.com/parleybot/parley/internal/value"

// FastPipeline is the name that `pipeline` may have instead of a list. Rasa has no named pipelines.
const FastPipeline = "fast"

// namedPipelines are what names under `pipeline` stand for. The fast one has no neural network for intents and
// entities: linear models on words and n-grams, weighed by their rarity (docs/models.md has the figures).
var namedPipelines = map[string][]any{
	FastPipeline: {
		value.NewMap("name", "WhitespaceTokenizer"),
		value.NewMap("name", "RegexFeaturizer"),
		value.NewMap("name", "LexicalSyntacticFeaturizer"),
		value.NewMap("name", "CountVectorsFeaturizer", "weighting", "tfidf"),
		value.NewMap("name", "CountVectorsFeaturizer", "analyzer", "char_wb", "min_ngram", int64(1), "max_ngram", int64(4),
			"weighting", "tfidf"),
		value.NewMap("name", "LogisticRegressionClassifier", "C", 30.0),
		value.NewMap("name", "CRFEntityExtractor"),
		value.NewMap("name", "EntitySynonymMapper"),
		value.NewMap("name", "ResponseSelector", "epochs", int64(100), "constrain_similarities", true),
		value.NewMap("name", "FallbackClassifier", "threshold", 0.3, "ambiguity_threshold", 0.1),
	},
}

// expandPipeline returns root with the list that the name under `pipeline` stands for. An unknown name stays, for the
// schema to refuse.
func expandPipeline(root *yamlNode) *yamlNode {
	n := root.get("pipeline")
	name, _ := n.str()
	list, ok := namedPipelines[name]
	if !ok {
		return root
	}
	return root.with("pipeline", nodeOf(list, n.At))
}

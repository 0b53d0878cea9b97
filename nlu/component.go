package nlu

import (
	"context"

	"github.com/parleybot/parley/component"
)

// The roles a component can have; component.Spec names them in Provides and Requires.
const (
	RoleTokenizer  = "tokenizer"
	RoleFeaturizer = "featurizer"
	// RoleDenseFeaturizer is a featurizer whose features are dense.
	RoleDenseFeaturizer = "dense featurizer"
	RoleClassifier      = "intent classifier"
	RoleExtractor       = "entity extractor"
)

// Component is one entry of the `pipeline` in config.yml.
type Component interface {
	// Process reads the message and adds to it. It may be called by several goroutines for different messages once
	// the component is trained or loaded. It returns an error only for what must stop the message (a cancelled ctx);
	// a failing remote service is logged and leaves the message as it is.
	Process(ctx context.Context, m *Message) error
}

// Trainable is a component that learns from training data.
type Trainable interface {
	Component
	// Train learns from data, whose examples were processed by the tokenizers and featurizers listed before. What was
	// learnt earlier is replaced. The data must not be changed.
	Train(ctx context.Context, data *TrainingData) error
	// Persist writes what was learnt.
	Persist(to component.Resource) error
	// Load reads what Persist wrote. An empty resource leaves the component untrained, as in Rasa.
	Load(from component.Resource) error
	// DependsOn tells what part of the training data Train reads; it decides when a trained component can be kept.
	DependsOn() DataParts
}

// RasaLoader is a Trainable whose files in an archive trained by Rasa look different from its own.
type RasaLoader interface {
	// LoadRasa is Load for the files that Rasa's component of the same name persisted.
	LoadRasa(from component.Resource) error
}

// Finetuner is a Trainable that can go on from what an earlier model learnt (`parley train --finetune`). Others are
// trained anew.
type Finetuner interface {
	// Finetune is Train that starts from what Persist wrote and runs epochFraction of the configured epochs.
	Finetune(ctx context.Context, data *TrainingData, from component.Resource, epochFraction float64) error
}

// Preprocessor is a tokenizer or featurizer that treats training examples differently from users' messages.
type Preprocessor interface {
	ProcessExample(ctx context.Context, m *Message) error
}

// BatchPreprocessor is a tokenizer or featurizer that is quicker on many training examples at once.
type BatchPreprocessor interface {
	ProcessExamples(ctx context.Context, examples []*Message) error
}

// FeatureReader is a component that reads features. A component that is none is taken to read no features.
type FeatureReader interface {
	// ReadsFeatures returns the types of features it reads.
	ReadsFeatures() FeatureType
}

// DataParts is a set of parts of the training data.
type DataParts uint8

// The parts of training data.
const (
	// ExampleTexts are texts, intents and the other attributes of the examples, with their order; what stories name
	// without a text is left out.
	ExampleTexts DataParts = 1 << iota
	// StoryLabels are the actions and intents that stories name. Who reads them makes features of such labels only,
	// which no component behind it learns from.
	StoryLabels
	// StoryVocabulary are the same, read by a component whose features of texts depend on them.
	StoryVocabulary
	// ExampleEntities are the annotated entities.
	ExampleEntities
	// SynonymData, RegexData and LookupData are the sections of that name.
	SynonymData
	RegexData
	LookupData
	// ResponseData are the responses of retrieval intents.
	ResponseData
)

// Components is the registry of what this binary has.
var Components = component.NewRegistry[Component]("component")

func init() {
	const python = "it wraps a Python library; "
	for name, hint := range map[string]string{
		"MitieIntentClassifier": python + "use LogisticRegressionClassifier",
		"MitieNLP":              python + "use WhitespaceTokenizer and CountVectorsFeaturizer",
		"MitieTokenizer":        python + "use WhitespaceTokenizer",
		"MitieFeaturizer":       python + "use CountVectorsFeaturizer",
		"MitieEntityExtractor":  python + "use RegexEntityExtractor",
		"SpacyNLP":              python + "use WhitespaceTokenizer and CountVectorsFeaturizer",
		"SpacyTokenizer":        python + "use WhitespaceTokenizer",
		"SpacyFeaturizer":       python + "use CountVectorsFeaturizer",
		"SpacyEntityExtractor":  python + "use RegexEntityExtractor or DucklingEntityExtractor",
		"JiebaTokenizer":        python + "use WhitespaceTokenizer",
		"ConveRTFeaturizer":     "use CountVectorsFeaturizer with analyzer char_wb",
	} {
		Components.Unsupported(name, hint)
	}
}

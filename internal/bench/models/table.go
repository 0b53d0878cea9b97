package main

// The pipelines to train, as config.yml has them. SEED stands for the random seed.
const (
	featurizers = `recipe: default.v1
language: en
assistant_id: bench
pipeline:
- name: WhitespaceTokenizer
- name: RegexFeaturizer
- name: LexicalSyntacticFeaturizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
`
	diet = featurizers + `- name: DIETClassifier
  epochs: 100
  constrain_similarities: true
  random_seed: SEED
- name: EntitySynonymMapper
`
	logistic    = featurizers + "- name: LogisticRegressionClassifier\n"
	fast        = "recipe: default.v1\nlanguage: en\nassistant_id: bench\npipeline: fast\n"
	logisticCRF = logistic + "- name: CRFEntityExtractor\n- name: EntitySynonymMapper\n"
)

// row is a pipeline on a data set, with what Rasa 3.6.21 needs and reaches there: one thread on two cores of the same
// kind of machine, processor time of `rasa train nlu`, one seed. A figure that is 0 was not measured.
type row struct {
	data, train, test, name, config string
	rasa                            outcome
}

// outcome is what one training needed and reached.
type outcome struct {
	cpu, megabytes float64
	// intents is the weighted F1 of intents, entities the F1 of entities with exactly their start, end and type.
	intents, entities float64
}

var rows = []row{
	{"moodbot", "train.yml", "test.yml", "DIET", diet, outcome{52, 821, 0.476, 0}},
	{"banking77", "train_20i.yml", "test_20i.yml", "DIET", diet, outcome{268, 1532, 0.874, 0}},
	{"banking77", "train_20i.yml", "test_20i.yml", "LR", logistic, outcome{22, 577, 0.824, 0}},
	{"banking77", "train_small.yml", "test.yml", "LR", logistic, outcome{38, 711, 0.697, 0}},
	{"snips", "train_small.yml", "test.yml", "LR+CRF", logisticCRF, outcome{73, 641, 0.954, 0.809}},
	{"snips", "train_tiny.yml", "test.yml", "DIET", diet, outcome{360, 2569, 0.913, 0.371}},
	{"snips", "train_tiny.yml", "test.yml", "LR+CRF", logisticCRF, outcome{22, 573, 0.909, 0.493}},
	{"moodbot", "train.yml", "test.yml", "fast", fast, outcome{}},
	{"banking77", "train_20i.yml", "test_20i.yml", "fast", fast, outcome{}},
	{"banking77", "train_small.yml", "test.yml", "fast", fast, outcome{}},
	{"snips", "train_tiny.yml", "test.yml", "fast", fast, outcome{}},
	{"snips", "train_small.yml", "test.yml", "fast", fast, outcome{}},
	{"banking77", "train_small.yml", "test.yml", "DIET", diet, outcome{}},
	{"snips", "train_xs.yml", "test.yml", "DIET", diet, outcome{}},
	{"snips", "train_small.yml", "test.yml", "DIET", diet, outcome{}},
}

package neural

import (
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Fields returns the options that both policies have, with TEDPolicy's defaults.
func Fields() []component.Field {
	return slices.Concat(architectureFields(), trainingFields(), otherFields())
}

// Defaults returns the defaults of fields, those of further options before.
func Defaults(fields []component.Field) *value.Map {
	m := &value.Map{}
	for _, f := range slices.Concat(Fields(), lossFields, fields) {
		m.Set(f.Name, f.Default)
	}
	return m
}

// perAttribute is a mapping for the texts of a dialogue, as several options have it.
func perAttribute(v any) *value.Map {
	return value.NewMap("text", v, "action_text", v, "label_action_text", v)
}

func architectureFields() []component.Field {
	one, size := int64(1), int64(128)
	dense := perAttribute(size)
	for _, name := range []string{"intent", "action_name", "label_action_name", "label_intent", "entities", "slots", "active_loop"} {
		dense.Set(name, int64(20))
	}
	return []component.Field{
		{Name: "hidden_layers_sizes", Kind: component.Map, Default: perAttribute([]any{}),
			Doc: "Sizes of the dense layers before the transformer of texts, by attribute."},
		{Name: "dense_dimension", Kind: component.Map, Default: dense, Doc: "Dense dimension of sparse features, by attribute."},
		{Name: "concat_dimension", Kind: component.Map, Default: perAttribute(size),
			Doc: "Dimension to which features of tokens and texts are brought when they differ, by attribute."},
		{Name: "encoding_dimension", Kind: component.Int, Default: int64(50), Doc: "Dimension of what goes into the dialogue transformer."},
		{Name: "transformer_size", Kind: component.Map, Default: perAttribute(size).Set("dialogue", size),
			Doc: "Units of the transformers, by attribute and for the dialogue."},
		{Name: "number_of_transformer_layers", Kind: component.Map, Default: perAttribute(one).Set("dialogue", one),
			Doc: "Layers of the transformers, by attribute and for the dialogue."},
		{Name: "number_of_attention_heads", Kind: component.Int, Default: int64(4), Doc: "Attention heads of each layer."},
		{Name: "use_key_relative_attention", Kind: component.Bool, Default: false, Doc: "Whether attention depends on the distance of turns."},
		{Name: "use_value_relative_attention", Kind: component.Bool, Default: false, Doc: "Whether what attention returns depends on the distance of turns."},
		{Name: "max_relative_position", Kind: component.Int, Default: int64(5), Doc: "Distance from which on distances count as the same."},
		{Name: "unidirectional_encoder", Kind: component.Bool, Default: false, Doc: "Whether a token of a text attends only to those before it."},
		{Name: "embedding_dimension", Kind: component.Int, Default: int64(20), Doc: "Dimension of the space in which dialogues and labels are compared."},
		{Name: "connection_density", Kind: component.Float, Default: 0.2, Doc: "Part of the weights of inner layers that are used."},
		{Name: "featurizers", Kind: component.Strings, Default: []any{}, Doc: "Not used: all features of the pipeline are read."},
		{Name: "featurizer", Kind: component.Any, Doc: "Another tracker featurizer, with its options."},
		{Name: "max_history", Kind: component.Int, Doc: "Number of turns to look at; null means the whole conversation."},
	}
}

func trainingFields() []component.Field {
	return []component.Field{
		{Name: "epochs", Kind: component.Int, Default: int64(1), Doc: "How often training sees each example."},
		{Name: "batch_size", Kind: component.Any, Default: []any{int64(64), int64(256)}, Doc: "Examples a step: a number, or those of the first and the last epoch."},
		{Name: "batch_strategy", Kind: component.String, Default: balanced, Choices: []string{balanced, sequential},
			Doc: "Whether rare labels are repeated (balanced) or examples come as they are (sequence)."},
		{Name: "random_seed", Kind: component.Int, Doc: "Number that makes training repeatable."},
		{Name: "learning_rate", Kind: component.Float, Default: 0.001, Doc: "Step width of the optimiser."},
		{Name: "number_of_negative_examples", Kind: component.Int, Default: int64(20), Doc: "How many other labels each example is compared with."},
		{Name: "scale_loss", Kind: component.Bool, Default: true, Doc: "Whether examples that are predicted well count less."},
		{Name: "regularization_constant", Kind: component.Float, Default: 0.001, Doc: "Weight of the squares of weights in what training minimises."},
		{Name: "drop_rate_dialogue", Kind: component.Float, Default: 0.1, Doc: "Part of the dialogue's activations that each step leaves out."},
		{Name: "drop_rate", Kind: component.Float, Default: 0.0, Doc: "Part of activations for texts and names that each step leaves out."},
		{Name: "drop_rate_label", Kind: component.Float, Default: 0.0, Doc: "Not used, as in Rasa."},
		{Name: "drop_rate_attention", Kind: component.Float, Default: 0.0, Doc: "Part of attention that each step leaves out."},
		{Name: "use_sparse_input_dropout", Kind: component.Bool, Default: true, Doc: "Whether each step leaves out sparse features."},
		{Name: "use_dense_input_dropout", Kind: component.Bool, Default: true, Doc: "Whether each step leaves out parts of sparse features made dense."},
		{Name: "use_masked_language_model", Kind: component.Bool, Default: false, Doc: "Whether training hides some tokens of the user's text."},
		{Name: "evaluate_every_number_of_epochs", Kind: component.Int, Default: int64(20), Doc: "After how many epochs held-out examples are tried; -1 at the end."},
		{Name: "evaluate_on_number_of_examples", Kind: component.Int, Default: int64(0), Doc: "How many examples are held out."},
		{Name: "checkpoint_model", Kind: component.Bool, Default: false, Doc: "Whether the model that did best on held-out examples is kept."},
		{Name: "tensorboard_log_directory", Kind: component.String, Doc: "Folder for a table of how training went."},
		{Name: "tensorboard_log_level", Kind: component.String, Default: "epoch", Choices: []string{"epoch", "batch"}, Doc: "Whether the table has a row an epoch or a step."},
		{Name: "use_gpu", Kind: component.Bool, Default: true, Doc: "Not used: training needs none."},
	}
}

func otherFields() []component.Field {
	return []component.Field{
		{Name: "priority", Kind: component.Int, Default: int64(1), Doc: "Decides between policies of equal confidence."},
		{Name: "split_entities_by_comma", Kind: component.Any, Default: true,
			Doc: "Whether a comma ends an entity: for all entities, or a mapping from their names."},
		{Name: "similarity_type", Kind: component.String, Default: "auto", Choices: []string{"auto", "inner", "cosine"}, Doc: "How vectors are compared."},
		{Name: "loss_type", Kind: component.String, Default: crossEntropy, Choices: []string{crossEntropy, margin}, Doc: "What training minimises."},
		{Name: "entity_recognition", Kind: component.Bool, Default: true, Doc: "Whether entities are predicted in texts of users that count by their text."},
		{Name: "BILOU_flag", Kind: component.Bool, Default: true, Doc: "Whether tags tell first, inner and last tokens of entities apart."},
		{Name: "ranking_length", Kind: component.Int, Default: int64(0), Doc: "How many labels have a confidence; 0 for all."},
	}
}

// lossFields are the options that only TEDPolicy has.
var lossFields = []component.Field{
	{Name: "maximum_positive_similarity", Kind: component.Float, Default: 0.8, Doc: "How similar dialogue and label have to get, for loss_type margin."},
	{Name: "maximum_negative_similarity", Kind: component.Float, Default: -0.2, Doc: "How similar other labels may be, for loss_type margin."},
	{Name: "use_maximum_negative_similarity", Kind: component.Bool, Default: true, Doc: "Whether only the most similar other label counts, for loss_type margin."},
	{Name: "negative_margin_scale", Kind: component.Float, Default: 0.8, Doc: "Weight of the similarity of different labels, for loss_type margin."},
	{Name: "constrain_similarities", Kind: component.Bool, Default: false, Doc: "Whether similarities are kept within bounds; recommended."},
	{Name: "model_confidence", Kind: component.String, Default: softmax, Choices: []string{softmax}, Doc: "How similarities become confidences."},
	{Name: "renormalize_confidences", Kind: component.Bool, Default: false, Doc: "Whether the confidences of the ranking are scaled to add up to 1."},
	{Name: "e2e_confidence_threshold", Kind: component.Float, Default: 0.5, Doc: "Confidence from which on the user's text may count instead of the intent."},
}

// LossFields returns the options that only TEDPolicy has.
func LossFields() []component.Field { return slices.Clone(lossFields) }

// The values of options.
const (
	balanced, sequential = "balanced", "sequence"
	crossEntropy, margin = "cross_entropy", "margin"
	softmax              = "softmax"
)

package diet

import (
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Fields returns the fields of the options, with the defaults of DIETClassifier; another component passes its own by
// their names.
func Fields(defaults map[string]any) []component.Field {
	fields := append(architectureFields(), append(trainingFields(), outputFields()...)...)
	for i := range fields {
		if v, ok := defaults[fields[i].Name]; ok {
			fields[i].Default = v
		}
	}
	return fields
}

// Sizes is a mapping for text and label, as several options have it.
func Sizes(text, label any) *value.Map { return value.NewMap(textKey, text, labelKey, label) }

func architectureFields() []component.Field {
	return []component.Field{
		{Name: "hidden_layers_sizes", Kind: component.Map, Default: Sizes([]any{}, []any{}),
			Doc: "Sizes of the dense layers before the transformer of the text, and before the embedding of labels."},
		{Name: "share_hidden_layers", Kind: component.Bool, Default: false, Doc: "Whether text and labels have the same dense layers."},
		{Name: "transformer_size", Kind: component.Int, Default: int64(256), Doc: "Units of the transformer."},
		{Name: "number_of_transformer_layers", Kind: component.Int, Default: int64(2), Doc: "Layers of the transformer."},
		{Name: "number_of_attention_heads", Kind: component.Int, Default: int64(4), Doc: "Attention heads of each layer."},
		{Name: "use_key_relative_attention", Kind: component.Bool, Default: false, Doc: "Whether attention depends on the distance of tokens."},
		{Name: "use_value_relative_attention", Kind: component.Bool, Default: false, Doc: "Whether what attention returns depends on the distance of tokens."},
		{Name: "max_relative_position", Kind: component.Int, Default: int64(5), Doc: "Distance from which on distances count as the same."},
		{Name: "unidirectional_encoder", Kind: component.Bool, Default: false, Doc: "Whether a token attends only to those before it."},
		{Name: "embedding_dimension", Kind: component.Int, Default: int64(20), Doc: "Dimension of the space in which texts and labels are compared."},
		{Name: "dense_dimension", Kind: component.Map, Default: Sizes(int64(128), int64(20)), Doc: "Dense dimension of sparse features."},
		{Name: "concat_dimension", Kind: component.Map, Default: Sizes(int64(128), int64(20)),
			Doc: "Dimension to which features of tokens and texts are brought when they differ."},
		{Name: "connection_density", Kind: component.Float, Default: 0.2, Doc: "Part of the weights of inner layers that are used."},
		{Name: "featurizers", Kind: component.Strings, Default: []any{}, Doc: "Aliases of the featurizers to use; all when empty."},
	}
}

func trainingFields() []component.Field {
	return []component.Field{
		{Name: "epochs", Kind: component.Int, Default: int64(300), Doc: "How often training sees each example."},
		{Name: "batch_size", Kind: component.Any, Default: []any{int64(64), int64(256)}, Doc: "Examples a step: a number, or those of the first and the last epoch."},
		{Name: "batch_strategy", Kind: component.String, Default: balanced, Choices: []string{balanced, sequence},
			Doc: "Whether rare intents are repeated (balanced) or examples come as they are (sequence)."},
		{Name: "random_seed", Kind: component.Int, Doc: "Number that makes training repeatable."},
		{Name: "learning_rate", Kind: component.Float, Default: 0.001, Doc: "Step width of the optimiser."},
		{Name: "number_of_negative_examples", Kind: component.Int, Default: int64(20), Doc: "How many wrong labels each example is compared with."},
		{Name: "similarity_type", Kind: component.String, Default: auto, Choices: []string{auto, inner, cosine}, Doc: "How vectors are compared."},
		{Name: "loss_type", Kind: component.String, Default: crossEntropy, Choices: []string{crossEntropy, margin}, Doc: "What training minimises."},
		{Name: "maximum_positive_similarity", Kind: component.Float, Default: 0.8, Doc: "How similar text and label have to get, for loss_type margin."},
		{Name: "maximum_negative_similarity", Kind: component.Float, Default: -0.4, Doc: "How similar wrong labels may be, for loss_type margin."},
		{Name: "use_maximum_negative_similarity", Kind: component.Bool, Default: true, Doc: "Whether only the most similar wrong label counts, for loss_type margin."},
		{Name: "negative_margin_scale", Kind: component.Float, Default: 0.8, Doc: "Weight of the similarity of different labels, for loss_type margin."},
		{Name: "constrain_similarities", Kind: component.Bool, Default: false, Doc: "Whether similarities are kept within bounds; recommended."},
		{Name: "scale_loss", Kind: component.Bool, Default: false, Doc: "Whether examples that are predicted well count less."},
		{Name: "regularization_constant", Kind: component.Float, Default: 0.002, Doc: "Weight of the squares of weights in what training minimises."},
		{Name: "drop_rate", Kind: component.Float, Default: 0.2, Doc: "Part of activations that each step leaves out."},
		{Name: "drop_rate_attention", Kind: component.Float, Default: 0.0, Doc: "Part of attention that each step leaves out."},
		{Name: "use_sparse_input_dropout", Kind: component.Bool, Default: true, Doc: "Whether each step leaves out sparse features."},
		{Name: "use_dense_input_dropout", Kind: component.Bool, Default: true, Doc: "Whether each step leaves out parts of sparse features made dense."},
		{Name: "use_masked_language_model", Kind: component.Bool, Default: false, Doc: "Whether training also predicts words that it hides."},
		{Name: "evaluate_every_number_of_epochs", Kind: component.Int, Default: int64(20), Doc: "After how many epochs held-out examples are tried; -1 at the end."},
		{Name: "evaluate_on_number_of_examples", Kind: component.Int, Default: int64(0), Doc: "How many examples are held out."},
		{Name: "checkpoint_model", Kind: component.Bool, Default: false, Doc: "Whether the model that did best on held-out examples is kept."},
		{Name: "tensorboard_log_directory", Kind: component.String, Doc: "Folder for a table and a picture of how training went."},
		{Name: "tensorboard_log_level", Kind: component.String, Default: "epoch", Choices: []string{"epoch", "batch"}, Doc: "Whether the table has a row an epoch or a step."},
		{Name: "drop_small_last_batch", Kind: component.Bool, Default: false, Doc: "Whether a last batch of less than half the size is left out."},
		{Name: "run_eagerly", Kind: component.Bool, Default: false, Doc: "Not used: there is no graph to build."},
	}
}

func outputFields() []component.Field {
	return []component.Field{
		{Name: "intent_classification", Kind: component.Bool, Default: true, Doc: "Whether intents are predicted."},
		{Name: "entity_recognition", Kind: component.Bool, Default: true, Doc: "Whether entities are predicted."},
		{Name: "BILOU_flag", Kind: component.Bool, Default: true, Doc: "Whether tags tell first, inner and last tokens of entities apart."},
		{Name: "split_entities_by_comma", Kind: component.Any, Default: true,
			Doc: "Whether a comma ends an entity: for all entities, or a mapping from their names."},
		{Name: "ranking_length", Kind: component.Int, Default: int64(10), Doc: "How many labels the ranking has; 0 for all."},
		{Name: "model_confidence", Kind: component.String, Default: softmax, Choices: []string{softmax}, Doc: "How similarities become confidences."},
		{Name: "renormalize_confidences", Kind: component.Bool, Default: false, Doc: "Whether the confidences of the ranking are scaled to add up to 1."},
	}
}

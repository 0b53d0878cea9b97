package diet

import (
	"log/slog"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Options are what config.yml says about the network. The tags name the keys.
type Options struct {
	HiddenLayersSizes   *value.Map `option:"hidden_layers_sizes"`
	ShareHiddenLayers   bool       `option:"share_hidden_layers"`
	TransformerSize     any        `option:"transformer_size"`
	TransformerLayers   any        `option:"number_of_transformer_layers"`
	AttentionHeads      int        `option:"number_of_attention_heads"`
	KeyRelative         bool       `option:"use_key_relative_attention"`
	ValueRelative       bool       `option:"use_value_relative_attention"`
	MaxRelativePosition int        `option:"max_relative_position"`
	Unidirectional      bool       `option:"unidirectional_encoder"`

	BatchSize     any     `option:"batch_size"`
	BatchStrategy string  `option:"batch_strategy"`
	Epochs        int     `option:"epochs"`
	RandomSeed    *int    `option:"random_seed"`
	LearningRate  float64 `option:"learning_rate"`

	EmbeddingDimension  int        `option:"embedding_dimension"`
	DenseDimension      *value.Map `option:"dense_dimension"`
	ConcatDimension     *value.Map `option:"concat_dimension"`
	NegativeExamples    int        `option:"number_of_negative_examples"`
	SimilarityType      string     `option:"similarity_type"`
	LossType            string     `option:"loss_type"`
	RankingLength       int        `option:"ranking_length"`
	MaxPositive         float64    `option:"maximum_positive_similarity"`
	MaxNegative         float64    `option:"maximum_negative_similarity"`
	UseMaxNegative      bool       `option:"use_maximum_negative_similarity"`
	ScaleLoss           bool       `option:"scale_loss"`
	Regularization      float64    `option:"regularization_constant"`
	NegativeMarginScale float64    `option:"negative_margin_scale"`
	DropRate            float64    `option:"drop_rate"`
	DropRateAttention   float64    `option:"drop_rate_attention"`
	ConnectionDensity   float64    `option:"connection_density"`
	SparseInputDropout  bool       `option:"use_sparse_input_dropout"`
	DenseInputDropout   bool       `option:"use_dense_input_dropout"`

	EvaluateEvery    int    `option:"evaluate_every_number_of_epochs"`
	EvaluateOn       int    `option:"evaluate_on_number_of_examples"`
	Intents          bool   `option:"intent_classification"`
	Entities         bool   `option:"entity_recognition"`
	MaskedLM         bool   `option:"use_masked_language_model"`
	BILOU            bool   `option:"BILOU_flag"`
	TensorboardDir   string `option:"tensorboard_log_directory"`
	TensorboardLevel string `option:"tensorboard_log_level"`
	CheckpointModel  bool   `option:"checkpoint_model"`

	Featurizers           []string `option:"featurizers"`
	SplitByComma          any      `option:"split_entities_by_comma"`
	ConstrainSimilarities bool     `option:"constrain_similarities"`
	ModelConfidence       string   `option:"model_confidence"`
	Renormalize           bool     `option:"renormalize_confidences"`
	RunEagerly            bool     `option:"run_eagerly"`
	DropSmallLastBatch    bool     `option:"drop_small_last_batch"`
}

// What options may be.
const (
	softmax      = "softmax"
	auto         = "auto"
	inner        = "inner"
	cosine       = "cosine"
	crossEntropy = "cross_entropy"
	margin       = "margin"
	balanced     = "balanced"
	sequence     = "sequence"
)

// defaultTransformerSize is taken where transformer layers have no size.
const defaultTransformerSize = 256

// perAttribute returns the whole number an option has for an attribute: one for all, or a mapping.
func perAttribute(option any, attribute string) (int, bool) {
	if m, ok := option.(*value.Map); ok {
		option = m.Value(attribute)
	}
	switch n := option.(type) {
	case nil:
		return 0, true
	case int64:
		return int(n), true
	case int:
		return n, true
	}
	return 0, false
}

// layers and units are those of the transformer of an attribute; without layers the units don't count.
func (o *Options) layers(attribute string) int {
	n, _ := perAttribute(o.TransformerLayers, attribute)
	return n
}

func (o *Options) units(attribute string) int {
	n, _ := perAttribute(o.TransformerSize, attribute)
	if n < 1 {
		return defaultTransformerSize
	}
	return n
}

// hasTransformer reports whether number_of_transformer_layers is other than 0.
func (o *Options) hasTransformer() bool {
	n, ok := o.TransformerLayers.(int64)
	return !ok || n != 0
}

// hidden returns the sizes of the dense layers of an attribute.
func (o *Options) hidden(attribute string) []int {
	var sizes []int
	for _, v := range o.HiddenLayersSizes.List(attribute) {
		n, _ := perAttribute(v, "")
		sizes = append(sizes, n)
	}
	return sizes
}

func dimension(m *value.Map, attribute string) int {
	n, _ := perAttribute(m.Value(attribute), "")
	return n
}

// batchSize is that of an epoch: it grows linearly from the first to the last (arXiv:1711.00489).
func (o *Options) batchSize(epoch, epochs int) int {
	list, ok := o.BatchSize.([]any)
	if !ok {
		n, _ := perAttribute(o.BatchSize, "")
		return max(n, 1)
	}
	first, _ := perAttribute(list[0], "")
	last, _ := perAttribute(list[1], "")
	if epochs < 2 {
		return max(first, 1)
	}
	return max(int(float64(first)+float64(epoch)*float64(last-first)/float64(epochs-1)), 1)
}

// Check completes the options as Rasa does and returns what it refuses; what it only warns of is logged.
func (o *Options) Check(cfg *component.Config, log *slog.Logger) error {
	if err := o.checkShapes(cfg); err != nil {
		return err
	}
	if o.LossType == margin {
		log.Warn("confidences are similarities, not probabilities, because loss_type is margin; cross_entropy is recommended")
		o.ModelConfidence = auto
	}
	if err := o.checkConfidence(cfg); err != nil {
		return err
	}
	if !o.ConstrainSimilarities && o.LossType == crossEntropy {
		log.Warn("constrain_similarities is false; true is recommended with loss_type cross_entropy")
	}
	if o.SimilarityType == cosine && o.LossType == crossEntropy || o.SimilarityType == inner && o.LossType == margin {
		log.Warn("similarity_type and loss_type do not go together well; take inner with cross_entropy, or cosine with margin")
	}
	if o.SimilarityType == auto {
		o.SimilarityType = inner
		if o.LossType == margin {
			o.SimilarityType = cosine
		}
	}
	return o.checkTraining(cfg, log)
}

func (o *Options) checkConfidence(cfg *component.Config) error {
	switch {
	case o.ModelConfidence != softmax && o.ModelConfidence != auto:
		return cfg.OptionError("model_confidence", "is %q, possible is softmax", o.ModelConfidence)
	case o.ModelConfidence == softmax && o.LossType != crossEntropy:
		return cfg.OptionError("loss_type", "must be cross_entropy when model_confidence is softmax")
	case o.ModelConfidence == softmax && o.SimilarityType != inner && o.SimilarityType != auto:
		return cfg.OptionError("similarity_type", "must be inner when model_confidence is softmax")
	case o.Renormalize && o.RankingLength != 0 && o.ModelConfidence != softmax:
		return cfg.OptionError("renormalize_confidences", "needs model_confidence softmax")
	case !slices.Contains([]string{inner, cosine, auto}, o.SimilarityType):
		return cfg.OptionError("similarity_type", "is %q, possible are auto, inner and cosine", o.SimilarityType)
	case o.LossType != crossEntropy && o.LossType != margin:
		return cfg.OptionError("loss_type", "is %q, possible are cross_entropy and margin", o.LossType)
	}
	return nil
}

func (o *Options) checkTraining(cfg *component.Config, log *slog.Logger) error {
	switch {
	case o.EvaluateEvery == -1:
		o.EvaluateEvery = o.Epochs
	case o.EvaluateEvery < 1:
		return cfg.OptionError("evaluate_every_number_of_epochs", "is %d, it must be -1 or greater than 0", o.EvaluateEvery)
	case o.EvaluateEvery > o.Epochs && o.EvaluateOn > 0:
		log.Warn("evaluate_every_number_of_epochs is greater than epochs, nothing will be evaluated")
	}
	if o.CheckpointModel && o.EvaluateOn <= 0 {
		log.Warn("checkpoint_model needs evaluate_on_number_of_examples, the model of the last epoch is kept")
		o.CheckpointModel = false
	}
	for key, rate := range map[string]float64{"drop_rate": o.DropRate, "drop_rate_attention": o.DropRateAttention} {
		if rate < 0 || rate >= 1 {
			return cfg.OptionError(key, "must be at least 0 and less than 1")
		}
	}
	if o.ConnectionDensity < 0 || o.ConnectionDensity > 1 {
		return cfg.OptionError("connection_density", "must be between 0 and 1")
	}
	if o.Regularization < 0 || o.LearningRate < 0 {
		return cfg.OptionError("regularization_constant", "and learning_rate must not be negative")
	}
	return nil
}

// checkShapes returns what is wrong with the options that say how large the network is.
func (o *Options) checkShapes(cfg *component.Config) error {
	attributes := []string{textKey, labelKey}
	for key, m := range map[string]*value.Map{"dense_dimension": o.DenseDimension, "concat_dimension": o.ConcatDimension} {
		for _, a := range attributes {
			if n, ok := perAttribute(m.Value(a), ""); !ok || n < 1 {
				return cfg.OptionError(key, "must have a positive whole number for text and for label")
			}
		}
	}
	for _, a := range attributes {
		if !o.HiddenLayersSizes.Has(a) {
			return cfg.OptionError("hidden_layers_sizes", "must have a list for text and for label")
		}
		for _, n := range o.hidden(a) {
			if n < 1 {
				return cfg.OptionError("hidden_layers_sizes", "must be lists of positive whole numbers")
			}
		}
		layers, ok := perAttribute(o.TransformerLayers, a)
		if !ok || layers < 0 {
			return cfg.OptionError("number_of_transformer_layers", "must be a whole number")
		}
		if _, ok := perAttribute(o.TransformerSize, a); !ok {
			return cfg.OptionError("transformer_size", "must be a whole number")
		}
		if layers > 0 && (o.AttentionHeads < 1 || o.units(a)%o.AttentionHeads != 0) {
			return cfg.OptionError("transformer_size", "is %d, which is no multiple of number_of_attention_heads, %d", o.units(a), o.AttentionHeads)
		}
	}
	switch {
	case o.ShareHiddenLayers && !slices.Equal(o.hidden(textKey), o.hidden(labelKey)):
		return cfg.OptionError("hidden_layers_sizes", "must be the same for text and label when share_hidden_layers is true")
	case o.MaskedLM && !o.hasTransformer():
		return cfg.OptionError("use_masked_language_model", "must be false without transformer layers")
	case o.EmbeddingDimension < 1:
		return cfg.OptionError("embedding_dimension", "must be positive")
	case o.NegativeExamples < 1:
		return cfg.OptionError("number_of_negative_examples", "must be positive")
	case o.MaxRelativePosition < 0:
		return cfg.OptionError("max_relative_position", "must not be negative")
	case o.Epochs < 0:
		return cfg.OptionError("epochs", "must not be negative")
	}
	return o.checkBatchSize(cfg)
}

func (o *Options) checkBatchSize(cfg *component.Config) error {
	sizes := []any{o.BatchSize}
	if list, ok := o.BatchSize.([]any); ok {
		sizes = list
		if len(list) != 2 {
			return cfg.OptionError("batch_size", "must be a number, or the numbers for the first and the last epoch")
		}
	}
	for _, s := range sizes {
		if n, ok := perAttribute(s, ""); !ok || n < 1 {
			return cfg.OptionError("batch_size", "must be positive")
		}
	}
	return nil
}

package neural

import (
	"errors"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Options are those of TEDPolicy and UnexpecTEDIntentPolicy, under Rasa's names. Options of one of them alone have their
// zero value in the other.
type Options struct {
	HiddenLayersSizes *value.Map `option:"hidden_layers_sizes"`
	DenseDimension    *value.Map `option:"dense_dimension"`
	ConcatDimension   *value.Map `option:"concat_dimension"`
	EncodingDimension int        `option:"encoding_dimension"`
	TransformerSize   *value.Map `option:"transformer_size"`
	TransformerLayers *value.Map `option:"number_of_transformer_layers"`
	Heads             int        `option:"number_of_attention_heads"`
	KeyRelative       bool       `option:"use_key_relative_attention"`
	ValueRelative     bool       `option:"use_value_relative_attention"`
	MaxRelative       int        `option:"max_relative_position"`
	Unidirectional    bool       `option:"unidirectional_encoder"`
	BatchSize         any        `option:"batch_size"`
	BatchStrategy     string     `option:"batch_strategy"`
	Epochs            int        `option:"epochs"`
	RandomSeed        *int       `option:"random_seed"`
	LearningRate      float64    `option:"learning_rate"`
	EmbeddingDim      int        `option:"embedding_dimension"`
	Negatives         int        `option:"number_of_negative_examples"`
	SimilarityType    string     `option:"similarity_type"`
	LossType          string     `option:"loss_type"`
	RankingLength     int        `option:"ranking_length"`
	Renormalize       bool       `option:"renormalize_confidences"`
	MaxPositive       float64    `option:"maximum_positive_similarity"`
	MaxNegative       float64    `option:"maximum_negative_similarity"`
	UseMaxNegative    bool       `option:"use_maximum_negative_similarity"`
	ScaleLoss         bool       `option:"scale_loss"`
	Regularization    float64    `option:"regularization_constant"`
	NegativeMargin    float64    `option:"negative_margin_scale"`
	DropDialogue      float64    `option:"drop_rate_dialogue"`
	Drop              float64    `option:"drop_rate"`
	DropLabel         float64    `option:"drop_rate_label"`
	DropAttention     float64    `option:"drop_rate_attention"`
	Density           float64    `option:"connection_density"`
	SparseDropout     bool       `option:"use_sparse_input_dropout"`
	DenseDropout      bool       `option:"use_dense_input_dropout"`
	MaskedLM          bool       `option:"use_masked_language_model"`
	EvalEpochs        int        `option:"evaluate_every_number_of_epochs"`
	EvalExamples      int        `option:"evaluate_on_number_of_examples"`
	TensorboardDir    string     `option:"tensorboard_log_directory"`
	TensorboardLevel  string     `option:"tensorboard_log_level"`
	CheckpointModel   bool       `option:"checkpoint_model"`
	E2EThreshold      float64    `option:"e2e_confidence_threshold"`
	Featurizers       []string   `option:"featurizers"`
	EntityRecognition bool       `option:"entity_recognition"`
	Constrain         bool       `option:"constrain_similarities"`
	Confidence        string     `option:"model_confidence"`
	BILOU             bool       `option:"BILOU_flag"`
	SplitByComma      any        `option:"split_entities_by_comma"`
	MaxHistory        *int       `option:"max_history"`
	Priority          int        `option:"priority"`
	UseGPU            bool       `option:"use_gpu"`
	Featurizer        []any      `option:"featurizer"`
}

// Decode reads the options of cfg; those that are not given have the value of the spec. Options that are mappings may be
// given in part.
func (o *Options) Decode(cfg component.Config, defaults *value.Map) error {
	merged := cfg.Options.Clone()
	if merged == nil {
		merged = &value.Map{}
	}
	for key, v := range defaults.All() {
		known, isMap := v.(*value.Map)
		given, ok := merged.Get(key)
		switch {
		case !ok:
			merged.Set(key, v)
		case isMap:
			m, ok := given.(*value.Map)
			if !ok {
				return cfg.OptionError(key, "must be a mapping of attributes to values, not %v", given)
			}
			both := known.Clone()
			for k, v := range m.All() {
				both.Set(k, v)
			}
			merged.Set(key, both)
		}
	}
	cfg.Options = merged
	if err := cfg.Decode(o); err != nil {
		return err
	}
	return o.settle(cfg)
}

// settle checks the options and fills in those that follow from others (rasa/utils/train_utils.py).
func (o *Options) settle(cfg component.Config) error {
	if o.MaxHistory != nil && *o.MaxHistory < 0 {
		return cfg.OptionError("max_history", "must not be negative, not %d", *o.MaxHistory)
	}
	if o.LossType != crossEntropy && o.LossType != margin {
		return cfg.OptionError("loss_type", `must be "cross_entropy" or "margin", not %q`, o.LossType)
	}
	if o.LossType == margin {
		o.Confidence = "auto"
	}
	if o.Confidence != softmax && o.Confidence != "auto" {
		return cfg.OptionError("model_confidence", `must be "softmax", not %q`, o.Confidence)
	}
	switch o.SimilarityType {
	case "auto":
		o.SimilarityType = "inner"
		if o.LossType == margin {
			o.SimilarityType = "cosine"
		}
	case "inner", "cosine":
	default:
		return cfg.OptionError("similarity_type", `must be "auto", "inner" or "cosine", not %q`, o.SimilarityType)
	}
	if o.Confidence == softmax && o.SimilarityType != "inner" {
		return cfg.OptionError("similarity_type", `must be "inner" with model_confidence "softmax", not %q`, o.SimilarityType)
	}
	if o.EvalEpochs == -1 {
		o.EvalEpochs = o.Epochs
	} else if o.EvalEpochs < 1 {
		return cfg.OptionError("evaluate_every_number_of_epochs", "must be -1 or greater than 0, not %d", o.EvalEpochs)
	}
	if o.Density < 0 || o.Density > 1 {
		return cfg.OptionError("connection_density", "must be between 0 and 1, not %v", o.Density)
	}
	if size := dimension(o.TransformerSize, "dialogue"); o.Heads < 1 || size%o.Heads != 0 {
		return cfg.OptionError("number_of_attention_heads", "must divide the transformer size %d, which %d does not", size, o.Heads)
	}
	if _, _, err := o.batchSizes(); err != nil {
		return cfg.OptionError("batch_size", "%s", err)
	}
	return nil
}

// dimension returns a number of a mapping of attributes to numbers, 0 when there is none.
func dimension(m *value.Map, attribute string) int {
	v, ok := m.Value(attribute).(int64)
	if !ok {
		return 0
	}
	return int(v)
}

// batchSizes returns the sizes of batches in the first and the last epoch.
func (o *Options) batchSizes() (first, last int, err error) {
	switch v := o.BatchSize.(type) {
	case int64:
		first, last = int(v), int(v)
	case []any:
		if len(v) != 2 {
			return 0, 0, fmt.Errorf("must have two sizes, not %d", len(v))
		}
		a, _ := v[0].(int64)
		b, _ := v[1].(int64)
		first, last = int(a), int(b)
	default:
		return 0, 0, errors.New("must be a number or a list of two")
	}
	if first < 1 || last < 1 {
		return 0, 0, errors.New("must be greater than 0")
	}
	return first, last, nil
}

// layers returns the number of layers of the transformer for an attribute or "dialogue".
func (o *Options) layers(attribute string) int { return dimension(o.TransformerLayers, attribute) }

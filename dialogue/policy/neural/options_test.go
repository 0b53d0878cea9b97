package neural

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

var allDefaults = Defaults(append(Fields(), LossFields()...))

func decodeOptions(pairs ...any) (Options, error) {
	var o Options
	err := o.Decode(component.Config{Name: "TEDPolicy", Options: value.NewMap(pairs...)}, allDefaults)
	return o, err
}

func TestOptionsMerge(t *testing.T) {
	o, err := decodeOptions("dense_dimension", value.NewMap("text", int64(7)), "evaluate_every_number_of_epochs", int64(-1), "epochs", int64(9))
	require.NoError(t, err)
	assert.Equal(t, 7, dimension(o.DenseDimension, "text"))
	assert.Equal(t, 20, dimension(o.DenseDimension, "slots"))
	assert.Equal(t, 9, o.EvalEpochs)
	assert.Equal(t, "inner", o.SimilarityType)
	o, err = decodeOptions("loss_type", "margin")
	require.NoError(t, err)
	assert.Equal(t, "cosine", o.SimilarityType)
	assert.Equal(t, "auto", o.Confidence)
	assert.Equal(t, 3, o.finetuneEpochs(2.5))
}

func TestOptionsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs []any
		want  string
	}{
		{"negative history", []any{"max_history", int64(-1)}, `option "max_history" must not be negative`},
		{"number for a mapping", []any{"transformer_size", int64(128)}, `option "transformer_size" must be a mapping`},
		{"loss", []any{"loss_type", "hinge"}, `option "loss_type" must be`},
		{"confidence", []any{"model_confidence", "cosine"}, `option "model_confidence" must be "softmax"`},
		{"similarity", []any{"similarity_type", "cosine"}, `option "similarity_type" must be "inner"`},
		{"unknown similarity", []any{"similarity_type", "near"}, `option "similarity_type" must be "auto"`},
		{"evaluation", []any{"evaluate_every_number_of_epochs", int64(0)}, `must be -1 or greater than 0`},
		{"density", []any{"connection_density", 1.5}, `between 0 and 1`},
		{"heads", []any{"number_of_attention_heads", int64(3)}, `must divide the transformer size 128`},
		{"batch", []any{"batch_size", []any{int64(1)}}, `must have two sizes`},
		{"empty batch", []any{"batch_size", int64(0)}, `must be greater than 0`},
		{"batch by name", []any{"batch_size", "big"}, `must be a number or a list of two`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodeOptions(c.pairs...)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestSetup(t *testing.T) {
	for _, c := range []struct {
		name, featurizer string
		list             []any
		history          int
		want             string
	}{
		{"standard", MaxHistoryFeaturizer, nil, 3, ""},
		{"whole dialogues", FullDialogueFeaturizer, []any{value.NewMap("name", FullDialogueFeaturizer)}, 0, ""},
		{"own history", MaxHistoryFeaturizer, []any{value.NewMap("name", MaxHistoryFeaturizer, "max_history", int64(7))}, 7, ""},
		{"unknown", "", []any{value.NewMap("name", "X")}, 0, `names "X", which is not known`},
		{"two", "", []any{value.NewMap(), value.NewMap()}, 0, "must name one featurizer, not 2"},
		{"no mapping", "", []any{"x"}, 0, "must be a list of one mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			history := 3
			s, err := SetupOf(component.Config{Name: "TEDPolicy"}, &Options{Featurizer: c.list, MaxHistory: &history}, MaxHistoryFeaturizer)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, Setup{Name: "TEDPolicy", Featurizer: c.featurizer, MaxHistory: c.history}, s)
		})
	}
}

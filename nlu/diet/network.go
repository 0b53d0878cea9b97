package diet

import (
	"github.com/parleybot/parley/internal/ml/nn"
)

// network holds the layers. Its variables have the names of Rasa's checkpoints.
type network struct {
	options *Options
	text    *nn.Sequence
	// labels of a bag of words: combined features, summed up over the tokens, through dense layers.
	labelCombining *nn.FeatureCombining
	labelFfnn      *nn.Ffnn
	labelHidden    bool
	// labelSequence is set instead when labels are texts that go through a sequence layer like the text.
	labelSequence *nn.Sequence

	embedText, embedLabel *nn.Dense
	taggers               []tagger

	// embedMasked and embedGolden compare predicted with true words of the masked language model.
	embedMasked, embedGolden *nn.Dense
}

// tagger predicts the tags of one kind.
type tagger struct {
	spec *TagSpec
	// embedTags turns tags of entities into input for roles and groups; nil for the entities themselves.
	embedTags *nn.Dense
	logits    *nn.Dense
	crf       *nn.CRF
}

const layersPath = "_tf_layers/"

// newNetwork creates or reads the layers for the features and tags of s. textLabels says that labels are texts.
func newNetwork(p *nn.Params, o *Options, s *State, textLabels bool) *network {
	n := &network{options: o}
	in := s.inputs(o, textLabels)
	n.text = nn.NewSequence(p, layersPath+"sequence_layer.."+textKey, specs(in.Sequence), specs(in.Sentence),
		o.sequenceOptions(textKey, o.SparseInputDropout, o.DenseInputDropout))
	if o.Intents {
		n.buildLabels(p, s, textLabels)
	}
	if o.MaskedLM && p.Learns() {
		n.embedMasked = nn.NewEmbed(p, layersPath+"embed..text_lm_mask", n.text.Units, o.EmbeddingDimension, o.Regularization)
		n.embedGolden = nn.NewEmbed(p, layersPath+"embed..text_golden_token", n.text.Hidden, o.EmbeddingDimension, o.Regularization)
	}
	for i := range s.Tags {
		n.taggers = append(n.taggers, n.newTagger(p, &s.Tags[i]))
	}
	return n
}

// inputs returns what features of the text the network reads. Those of tokens are of no use when nothing looks at tokens: no
// transformer, no tags, no masked words.
func (s *State) inputs(o *Options, textLabels bool) Signature {
	width := func(u Units) int {
		if u.Sparse > 0 {
			return dimension(o.DenseDimension, textKey) + u.Dense
		}
		return u.Dense
	}
	in := s.Text
	if o.layers(textKey) == 0 && len(s.Tags) == 0 && !textLabels && !o.MaskedLM && width(in.Sequence) == width(in.Sentence) {
		in.Sequence = Units{}
	}
	return in
}

func (n *network) buildLabels(p *nn.Params, s *State, textLabels bool) {
	o := n.options
	units := 0
	switch {
	case textLabels && o.ShareHiddenLayers:
		// Rasa builds the layer of the text a second time, without drop-out of the input, and so for both.
		n.text = nn.NewSequence(p, layersPath+"sequence_layer.."+textKey, specs(s.Text.Sequence), specs(s.Text.Sentence),
			o.sequenceOptions(textKey, false, false))
		n.labelSequence, units = n.text, n.text.Units
	case textLabels:
		n.labelSequence = nn.NewSequence(p, layersPath+"sequence_layer.."+labelKey, specs(s.Label.Sequence), specs(s.Label.Sentence),
			o.sequenceOptions(labelKey, false, false))
		units = n.labelSequence.Units
	default:
		n.labelCombining = nn.NewFeatureCombining(p, layersPath+"feature_combining_layer.."+labelKey,
			specs(s.Label.Sequence), specs(s.Label.Sentence), o.featureOptions(labelKey, false, false))
		hidden := o.hidden(labelKey)
		n.labelHidden = len(hidden) > 0
		n.labelFfnn = nn.NewFfnn(p, layersPath+"ffnn.."+labelKey, n.labelCombining.Units, hidden, o.DropRate, o.Regularization,
			o.ConnectionDensity)
		units = n.labelFfnn.Units(n.labelCombining.Units)
	}
	n.embedText = nn.NewEmbed(p, layersPath+"embed.."+textKey, n.text.Units, o.EmbeddingDimension, o.Regularization)
	n.embedLabel = nn.NewEmbed(p, layersPath+"embed.."+labelKey, units, o.EmbeddingDimension, o.Regularization)
}

func (n *network) newTagger(p *nn.Params, spec *TagSpec) tagger {
	o := n.options
	t := tagger{spec: spec}
	in := n.text.Units
	if spec.Name != entityTags && len(n.taggers) > 0 {
		t.embedTags = nn.NewEmbed(p, layersPath+"embed.."+spec.Name+"..tags", len(n.taggers[0].spec.Tags), o.EmbeddingDimension, o.Regularization)
		in += o.EmbeddingDimension
	}
	t.logits = nn.NewEmbed(p, layersPath+"embed.."+spec.Name+"..logits", in, len(spec.Tags), o.Regularization)
	t.crf = nn.NewCRF(p, layersPath+"crf.."+spec.Name, len(spec.Tags), o.Regularization, o.ScaleLoss)
	return t
}

func specs(u Units) []nn.FeatureSpec {
	var out []nn.FeatureSpec
	if u.Sparse > 0 {
		out = append(out, nn.FeatureSpec{Sparse: true, Units: u.Sparse})
	}
	if u.Dense > 0 {
		out = append(out, nn.FeatureSpec{Units: u.Dense})
	}
	return out
}

func (o *Options) featureOptions(attribute string, sparseDropout, denseDropout bool) nn.FeatureOptions {
	return nn.FeatureOptions{
		DenseDimension:  dimension(o.DenseDimension, attribute),
		ConcatDimension: dimension(o.ConcatDimension, attribute),
		DropRate:        o.DropRate, L2: o.Regularization, Density: o.ConnectionDensity,
		SparseDropout: sparseDropout, DenseDropout: denseDropout,
		// Labels are always embedded all at once, texts one by one.
		PadBatch: attribute == labelKey,
	}
}

func (o *Options) sequenceOptions(attribute string, sparseDropout, denseDropout bool) nn.SequenceOptions {
	return nn.SequenceOptions{
		FeatureOptions: o.featureOptions(attribute, sparseDropout, denseDropout),
		HiddenLayers:   o.hidden(attribute),
		MaskedLM:       o.MaskedLM && attribute == textKey,
		Transformer: nn.TransformerOptions{
			Layers:   o.layers(attribute),
			DropRate: o.DropRate,
			L2:       o.Regularization,
			AttentionOptions: nn.AttentionOptions{
				Units: o.units(attribute), Heads: o.AttentionHeads, DropRate: o.DropRateAttention, Density: o.ConnectionDensity,
				Unidirectional: o.Unidirectional, KeyRelative: o.KeyRelative, ValueRelative: o.ValueRelative,
				MaxRelative: o.MaxRelativePosition,
			},
		},
	}
}

// features puts a block in the form layers take; room is used for the list.
func (b *Block) features(room []nn.Feature) []nn.Feature {
	if b.Sparse.Cols > 0 {
		room = append(room, nn.Feature{Sparse: &b.Sparse})
	}
	if b.Dense.Cols > 0 {
		room = append(room, nn.Feature{Dense: b.Dense})
	}
	return room
}

// sequenced runs a sequence layer over f; need tells which rows are of use.
func sequenced(t *nn.Tape, layer *nn.Sequence, f *Features, need nn.Need) nn.Sequenced {
	var room [4]nn.Feature
	tokens := f.Sequence.features(room[:0:2])
	return layer.Forward(t, tokens, f.Sentence.features(room[2:2:4]), f.Lengths, need)
}

// labels returns the input of the embedding of labels, one row for each example of f.
func (n *network) labels(t *nn.Tape, f *Features) *nn.Tensor {
	if n.labelSequence != nil {
		return sequenced(t, n.labelSequence, f, nn.NeedLast).Embedded
	}
	var room [4]nn.Feature
	x, offsets := n.labelCombining.Forward(t, f.Sequence.features(room[:0:2]), f.Sentence.features(room[2:2:4]), f.Lengths)
	return n.labelFfnn.Forward(t, nn.SumSequences(t, x, offsets))
}

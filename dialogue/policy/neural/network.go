package neural

import (
	"errors"

	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/value"
)

// network holds the layers (TED of ted_policy.py). They are only read while it infers.
type network struct {
	o *Options
	// turns are the layers of a turn's attributes, labels those of a label's; nil where there is no such attribute.
	turns, labels [attributeCount]*attributeLayers
	// transformer is nil when there is none.
	transformer               *nn.Transformer
	embedDialogue, embedLabel *nn.Dense
	// logits and crf are nil when no entities are predicted.
	logits                      *nn.Dense
	crf                         *nn.CRF
	width, output               int
	reversed, everyTurnIsLearnt bool
}

// attributeLayers turn the features of one attribute into a vector.
type attributeLayers struct {
	Size
	sequence *nn.Sequence
	concat   *nn.ConcatFeatures
	// encoding is nil for attributes without one.
	encoding *nn.Dense
	units    int
}

const layersPath = "_tf_layers/"

// newNetwork creates or reads the layers.
func newNetwork(p *nn.Params, s *Spec) (*network, error) {
	n := &network{o: &s.Options, reversed: s.reversed(), everyTurnIsLearnt: !s.reversed()}
	for a := range attributeCount {
		if s.Inputs[a] != nil {
			n.turns[a] = n.attribute(p, a, a.String(), *s.Inputs[a], true)
		}
		if s.LabelSizes[a] != nil {
			n.labels[a] = n.attribute(p, a, "label_"+a.String(), *s.LabelSizes[a], false)
		}
	}
	if n.turns[Intent] == nil && n.turns[Text] == nil || n.turns[ActionName] == nil && n.turns[ActionText] == nil {
		return nil, errors.New("no features of users or of actions: there must be a story with an intent, or with a text and a featurizer for it")
	}
	for _, group := range joinGroups {
		n.width += n.groupUnits(group)
	}
	n.output = n.width
	const dialogue = "dialogue"
	if layers := n.o.layers(dialogue); layers > 0 {
		n.output = dimension(n.o.TransformerSize, dialogue)
		o := n.transformerOptions(dialogue, n.o.DropDialogue, !n.reversed)
		n.transformer = nn.NewTransformer(p, layersPath+"transformer.."+dialogue, n.width, o)
	}
	n.embedDialogue = nn.NewEmbed(p, layersPath+"embed.."+dialogue, n.output, n.o.EmbeddingDim, n.o.Regularization)
	n.embedLabel = nn.NewEmbed(p, layersPath+"embed..label", n.o.EncodingDimension, n.o.EmbeddingDim, n.o.Regularization)
	if tags := len(s.Tags); tags > 0 && n.turns[Text] != nil {
		in := n.turns[Text].sequence.Units + n.output
		n.logits = nn.NewEmbed(p, layersPath+"embed..entity..logits", in, tags, n.o.Regularization)
		n.crf = nn.NewCRF(p, layersPath+"crf..entity", tags, n.o.Regularization, n.o.ScaleLoss)
	}
	return n, p.Err()
}

// joinGroups are the parts of a turn's vector: attributes of one group are added.
var joinGroups = [...][]Attribute{{Intent, Text}, {ActionName, ActionText}, {ActiveLoop}, {Entities}, {Slots}}

func (n *network) groupUnits(group []Attribute) int {
	for _, a := range group {
		if n.turns[a] != nil {
			return n.turns[a].units
		}
	}
	return 0
}

// attribute makes the layers of an attribute of turns (drops) or labels.
func (n *network) attribute(p *nn.Params, a Attribute, name string, size Size, drops bool) *attributeLayers {
	l := &attributeLayers{Size: size}
	o := nn.FeatureOptions{
		DenseDimension: dimension(n.o.DenseDimension, name), ConcatDimension: dimension(n.o.ConcatDimension, name),
		DropRate: n.o.Drop, L2: n.o.Regularization, Density: n.o.Density,
		SparseDropout: drops && n.o.SparseDropout, DenseDropout: drops && n.o.DenseDropout,
	}
	sentence := specs(size.SentenceSparse, size.SentenceDense)
	if a.sequential() {
		l.sequence = nn.NewSequence(p, layersPath+"sequence_layer.."+name, specs(size.SequenceSparse, size.SequenceDense), sentence,
			nn.SequenceOptions{
				FeatureOptions: o, HiddenLayers: hidden(n.o.HiddenLayersSizes, name), MaskedLM: n.o.MaskedLM && a == Text && drops,
				Transformer: n.transformerOptions(name, n.o.Drop, n.o.Unidirectional),
			})
		l.units = l.sequence.Units
	} else {
		l.concat = nn.NewConcatFeatures(p, layersPath+"sparse_dense_concat_layer.."+name, sentence, o)
		l.units = l.concat.Units
	}
	if a.encoded() {
		l.encoding = nn.NewDense(p, layersPath+"encoding_layer.."+name+"/_ffn_layers/0", l.units, n.o.EncodingDimension,
			nn.DenseOptions{Activation: nn.GELUActivation, Density: density(n.o.Density), L2: n.o.Regularization})
		l.units = n.o.EncodingDimension
	}
	return l
}

// density returns a share of connections as nn.DenseOptions take it.
func density(d float64) float64 {
	if d == 0 {
		return -1
	}
	return d
}

func (n *network) transformerOptions(name string, drop float64, unidirectional bool) nn.TransformerOptions {
	units := dimension(n.o.TransformerSize, name)
	if units < 1 {
		units = 256
	}
	return nn.TransformerOptions{
		AttentionOptions: nn.AttentionOptions{
			Units: units, Heads: n.o.Heads, DropRate: n.o.DropAttention, Density: n.o.Density, Unidirectional: unidirectional,
			KeyRelative: n.o.KeyRelative, ValueRelative: n.o.ValueRelative, MaxRelative: n.o.MaxRelative,
		},
		Layers: n.o.layers(name), DropRate: drop, L2: n.o.Regularization,
	}
}

func specs(sparse, dense int) []nn.FeatureSpec {
	var out []nn.FeatureSpec
	if sparse > 0 {
		out = append(out, nn.FeatureSpec{Sparse: true, Units: sparse})
	}
	if dense > 0 {
		out = append(out, nn.FeatureSpec{Units: dense})
	}
	return out
}

// hidden returns the sizes of the layers before the transformer of a text.
func hidden(m *value.Map, name string) []int {
	var out []int
	for _, v := range m.List(name) {
		if size, ok := v.(int64); ok && size > 0 {
			out = append(out, int(size))
		}
	}
	return out
}

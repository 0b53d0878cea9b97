package nn

// SequenceOptions are those of a Sequence layer. TransformerOptions.Layers may be 0: then there is no transformer.
type SequenceOptions struct {
	FeatureOptions
	HiddenLayers []int
	Transformer  TransformerOptions
	// MaskedLM masks some of the positions while it trains.
	MaskedLM bool
}

// Sequence embeds the positions of sequences (rasa_layers.py RasaSequenceLayer): features are combined, go through hidden
// layers, are masked while it trains with MaskedLM, and through a transformer.
type Sequence struct {
	combining   *FeatureCombining
	ffnn        *Ffnn
	mask        *InputMask
	transformer *Transformer
	// Units is the width of Embedded, Hidden that of the transformer's input.
	Units, Hidden int
}

// Sequenced is what a Sequence layer makes of a batch.
type Sequenced struct {
	// Embedded has one row for each position that was asked for.
	Embedded *Tensor
	// Hidden has one row a position: the combined features before masking and transformer.
	Hidden *Tensor
	// Offsets says where the sequences lie in Hidden, the row for the whole sequence included.
	Offsets Offsets
	// Masked lists the rows of Hidden that were masked, ascending; always empty while it infers.
	Masked []int
}

// NewSequence creates or reads the layer at path.
func NewSequence(p *Params, path string, sequence, sentence []FeatureSpec, o SequenceOptions) *Sequence {
	s := &Sequence{combining: NewFeatureCombining(p, path+"/_tf_layers/feature_combining", sequence, sentence, o.FeatureOptions)}
	s.ffnn = NewFfnn(p, path+"/_tf_layers/ffnn", s.combining.Units, o.HiddenLayers, o.DropRate, o.L2, o.Density)
	s.Hidden = s.ffnn.Units(s.combining.Units)
	s.Units = s.Hidden
	if o.MaskedLM && p.Learns() {
		s.mask = NewInputMask(p, path+"/_tf_layers/mlm_input_mask", s.Hidden)
	}
	if o.Transformer.Layers > 0 {
		s.transformer = NewTransformer(p, path+"/_tf_layers/transformer", s.Hidden, o.Transformer)
		s.Units = o.Transformer.Units
	}
	return s
}

// Combining returns the layer that combines the features.
func (s *Sequence) Combining() *FeatureCombining { return s.combining }

// Need says for which rows of Sequenced.Hidden a Sequence layer embeds: given the offsets and the masked rows it returns
// ascending rows, or nil for all.
type Need func(t *Tape, offsets Offsets, masked []int) []int

// NeedLast asks for the last row of every sequence, the one for the whole of it, and for the masked ones.
func NeedLast(t *Tape, offsets Offsets, masked []int) []int {
	rows := t.indices.take(offsets.Len() + len(masked))[:0]
	for i := range offsets.Len() {
		from, to := offsets.Bounds(i)
		for len(masked) > 0 && masked[0] < to-1 {
			rows = append(rows, masked[0])
			masked = masked[1:]
		}
		if to > from {
			rows = append(rows, to-1)
		}
	}
	return rows
}

// Forward embeds a batch: offsets speaks of the positions, without the rows for whole sequences. need may be nil, for all rows.
func (s *Sequence) Forward(t *Tape, sequence, sentence []Feature, offsets Offsets, need Need) Sequenced {
	x, combined := s.combining.Forward(t, sequence, sentence, offsets)
	out := Sequenced{Offsets: combined}
	out.Hidden = s.ffnn.Forward(t, x)
	x = out.Hidden
	if s.mask != nil && t.training {
		x, out.Masked = s.mask.Forward(t, x, combined, len(sentence) > 0)
	}
	var rows []int
	if need != nil {
		rows = need(t, combined, out.Masked)
	}
	switch {
	case s.transformer != nil:
		out.Embedded = GELU(t, s.transformer.Forward(t, x, combined, rows))
	case rows != nil:
		out.Embedded = Gather(t, x, rows)
	default:
		out.Embedded = x
	}
	return out
}

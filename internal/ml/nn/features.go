package nn

import "github.com/parleybot/parley/internal/ml/f32"

// FeatureSpec is the width of one input of a layer that combines features.
type FeatureSpec struct {
	Sparse bool
	Units  int
}

// Feature is one input: Sparse has rows, or Dense.
type Feature struct {
	Sparse *f32.CSR
	Dense  f32.Mat
}

// FeatureOptions are the options of the layers that combine features.
type FeatureOptions struct {
	// DenseDimension is what every sparse feature is brought to, ConcatDimension what features of positions and of whole
	// sequences are brought to when their widths differ.
	DenseDimension, ConcatDimension int
	DropRate, L2, Density           float64
	// SparseDropout drops entries of sparse features, DenseDropout elements of what they become.
	SparseDropout, DenseDropout bool
	// PadBatch does to a batch whose sequences differ in length what Rasa does: when the widths of the features had to be
	// brought together, the row for the whole of a sequence that isn't the longest gets added what a position without features
	// became. A batch of one is not concerned.
	PadBatch bool
}

// ConcatFeatures makes one dense matrix of several features (rasa_layers.py ConcatenateSparseDenseFeatures). All sparse
// features share one layer, path/_tf_layers/sparse_to_dense, and have the same width.
type ConcatFeatures struct {
	FeatureOptions
	sparse *DenseForSparse
	// Units is the width of the output.
	Units int
}

// NewConcatFeatures creates or reads the layer at path for features of these widths. The width of a sparse feature may be 0
// when it is read.
func NewConcatFeatures(p *Params, path string, specs []FeatureSpec, o FeatureOptions) *ConcatFeatures {
	c := &ConcatFeatures{FeatureOptions: o}
	for _, s := range specs {
		if !s.Sparse {
			c.Units += s.Units
			continue
		}
		c.Units += o.DenseDimension
		if c.sparse == nil {
			c.sparse = NewDenseForSparse(p, path+"/_tf_layers/sparse_to_dense", s.Units, o.DenseDimension, o.L2)
		}
	}
	return c
}

// SparseUnits returns the width of the sparse features, 0 when there are none.
func (c *ConcatFeatures) SparseUnits() int {
	if c.sparse == nil {
		return 0
	}
	return c.sparse.In()
}

// Forward returns [rows, Units]. features have the order of the specs and as many rows; they must live until the tape is
// reset.
func (c *ConcatFeatures) Forward(t *Tape, features []Feature) *Tensor {
	parts := t.pointers.take(len(features))
	for i, f := range features {
		if f.Sparse == nil {
			parts[i] = t.Input(f.Dense)
			continue
		}
		x := *f.Sparse
		if c.SparseDropout {
			x = SparseDropout(t, x, c.DropRate)
		}
		parts[i] = c.sparse.Forward(t, x)
		if c.DenseDropout {
			parts[i] = Dropout(t, parts[i], c.DropRate)
		}
	}
	return Concat(t, parts...)
}

// FeatureCombining puts the features of positions and those of whole sequences into one packed batch: after the positions
// of each sequence stands a row for the whole of it (rasa_layers.py RasaFeatureCombiningLayer).
type FeatureCombining struct {
	padBatch                     bool
	sequence, sentence           *ConcatFeatures
	unifySequence, unifySentence *Ffnn
	// Units is the width of the output.
	Units int
}

// NewFeatureCombining creates or reads the layer at path. One of the lists of specs may be empty.
func NewFeatureCombining(p *Params, path string, sequence, sentence []FeatureSpec, o FeatureOptions) *FeatureCombining {
	c := &FeatureCombining{padBatch: o.PadBatch}
	if len(sequence) > 0 {
		c.sequence = NewConcatFeatures(p, path+"/_tf_layers/sparse_dense..sequence", sequence, o)
		c.Units = c.sequence.Units
	}
	if len(sentence) > 0 {
		c.sentence = NewConcatFeatures(p, path+"/_tf_layers/sparse_dense..sentence", sentence, o)
	}
	switch {
	case c.sequence == nil && c.sentence != nil:
		c.Units = c.sentence.Units
	case c.sentence != nil && c.sequence.Units != c.sentence.Units:
		unify := func(kind string, in int) *Ffnn {
			return NewFfnn(p, path+"/_tf_layers/unify_dims_before_seq_sent_concat.."+kind, in, []int{o.ConcatDimension},
				o.DropRate, o.L2, o.Density)
		}
		c.unifySequence = unify("sequence", c.sequence.Units)
		c.unifySentence = unify("sentence", c.sentence.Units)
		c.Units = o.ConcatDimension
	}
	return c
}

// Sequence and Sentence return the layers for features of positions and of whole sequences, nil when there are none.
func (c *FeatureCombining) Sequence() *ConcatFeatures { return c.sequence }

// Sentence is Sequence for features of whole sequences.
func (c *FeatureCombining) Sentence() *ConcatFeatures { return c.sentence }

// Forward returns the combined rows and where they lie. sequence has a row for each position that offsets speaks of, sentence
// one for each sequence. Without sentence features the offsets stay as they are, without sequence features there is one row
// a sequence.
func (c *FeatureCombining) Forward(t *Tape, sequence, sentence []Feature, offsets Offsets) (*Tensor, Offsets) {
	if c.sequence == nil {
		x := c.sentence.Forward(t, sentence)
		one := Offsets(t.indices.take(x.Rows + 1))
		for i := range one {
			one[i] = i
		}
		return x, one
	}
	x := c.sequence.Forward(t, sequence)
	if c.sentence == nil {
		return x, offsets
	}
	whole := c.sentence.Forward(t, sentence)
	if c.unifySequence != nil {
		x, whole = c.unifySequence.Forward(t, x), c.unifySentence.Forward(t, whole)
		if c.padBatch {
			whole = c.pad(t, whole, offsets)
		}
	}
	return Append(t, x, whole, offsets)
}

// pad adds to the rows of sequences that aren't the longest what the layer makes of no features.
func (c *FeatureCombining) pad(t *Tape, whole *Tensor, offsets Offsets) *Tensor {
	shorter := t.indices.take(offsets.Len())[:0]
	longest := offsets.MaxLen()
	for i := range offsets.Len() {
		if offsets[i+1]-offsets[i] < longest {
			shorter = append(shorter, i)
		}
	}
	if len(shorter) == 0 {
		return whole
	}
	nothing := t.mat(1, c.sequence.Units)
	nothing.Zero()
	row := c.unifySequence.Forward(t, t.Input(nothing))
	out := t.Tensor(whole.Rows, whole.Cols)
	out.CopyFrom(whole.Mat)
	for _, i := range shorter {
		f32.Add(out.Row(i), out.Row(i), row.Row(0))
	}
	if n := t.record(padBack, out, false, whole, row); n != nil {
		n.rows = shorter
	}
	return out
}

func padBack(t *Tape, n *node) {
	if n.b.needs {
		d := t.zeroGradOf(n.b).Row(0)
		for _, i := range n.rows {
			f32.Add(d, d, n.out.grad.Row(i))
		}
	}
	t.pass(n.out, n.a)
}

package diet

import (
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/nlu"
)

// The keys under which Rasa keeps features.
const (
	textKey     = "text"
	labelKey    = "label"
	sequenceKey = "sequence"
	sentenceKey = "sentence"
	entitiesKey = "entities"
)

// Units says how many features of a kind there are; 0 means none.
type Units struct {
	Sparse int `json:"sparse"`
	Dense  int `json:"dense"`
}

func (u Units) present() bool { return u.Sparse > 0 || u.Dense > 0 }

// Signature says what features an attribute has: of its tokens, and of the whole.
type Signature struct {
	Sequence Units `json:"sequence"`
	Sentence Units `json:"sentence"`
}

// Block holds features in rows. Its zero value has none.
type Block struct {
	Sparse f32.CSR
	Dense  f32.Mat
}

// Rows returns how many rows it has.
func (b *Block) Rows() int { return max(b.Sparse.Rows, b.Dense.Rows) }

func (b *Block) units() Units { return Units{b.Sparse.Cols, b.Dense.Cols} }

// Features are those of one attribute of any number of examples.
type Features struct {
	// Sequence has a row for each token of each example; example i has the rows Lengths[i] to Lengths[i+1].
	Sequence Block
	Lengths  nn.Offsets
	// Sentence has a row for each example, or none at all.
	Sentence Block
}

// Examples returns how many examples there are.
func (f *Features) Examples() int { return f.Lengths.Len() }

// Signature returns what features there are.
func (f *Features) Signature() Signature { return Signature{f.Sequence.units(), f.Sentence.units()} }

// reset takes all examples out and keeps the memory; units become those of s.
func (f *Features) reset(s Signature) {
	f.Sequence.reset(s.Sequence)
	f.Sentence.reset(s.Sentence)
	f.Lengths = append(f.Lengths[:0], 0)
}

func (b *Block) reset(u Units) {
	b.Sparse = f32.CSR{Cols: u.Sparse, RowPtr: append(b.Sparse.RowPtr[:0], 0), Col: b.Sparse.Col[:0], Val: b.Sparse.Val[:0]}
	b.Dense = f32.Mat{Cols: u.Dense, Stride: u.Dense, Data: b.Dense.Data[:0]}
}

// copyRows appends the rows from <= i < to of src.
func (b *Block) copyRows(src *Block, from, to int) {
	if src.Sparse.Cols > 0 {
		s := &src.Sparse
		first, last := s.RowPtr[from], s.RowPtr[to]
		shift := len(b.Sparse.Col) - first
		b.Sparse.Col = append(b.Sparse.Col, s.Col[first:last]...)
		b.Sparse.Val = append(b.Sparse.Val, s.Val[first:last]...)
		for _, p := range s.RowPtr[from+1 : to+1] {
			b.Sparse.RowPtr = append(b.Sparse.RowPtr, p+shift)
		}
		b.Sparse.Rows += to - from
	}
	if n := src.Dense.Cols; n > 0 {
		b.Dense.Data = append(b.Dense.Data, src.Dense.Data[from*n:to*n]...)
		b.Dense.Rows += to - from
	}
}

// gather appends examples of src.
func (f *Features) gather(src *Features, examples []int32) {
	for _, i := range examples {
		from, to := src.Lengths.Bounds(int(i))
		if src.Sequence.Rows() > 0 {
			f.Sequence.copyRows(&src.Sequence, from, to)
		}
		f.Lengths = append(f.Lengths, f.Lengths[len(f.Lengths)-1]+to-from)
		if src.Sentence.Rows() > 0 {
			f.Sentence.copyRows(&src.Sentence, int(i), int(i)+1)
		}
	}
}

// Reader takes the features of an attribute out of messages.
type Reader struct {
	// Featurizers are the aliases whose features are read; empty means all.
	Featurizers []string
	// WithoutSequence leaves out the features of tokens, which nothing would read.
	WithoutSequence bool
}

func (r *Reader) reads(f *nlu.Features, a nlu.Attribute) bool {
	return f.Attribute == a && (len(r.Featurizers) == 0 || slices.Contains(r.Featurizers, f.Origin))
}

// Present reports whether the message has features of the attribute (Message.features_present).
func (r *Reader) Present(m *nlu.Message, a nlu.Attribute) bool {
	return slices.ContainsFunc(m.Features, func(f nlu.Features) bool { return r.reads(&f, a) })
}

// Signature returns what features of the attribute the message has, those of several featurizers side by side.
func (r *Reader) Signature(m *nlu.Message, a nlu.Attribute) Signature {
	var s Signature
	for i := range m.Features {
		f := &m.Features[i]
		if !r.reads(f, a) {
			continue
		}
		u := &s.Sentence
		if f.Type == nlu.SequenceFeatures {
			if r.WithoutSequence {
				continue
			}
			u = &s.Sequence
		}
		if f.Sparse != nil {
			u.Sparse += f.Sparse.Cols
		} else {
			u.Dense += f.Columns()
		}
	}
	return s
}

// SparseSizes returns how many sparse features each featurizer has, by kind (Message.get_sparse_feature_sizes).
func (r *Reader) SparseSizes(m *nlu.Message, a nlu.Attribute) SparseSizes {
	sizes := SparseSizes{Sequence: []int{}, Sentence: []int{}}
	for i := range m.Features {
		f := &m.Features[i]
		switch {
		case !r.reads(f, a) || f.Sparse == nil:
		case f.Type == nlu.SequenceFeatures:
			sizes.Sequence = append(sizes.Sequence, f.Sparse.Cols)
		default:
			sizes.Sentence = append(sizes.Sentence, f.Sparse.Cols)
		}
	}
	return sizes
}

// takes reports whether a network for units of u can read those of v. As in Rasa there may be fewer sparse ones, when a
// featurizer had nothing to say (RegexFeaturizer about an empty text); those behind them move up.
func (u Units) takes(v Units) bool {
	return u.Dense == v.Dense && v.Sparse <= u.Sparse && (v.Sparse > 0) == (u.Sparse > 0)
}

// Append appends the features of a message to f, whose signature they must have. The error tells what differs.
func (r *Reader) Append(to *Features, m *nlu.Message, a nlu.Attribute) error {
	want := to.Signature()
	if got := r.Signature(m, a); !want.Sequence.takes(got.Sequence) || !want.Sentence.takes(got.Sentence) {
		return fmt.Errorf("a message has other features of %s than in training: %+v instead of %+v", a, got, want)
	}
	rows := 0
	if want.Sequence.present() {
		n, err := r.appendBlock(&to.Sequence, m, a, nlu.SequenceFeatures)
		if err != nil {
			return err
		}
		rows = n
	}
	to.Lengths = append(to.Lengths, to.Lengths[len(to.Lengths)-1]+rows)
	if want.Sentence.present() {
		if n, err := r.appendBlock(&to.Sentence, m, a, nlu.SentenceFeatures); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("a message has %d rows of features of the whole %s, not one", n, a))
		}
	}
	return nil
}

// appendBlock appends the features of one type and returns how many rows they have.
func (r *Reader) appendBlock(b *Block, m *nlu.Message, a nlu.Attribute, t nlu.FeatureType) (rows int, err error) {
	rows = -1
	sparse, dense := false, false
	for i := range m.Features {
		f := &m.Features[i]
		if !r.reads(f, a) || f.Type != t {
			continue
		}
		n := len(f.Dense)
		if f.Sparse != nil {
			n = f.Sparse.Rows
		}
		if rows >= 0 && n != rows {
			return rows, fmt.Errorf("features of %s differ in how many rows there are: %d and %d", a, rows, n)
		}
		rows = n
		sparse, dense = sparse || f.Sparse != nil, dense || f.Dense != nil
	}
	for row := range max(rows, 0) {
		if sparse {
			r.appendSparseRow(&b.Sparse, m, a, t, row)
		}
		if dense {
			r.appendDenseRow(&b.Dense, m, a, t, row)
		}
	}
	return max(rows, 0), nil
}

func (r *Reader) appendSparseRow(s *f32.CSR, m *nlu.Message, a nlu.Attribute, t nlu.FeatureType, row int) {
	shift := int32(0)
	for i := range m.Features {
		f := &m.Features[i]
		if !r.reads(f, a) || f.Type != t || f.Sparse == nil {
			continue
		}
		cols, vals := f.Sparse.Row(row)
		for k, c := range cols {
			s.Col = append(s.Col, c+shift)
			s.Val = append(s.Val, float32(vals[k]))
		}
		shift += int32(f.Sparse.Cols)
	}
	s.Rows++
	s.RowPtr = append(s.RowPtr, len(s.Col))
}

func (r *Reader) appendDenseRow(d *f32.Mat, m *nlu.Message, a nlu.Attribute, t nlu.FeatureType, row int) {
	for i := range m.Features {
		f := &m.Features[i]
		if r.reads(f, a) && f.Type == t && f.Dense != nil {
			d.Data = append(d.Data, f.Dense[row]...)
		}
	}
	d.Rows++
}

package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/nlu"
)

// texts reads texts with the pipeline, for policies that learn end to end.
type texts struct{ pipeline *nlu.Pipeline }

var attributes = map[policy.TextKind]nlu.Attribute{
	policy.UserText: nlu.Text, policy.IntentName: nlu.Intent, policy.ActionName: nlu.ActionName, policy.ActionText: nlu.ActionText,
}

// Read implements policy.TextReader. The features of all featurizers stand side by side, sparse ones before dense ones
// (Features.reduce of rasa/shared/nlu/training_data/features.py).
func (t texts) Read(ctx context.Context, kind policy.TextKind, text string) (*policy.TextFeatures, error) {
	a := attributes[kind]
	m := &nlu.Message{}
	m.Set(a, text)
	if err := t.pipeline.Featurize(ctx, m); err != nil {
		return nil, err
	}
	out := &policy.TextFeatures{}
	for _, token := range m.Tokens(a) {
		out.Tokens = append(out.Tokens, policy.Token{Start: token.Start, End: token.End})
	}
	// Names have features of their tokens only; those of the whole are their sum.
	whole := nlu.SentenceFeatures
	if a.IsLabel() {
		whole = nlu.SequenceFeatures
	}
	for i := range m.Features {
		f := &m.Features[i]
		switch {
		case f.Attribute != a:
		case f.Type == whole:
			joinSum(out, f)
		case !a.IsLabel():
			if err := joinRows(out, f); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// joinRows puts the features of tokens beside those that are there.
func joinRows(out *policy.TextFeatures, f *nlu.Features) error {
	n := len(f.Dense)
	if f.Sparse != nil {
		n = f.Sparse.Rows
	}
	if out.Sequence == nil {
		out.Sequence = make([]policy.FeatureRow, n)
	}
	if n != len(out.Sequence) {
		return fmt.Errorf("featurizers found %d and %d tokens in one text", len(out.Sequence), n)
	}
	if f.Sparse == nil {
		for i, row := range f.Dense {
			out.Sequence[i].Dense = append(out.Sequence[i].Dense, row...)
		}
		out.Size.SequenceDense += f.Columns()
		return nil
	}
	for i := range out.Sequence {
		addSparse(&out.Sequence[i], f, i, out.Size.SequenceSparse)
	}
	out.Size.SequenceSparse += f.Sparse.Cols
	return nil
}

// joinSum puts the sum of rows beside the features of the whole that are there.
func joinSum(out *policy.TextFeatures, f *nlu.Features) {
	if f.Sparse != nil {
		for i := range f.Sparse.Rows {
			addSparse(&out.Sentence, f, i, out.Size.SentenceSparse)
		}
		out.Size.SentenceSparse += f.Sparse.Cols
		return
	}
	total := make([]float32, f.Columns())
	for _, r := range f.Dense {
		for i, v := range r {
			total[i] += v
		}
	}
	out.Sentence.Dense = append(out.Sentence.Dense, total...)
	out.Size.SentenceDense += len(total)
}

// addSparse adds row i of sparse features to row, its columns behind the first from ones.
func addSparse(row *policy.FeatureRow, f *nlu.Features, i, from int) {
	for e := f.Sparse.RowPtr[i]; e < f.Sparse.RowPtr[i+1]; e++ {
		col, v := int32(from)+f.Sparse.Col[e], float32(f.Sparse.Val[e])
		if at := slices.Index(row.Cols, col); at >= 0 {
			row.Values[at] += v
			continue
		}
		row.Cols, row.Values = append(row.Cols, col), append(row.Values, v)
	}
}

// endToEnd reports whether policies learn from texts.
func (t *trainer) endToEnd() bool { return t.o.Core && t.o.NLU && EndToEnd(t.p.Stories) }

// readTexts hands the trained pipeline to the policies.
func (t *trainer) readTexts(context.Context) error {
	err := t.pipeline.Load(func(resource string) (component.Resource, error) { return t.out.Resource(nluPart(resource)), nil })
	t.ensemble.ReadTexts(texts{t.pipeline})
	return err
}

// pipelinePrint covers the pipeline that policies read texts with, "" when they do not.
func (t *trainer) pipelinePrint() string {
	if !t.endToEnd() {
		return ""
	}
	return strings.Join(t.pipeline.Fingerprints(nlu.NewTrainingData(t.p.NLU, t.p.Stories)), " ")
}

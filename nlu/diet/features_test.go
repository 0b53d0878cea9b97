package diet

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/nlu"
)

// rowsOf makes a sparse matrix with a 1 in the given column of each row; -1 leaves a row empty.
func rowsOf(width int, columns ...int) *ml.Sparse {
	s := ml.NewSparse(width, len(columns), len(columns))
	for _, c := range columns {
		if c >= 0 {
			s.Add(c, 1)
		}
		s.EndRow()
	}
	return s
}

// message has the features of two sparse featurizers, a and b, and a dense one.
func message(first, second []int) *nlu.Message {
	m := nlu.NewMessage("x")
	m.AddSparse(nlu.Text, nlu.SequenceFeatures, "a", rowsOf(2, first...))
	m.AddSparse(nlu.Text, nlu.SentenceFeatures, "a", rowsOf(2, first[0]))
	m.AddSparse(nlu.Text, nlu.SequenceFeatures, "b", rowsOf(3, second...))
	m.AddSparse(nlu.Text, nlu.SentenceFeatures, "b", rowsOf(3, second[0]))
	dense := make([][]float32, len(first))
	for i := range dense {
		dense[i] = []float32{float32(i), 7}
	}
	m.Features = append(m.Features, nlu.Features{Attribute: nlu.Text, Type: nlu.SequenceFeatures, Origin: "d", Dense: dense})
	return m
}

func TestReader(t *testing.T) {
	m := message([]int{1, -1}, []int{0, 2})
	for _, c := range []struct {
		name    string
		reader  Reader
		want    Signature
		columns [][]int32
	}{
		{"all", Reader{}, Signature{Units{5, 2}, Units{5, 0}}, [][]int32{{1, 2}, {4}}},
		{"one featurizer", Reader{Featurizers: []string{"b"}}, Signature{Units{3, 0}, Units{3, 0}}, [][]int32{{0}, {2}}},
		{"the whole only", Reader{WithoutSequence: true}, Signature{Units{}, Units{5, 0}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.reader.Signature(m, nlu.Text)
			require.Equal(t, c.want, got)
			var f Features
			f.reset(got)
			require.NoError(t, c.reader.Append(&f, m, nlu.Text))
			require.Equal(t, 1, f.Examples())
			require.Equal(t, len(c.columns), f.Sequence.Rows())
			for i, want := range c.columns {
				columns, _ := f.Sequence.Sparse.Row(i)
				require.Equal(t, want, columns)
			}
		})
	}
	require.False(t, (&Reader{Featurizers: []string{"other"}}).Present(m, nlu.Text))
	require.False(t, (&Reader{}).Present(m, nlu.Intent))
	require.Equal(t, SparseSizes{[]int{2, 3}, []int{2, 3}}, (&Reader{}).SparseSizes(m, nlu.Text))
}

func TestReaderRefuses(t *testing.T) {
	reader := &Reader{}
	var f Features
	f.reset(reader.Signature(message([]int{1}, []int{0}), nlu.Text))
	wider := message([]int{1}, []int{0})
	wider.AddSparse(nlu.Text, nlu.SequenceFeatures, "c", rowsOf(4, 0))
	require.ErrorContains(t, reader.Append(&f, wider, nlu.Text), "other features")
	uneven := message([]int{1}, []int{0})
	uneven.Features[2].Sparse = rowsOf(3, 0, 1)
	require.ErrorContains(t, reader.Append(&f, uneven, nlu.Text), "how many rows")
	// An empty text may lack the features of RegexFeaturizer, as in Rasa.
	fewer := message([]int{1}, []int{0})
	fewer.Features = fewer.Features[2:]
	require.NoError(t, reader.Append(&f, fewer, nlu.Text))
}

func TestGather(t *testing.T) {
	reader := &Reader{}
	var all, some Features
	for i, m := range []*nlu.Message{message([]int{0, 1}, []int{0, 1}), message([]int{1}, []int{2}), message([]int{-1, 0, 1}, []int{2, 1, 0})} {
		if i == 0 {
			all.reset(reader.Signature(m, nlu.Text))
			some.reset(all.Signature())
		}
		require.NoError(t, reader.Append(&all, m, nlu.Text))
	}
	picked := []int32{2, 0, 2}
	for range 2 { // the memory of the first round is used again
		some.reset(all.Signature())
		some.gather(&all, picked)
		require.Equal(t, 3, some.Examples())
		at := 0
		for k, e := range picked {
			from, to := all.Lengths.Bounds(int(e))
			for r := from; r < to; r++ {
				wantCols, wantVals := all.Sequence.Sparse.Row(r)
				cols, vals := some.Sequence.Sparse.Row(at)
				require.Equal(t, wantCols, cols)
				require.Equal(t, wantVals, vals)
				require.Equal(t, all.Sequence.Dense.Row(r), some.Sequence.Dense.Row(at))
				at++
			}
			wantCols, _ := all.Sentence.Sparse.Row(int(e))
			cols, _ := some.Sentence.Sparse.Row(k)
			require.Equal(t, wantCols, cols)
		}
		require.Equal(t, at, some.Sequence.Rows())
	}
}

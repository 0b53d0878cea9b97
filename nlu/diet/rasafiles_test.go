package diet

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// arrays are the tensors that the metadata in these tests speak of.
func arrays(t testing.TB) *weights.Set {
	set := weights.New()
	for _, name := range []string{"one", "two"} {
		require.NoError(t, set.PutFloat32(name+"_data", []float32{1, 2}, 2))
		require.NoError(t, set.PutInt32(name+"_row", []int32{1, 0}, 2))
		require.NoError(t, set.PutInt32(name+"_col", []int32{0, 2}, 2))
		require.NoError(t, set.PutFloat32(name+"_array", []float32{1, 2, 3, 4}, 2, 2))
	}
	return set
}

const (
	sparseGroup = `[{"key": "label", "components": [{"key": "sequence", "number_of_dimensions": 3, "features": [{"type": "group", "subcomponents":
		[{"type": "sparse", "key": "one", "shape": [2, 3]}, {"type": "sparse", "key": "two", "shape": [2, 3]}]}]}]}]`
	denseGroup = `[{"key": "label", "components": [{"key": "sentence", "features": [{"type": "group", "subcomponents":
		[{"type": "dense", "key": "one_array", "shape": [1, 4]}, {"type": "dense", "key": "two_array", "shape": [1, 4]}]}]}]}]`
	listGroup = `[{"key": "label", "components": [{"key": "sentence", "features": [{"type": "group", "subcomponents":
		[{"type": "group", "subcomponents": [{"type": "list", "key": "one_data"}]}, {"type": "group", "subcomponents": [{"type": "list", "key": "two_data"}]}]}]}]}]`
)

func TestNested(t *testing.T) {
	for _, c := range []struct {
		name, metadata string
		want           Signature
		lengths        []int
	}{
		{"sparse", sparseGroup, Signature{Sequence: Units{Sparse: 3}}, []int{0, 2, 4}},
		{"dense", denseGroup, Signature{Sentence: Units{Dense: 4}}, []int{0, 0, 0}},
		{"lists", listGroup, Signature{Sentence: Units{Dense: 2}}, []int{0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			meta, err := value.Decode([]byte(c.metadata))
			require.NoError(t, err)
			n, err := nestedOf(arrays(t), meta)
			require.NoError(t, err)
			f, err := n.features("label")
			require.NoError(t, err)
			require.Equal(t, c.want, f.Signature())
			require.EqualValues(t, c.lengths, f.Lengths)
		})
	}
}

func TestNestedRefuses(t *testing.T) {
	for metadata, wants := range map[string]string{
		`[1]`: "no object",
		`[{"key": "label", "components": [{"key": "sequence", "features": [{"type": "sparse", "key": "three", "shape": [1, 1]}]}]}]`:                                "three",
		`[{"key": "label", "components": [{"key": "sequence", "features": [{"type": "sparse", "key": "one", "shape": [1, 1]}]}]}]`:                                  "outside",
		`[{"key": "label", "components": [{"key": "sequence", "features": [{"type": "sparse", "key": "one", "shape": [9000000000, 3]}]}]}]`:                         "not valid",
		`[{"key": "label", "components": [{"key": "sequence", "features": [{"type": "dense", "key": "one_array", "shape": [3, 2]}]}]}]`:                             "do not make up",
		`[{"key": "label", "components": [{"key": "sequence", "features": [{"type": "rest", "key": "one"}]}]}]`:                                                     "unknown type",
		`[{"key": "label", "components": [{"key": "sentence", "features": [{"type": "group", "subcomponents": []}]}]}]`:                                             "no example",
		`[{"key": "label", "components": [{"key": "sentence", "features": [{"type": "dense", "key": "one_array", "shape": [2, 2]}]}]}]`:                             "do not go together",
		`[{"key": "label", "components": [{"key": "sentence", "features": [{"type": "group", "subcomponents": [{"type": "group", "subcomponents": [{}, {}]}]}]}]}]`: "within one example",
	} {
		t.Run(wants, func(t *testing.T) {
			meta, err := value.Decode([]byte(metadata))
			require.NoError(t, err)
			n, err := nestedOf(arrays(t), meta)
			if err == nil {
				_, err = n.features("label")
			}
			require.ErrorContains(t, err, wants)
		})
	}
}

// FuzzNested reads metadata that strangers may send in an archive: an error or features that fit together, never a panic.
func FuzzNested(f *testing.F) {
	for _, seed := range []string{sparseGroup, denseGroup, listGroup, `[]`} {
		f.Add([]byte(seed))
	}
	set := arrays(f)
	f.Fuzz(func(t *testing.T, metadata []byte) {
		if len(metadata) > 4096 {
			return
		}
		meta, err := value.Decode(metadata)
		if err != nil {
			return
		}
		n, err := nestedOf(set, meta)
		if err != nil {
			return
		}
		for attribute := range n {
			got, err := n.features(attribute)
			if err != nil {
				continue
			}
			require.Equal(t, got.Lengths.Rows(), got.Sequence.Rows())
			if got.Sentence.Rows() > 0 {
				require.Equal(t, got.Examples(), got.Sentence.Rows())
			}
		}
	})
}

// TestLoadRasaWithoutWeights tells a component that was never trained from one whose checkpoint is gone.
func TestLoadRasaWithoutWeights(t *testing.T) {
	r := &component.MemoryResource{}
	require.NoError(t, r.Put("ResponseSelector.responses.json", []byte("{}")))
	m, err := LoadRasa(Options{}, r, "ResponseSelector", false)
	require.NoError(t, err)
	require.Nil(t, m)
	require.NoError(t, r.Put("ResponseSelector.data_example_metadata.json", []byte("[]")))
	_, err = LoadRasa(Options{}, r, "ResponseSelector", false)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "ResponseSelector.weights.st")
}

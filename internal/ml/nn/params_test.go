package nn

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/f32"
)

func TestLoadTellsEverythingThatIsWrong(t *testing.T) {
	weights := source{}
	p := NewParams(1)
	small(p, 0.2)
	require.NoError(t, p.Save(weights))
	delete(weights, "text/_tf_layers/transformer/_layer_norm/gamma")
	weights["text/_tf_layers/transformer/_embedding/bias"] = array{Shape: []int{3}, Data: make([]float32, 3)}
	p = LoadParams(weights)
	small(p, 0.2)
	require.Error(t, p.Err())
	assert.Contains(t, p.Err().Error(), "reading variable text/_tf_layers/transformer/_layer_norm/gamma: ")
	assert.Contains(t, p.Err().Error(), "reading variable text/_tf_layers/transformer/_embedding/bias: ")
}

func TestSavedNetworkIsTheSame(t *testing.T) {
	trained := NewParams(1)
	layer := small(trained, 0.2)
	weights := source{}
	require.NoError(t, trained.Save(weights))
	offsets := Lengths(3, 1, 5)
	words, wholes := []Feature{{Sparse: sparseRows(9, 20)}}, []Feature{{Sparse: sparseRows(3, 10)}}
	want := layer.Forward(NewTape(), words, wholes, offsets, nil)
	for name, p := range map[string]*Params{"to infer": LoadParams(weights), "to learn on": TuneParams(weights, 2)} {
		again := small(p, 0.2)
		require.NoError(t, p.Err(), name)
		closeTo(t, want.Embedded.Elements(), again.Forward(NewTape(), words, wholes, offsets, nil).Embedded.Elements(), 1e-5, name)
	}
	tuned := TuneParams(weights, 2)
	small(tuned, 0.2)
	again := source{}
	require.NoError(t, tuned.Save(again))
	assert.Equal(t, weights, again)
}

func TestGrownKernelKeepsItsRows(t *testing.T) {
	weights := source{"s/kernel": {Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, 6}}, "s/bias": {Shape: []int{2}, Data: []float32{7, 8}}}
	p := TuneParams(weights, 1)
	p.Grow("s/kernel", []int{1, 2}, []int{2, 4})
	d := NewDenseForSparse(p, "s", 6, 2, 0)
	require.NoError(t, p.Err())
	kernel := d.kernel.mat()
	assert.Equal(t, 6, kernel.Rows)
	assert.Equal(t, []float32{1, 2}, kernel.Row(0))
	assert.Equal(t, []float32{3, 4}, kernel.Row(2))
	assert.Equal(t, []float32{5, 6}, kernel.Row(3))
	for _, r := range []int{1, 4, 5} {
		for _, x := range kernel.Row(r) {
			assert.InDelta(t, 3.5, x, 10)
			assert.NotZero(t, x)
		}
	}
}

// Every unit and every input keeps a connection, and what is not connected stays zero while it learns.
func TestConnectionsStay(t *testing.T) {
	weights := source{"d/kernel": {Shape: []int{4, 4}, Data: make([]float32, 16)}, "d/kernel_mask": {Shape: []int{4, 4}, Data: make([]float32, 16)},
		"d/bias": {Shape: []int{4}, Data: make([]float32, 4)}}
	for i := range 16 {
		weights["d/kernel"].Data[i] = 1
		weights["d/kernel_mask"].Data[i] = float32(i % 2)
	}
	for name, p := range map[string]*Params{"drawn here": NewParams(1), "of Rasa": TuneParams(weights, 1)} {
		t.Run(name, func(t *testing.T) {
			in := 4
			if name == "drawn here" {
				in = 64
			}
			d := NewDense(p, "d", in, in, DenseOptions{Density: 0.3})
			require.NoError(t, p.Err())
			before := append([]float32(nil), d.kernel.whole()...)
			tape, adam := NewTrainingTape(1), NewAdam(p, 0.1)
			y := d.Forward(tape, tape.Input(randomMat(5, in, 1)))
			tape.AddGrad(y, y.Mat)
			tape.Backward()
			adam.Step()
			after := f32.Wrap(in, in, d.kernel.whole())
			moved, rows, columns := 0, make([]int, in), make([]int, in)
			for i := range in {
				for j, x := range after.Row(i) {
					if before[i*in+j] == 0 {
						require.Zero(t, x)
						continue
					}
					rows[i]++
					columns[j]++
					if x != before[i*in+j] {
						moved++
					}
				}
			}
			assert.Positive(t, moved)
			if name == "drawn here" {
				assert.NotContains(t, rows, 0)
			}
			assert.Subset(t, []int{0, 4, 16, 32, 48, 64}, columns)
		})
	}
}

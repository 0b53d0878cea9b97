package nn

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/f32"
)

// array is an array as testdata/record.py writes it.
type array struct {
	Shape []int     `json:"shape"`
	Data  []float32 `json:"data"`
}

// mat returns the array as a matrix, its leading dimensions as rows.
func (a array) mat() f32.Mat {
	cols := a.Shape[len(a.Shape)-1]
	return f32.Wrap(len(a.Data)/cols, cols, slices.Clone(a.Data))
}

// source is a Source, and a Sink, of arrays.
type source map[string]array

func (s source) Shape(name string) []int { return s[name].Shape }

func (s source) Float32(name string, shape ...int) ([]float32, error) {
	a, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q: there is no such tensor", name)
	}
	if !slices.Equal(a.Shape, shape) {
		return nil, fmt.Errorf("tensor %q: it has the shape %v, not %v", name, a.Shape, shape)
	}
	return a.Data, nil
}

func (s source) PutFloat32(name string, data []float32, shape ...int) error {
	s[name] = array{Shape: shape, Data: slices.Clone(data)}
	return nil
}

// recorded reads the cases of a file of testdata.
func recorded[T any](t *testing.T, kind string) []T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", kind+".json"))
	require.NoError(t, err)
	var cases []T
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	return cases
}

// close compares with what TensorFlow computed, element by element.
func closeTo(t *testing.T, want []float32, got []float32, tolerance float64, what string) {
	t.Helper()
	if !assert.Len(t, got, len(want), what) {
		return
	}
	for i, x := range want {
		bound := tolerance * max(1, float64(max(x, -x)))
		if !assert.InDelta(t, x, got[i], bound, "%s, element %d", what, i) {
			return
		}
	}
}

// gradients compares the gradients of all variables of p with those that were recorded.
func compareGradients(t *testing.T, p *Params, want map[string]array) {
	t.Helper()
	for _, v := range p.Variables() {
		recorded, ok := want[v.Name]
		if !ok {
			assert.False(t, v.touched, "%s has no gradient", v.Name)
			continue
		}
		got := slices.Clone(v.gradient())
		expected := slices.Clone(recorded.Data)
		if v.mask != nil {
			// TensorFlow moves these elements too, and sets them to zero afterwards.
			f32.Mul(got, got, v.mask)
			f32.Mul(expected, expected, v.mask)
		}
		closeTo(t, expected, got, 2e-5, "gradient of "+v.Name)
	}
}

func TestTransformerAsRecorded(t *testing.T) {
	type recording struct {
		Name           string
		Unidirectional bool
		KeyRelative    bool `json:"key_relative"`
		ValueRelative  bool `json:"value_relative"`
		Density        float64
		Lengths        []int
		Variables      source
		Input          array
		Output         array
		Upstream       array
		InputGradient  array `json:"input_gradient"`
		Gradients      map[string]array
	}
	for _, c := range recorded[recording](t, "transformer") {
		build := func(p *Params) *Transformer {
			return NewTransformer(p, "", 5, TransformerOptions{Layers: 2, AttentionOptions: AttentionOptions{Units: 4, Heads: 2,
				Density: c.Density, Unidirectional: c.Unidirectional, KeyRelative: c.KeyRelative, ValueRelative: c.ValueRelative, MaxRelative: 2}})
		}
		variables := rooted(c.Variables)
		t.Run(c.Name+", inference", func(t *testing.T) {
			p := LoadParams(variables)
			layer := build(p)
			require.NoError(t, p.Err())
			tape := NewTape()
			closeTo(t, c.Output.Data, layer.Forward(tape, tape.Input(c.Input.mat()), Lengths(c.Lengths...), nil).Elements(), 1e-5, "output")
		})
		t.Run(c.Name+", training", func(t *testing.T) {
			p := TuneParams(variables, 1)
			layer := build(p)
			require.NoError(t, p.Err())
			tape := NewTrainingTape(1)
			x := tape.Input(c.Input.mat())
			tape.Watch(x)
			y := layer.Forward(tape, x, Lengths(c.Lengths...), nil)
			closeTo(t, c.Output.Data, y.Elements(), 1e-5, "output")
			tape.AddGrad(y, c.Upstream.mat())
			tape.Backward()
			dx, ok := tape.Grad(x)
			require.True(t, ok)
			closeTo(t, c.InputGradient.Data, dx.Elements(), 2e-5, "gradient of the input")
			compareGradients(t, p, rooted(c.Gradients))
		})
	}
}

// rooted returns the arrays with names that begin with a slash, as a layer with an empty path calls them.
func rooted[M ~map[string]array](m M) source {
	out := source{}
	for name, a := range m {
		out["/"+name] = a
	}
	return out
}

// csr returns the elements of m that aren't zero.
func csr(m f32.Mat) *f32.CSR {
	x := &f32.CSR{Rows: m.Rows, Cols: m.Cols, RowPtr: []int{0}}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			if v != 0 {
				x.Col, x.Val = append(x.Col, int32(j)), append(x.Val, v)
			}
		}
		x.RowPtr = append(x.RowPtr, len(x.Col))
	}
	return x
}

func TestSequenceAsRecorded(t *testing.T) {
	type recording struct {
		Name         string
		Layers       int
		HiddenLayers []int `json:"hidden_layers"`
		Lengths      []int
		Words        array
		Dense        *array
		Wholes       array
		Variables    source
		Output       array
		Hidden       array
		Upstream     array
		Gradients    map[string]array
	}
	for _, c := range recorded[recording](t, "sequence") {
		specs := []FeatureSpec{{Sparse: true}}
		words, wholes := []Feature{{Sparse: csr(c.Words.mat())}}, []Feature{{Sparse: csr(c.Wholes.mat())}}
		if c.Dense != nil {
			specs = append(specs, FeatureSpec{Units: c.Dense.Shape[1]})
			words = append(words, Feature{Dense: c.Dense.mat()})
		}
		o := SequenceOptions{FeatureOptions: FeatureOptions{DenseDimension: 6, ConcatDimension: 7, Density: 0.5, PadBatch: true}, HiddenLayers: c.HiddenLayers,
			Transformer: TransformerOptions{Layers: c.Layers, AttentionOptions: AttentionOptions{Units: 8, Heads: 2, Density: 0.5}}}
		run := func(t *testing.T, tape *Tape, p *Params) {
			layer := NewSequence(p, "text", specs, []FeatureSpec{{Sparse: true}}, o)
			require.NoError(t, p.Err())
			out := layer.Forward(tape, words, wholes, Lengths(c.Lengths...), nil)
			closeTo(t, c.Output.Data, out.Embedded.Elements(), 1e-5, "output")
			closeTo(t, c.Hidden.Data, out.Hidden.Elements(), 1e-5, "hidden")
			if tape.Training() {
				tape.AddGrad(out.Embedded, c.Upstream.mat())
				tape.Backward()
				compareGradients(t, p, c.Gradients)
			}
		}
		t.Run(c.Name+", inference", func(t *testing.T) { run(t, NewTape(), LoadParams(c.Variables)) })
		t.Run(c.Name+", training", func(t *testing.T) { run(t, NewTrainingTape(1), TuneParams(c.Variables, 1)) })
	}
}

func TestAdamAsRecorded(t *testing.T) {
	type recording struct {
		Start array
		L2    float64
		Steps []struct{ Gradient, After array }
	}
	for _, c := range recorded[recording](t, "adam") {
		p := TuneParams(source{"kernel": c.Start}, 1)
		v := p.variable("kernel", glorot, c.L2, 3, 4)
		adam := NewAdam(p, 0.001)
		for i, s := range c.Steps {
			copy(v.gradient(), s.Gradient.Data)
			adam.Step()
			closeTo(t, s.After.Data, v.Value, 1e-6, fmt.Sprint("step ", i))
		}
	}
}

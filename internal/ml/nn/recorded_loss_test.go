package nn

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched returns arrays as inputs that receive gradients.
func watched(tape *Tape, arrays ...array) []*Tensor {
	out := make([]*Tensor, len(arrays))
	for i, a := range arrays {
		out[i] = tape.Input(a.mat())
		tape.Watch(out[i])
	}
	return out
}

func compareInputGradients(t *testing.T, tape *Tape, inputs []*Tensor, want []array) {
	t.Helper()
	for i, x := range inputs {
		g, ok := tape.Grad(x)
		if !ok {
			g = tape.zeroGradOf(x)
		}
		closeTo(t, want[i].Data, g.Elements(), 1e-5, "gradient of input "+string(rune('0'+i)))
	}
}

func TestSingleLabelLossAsRecorded(t *testing.T) {
	type recording struct {
		Name                string
		Negatives           int
		Cosine              bool
		Scale               bool
		Constrain           bool
		Margin              bool
		MaxNegative         bool `json:"max_negative"`
		IDs                 []int
		Inputs, Labels, All array
		NegativeInputs      []int `json:"negative_inputs"`
		NegativeLabels      []int `json:"negative_labels"`
		Loss, Accuracy      float64
		Gradients           []array
	}
	for _, c := range recorded[recording](t, "single") {
		t.Run(c.Name, func(t *testing.T) {
			l := &SingleLabelLoss{LossOptions{Negatives: c.Negatives, Cosine: c.Cosine, ScaleLoss: c.Scale, ConstrainSimilarities: c.Constrain,
				Margin: c.Margin, MuPos: 0.8, MuNeg: -0.2, UseMaxNegative: c.MaxNegative, NegLambda: 0.5}}
			tape := NewTrainingTape(1)
			in := watched(tape, c.Inputs, c.Labels, c.All)
			allIDs := []int{0, 1, 2, 3}
			loss, accuracy := l.forward(tape, in[0], in[1], c.IDs, in[2], allIDs, nil, c.NegativeInputs, c.NegativeLabels)
			assert.InDelta(t, c.Loss, loss, 1e-5*max(1, c.Loss))
			assert.InDelta(t, c.Accuracy, accuracy, 1e-6)
			tape.Backward()
			compareInputGradients(t, tape, in, c.Gradients)
		})
	}
}

func TestMultiLabelLossAsRecorded(t *testing.T) {
	type recording struct {
		Name                string
		Negatives           int
		Cosine              bool
		Scale               bool
		IDs                 []int
		Lengths             []int
		Inputs, Labels, All array
		Drawn               []int
		Loss, Accuracy      float64
		Gradients           []array
	}
	for _, c := range recorded[recording](t, "multi") {
		t.Run(c.Name, func(t *testing.T) {
			l := &MultiLabelLoss{LossOptions{Negatives: c.Negatives, Cosine: c.Cosine, ScaleLoss: c.Scale}}
			tape := NewTrainingTape(1)
			in := watched(tape, c.Inputs, c.Labels, c.All)
			loss, accuracy := l.forward(tape, in[0], in[1], c.IDs, Lengths(c.Lengths...), in[2], []int{0, 1, 2, 3, 4}, c.Drawn)
			assert.InDelta(t, c.Loss, loss, 1e-5*max(1, c.Loss))
			assert.InDelta(t, c.Accuracy, accuracy, 1e-6)
			tape.Backward()
			compareInputGradients(t, tape, in, c.Gradients)
		})
	}
}

func TestCRFAsRecorded(t *testing.T) {
	type recording struct {
		Name                string
		Lengths             []int
		Scale               bool
		Transitions, Logits array
		Tags, Decoded       []int
		Confidences         []float32
		F1, Loss            float64
		Gradients           []array
	}
	for _, c := range recorded[recording](t, "crf") {
		t.Run(c.Name, func(t *testing.T) {
			p := TuneParams(source{"crf/transitions": c.Transitions}, 1)
			crf := NewCRF(p, "crf", 4, 0.01, c.Scale)
			require.NoError(t, p.Err())
			tape := NewTrainingTape(1)
			in := watched(tape, c.Logits)
			offsets := Lengths(c.Lengths...)

			tags, confidences := make([]int, offsets.Rows()), make([]float32, offsets.Rows())
			crf.Decode(tape, in[0], offsets, tags, confidences)
			assert.Equal(t, c.Decoded, tags)
			closeTo(t, c.Confidences, confidences, 1e-6, "confidences")
			var f1 F1
			for i, tag := range c.Tags {
				f1.Add(tag, tags[i])
			}
			assert.InDelta(t, c.F1, f1.Score(), 1e-6)

			assert.InDelta(t, c.Loss, crf.Loss(tape, in[0], offsets, c.Tags), 1e-5*max(1, c.Loss))
			compareInputGradients(t, tape, in, c.Gradients[:1])
			closeTo(t, c.Gradients[1].Data, p.Variables()[0].gradient(), 1e-5, "gradient of the transitions")
		})
	}
}

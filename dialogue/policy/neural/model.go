package neural

import (
	"context"
	"math"
	"sync"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/nn"
)

// Model is a trained network that is ready to predict. It is immutable.
type Model struct {
	spec    *Spec
	net     *network
	encoder *encoder
	// labels are the embedded labels, one a row, normalised when similarities are cosines.
	labels f32.Mat
	runs   sync.Pool
}

// NewModel makes a trained network ready. texts may be nil: then what counts by its features from
// the pipeline is not looked at.
func NewModel(s *Spec, texts *Texts) (*Model, error) {
	net, err := newNetwork(nn.LoadParams(s.Weights), s)
	if err != nil {
		return nil, err
	}
	m := &Model{spec: s, net: net, encoder: newEncoder(s)}
	m.encoder.texts = texts
	m.runs.New = func() any { return &run{tape: nn.NewTape()} }
	r := m.runs.New().(*run)
	r.batch.reset()
	labels := net.encodeLabels(r.tape, &r.batch, s.Labels)
	m.labels = f32.New(labels.Rows, labels.Cols)
	m.labels.CopyFrom(labels.Mat)
	if m.cosine() {
		f32.L2Normalize(m.labels, m.labels, l2Epsilon, nil)
	}
	return m, nil
}

const l2Epsilon = 1e-12

// Labels returns the number of labels.
func (m *Model) Labels() int { return m.labels.Rows }

// Window returns how many states Predict looks at, 0 for all.
func (m *Model) Window() int { return m.spec.MaxHistory }

// Reads reports whether an attribute occurred in training.
func (m *Model) Reads(a Attribute) bool { return m.spec.Inputs[a] != nil }

func (m *Model) cosine() bool { return m.spec.Options.SimilarityType == "cosine" }

// run is the memory of one prediction.
type run struct {
	tape  *nn.Tape
	batch batch
	turns []Turn
}

// Similarities appends to dst how similar the dialogue is to each label. States are those of the dialogue, the oldest first;
// without any there is one in which nothing happened.
func (m *Model) Similarities(ctx context.Context, states []state.State, dst []float32) ([]float32, error) {
	r := m.runs.Get().(*run)
	defer m.runs.Put(r)
	p, err := m.pass(ctx, r, states)
	if err != nil {
		return nil, err
	}
	embedded := p.embedded.Row(0)
	if m.cosine() {
		row := f32.Wrap(1, len(embedded), embedded)
		f32.L2Normalize(row, row, l2Epsilon, nil)
	}
	for i := range m.labels.Rows {
		dst = append(dst, f32.Dot(m.labels.Row(i), embedded))
	}
	return dst, nil
}

// pass lets the network look at a dialogue. What it computed lives until r is used again.
func (m *Model) pass(ctx context.Context, r *run, states []state.State) (passed, error) {
	r.tape.Reset()
	r.batch.reset()
	n := max(len(states), 1)
	if len(r.turns) < n {
		r.turns = make([]Turn, 2*n)
	}
	r.turns[0] = Turn{}
	for i := range states {
		if err := m.encoder.encode(ctx, &states[i], &r.turns[i]); err != nil {
			return passed{}, err
		}
	}
	r.batch.add(r.turns[:n], m.net.reversed)
	r.batch.askLast(m.net.reversed)
	return m.net.forward(r.tape, &r.batch), nil
}

// Confidences turns similarities into confidences, in place.
func (m *Model) Confidences(similarities []float32) {
	if m.spec.Options.Confidence != softmax {
		return
	}
	top := f32.Max(similarities)
	sum := 0.0
	for _, x := range similarities {
		sum += math.Exp(float64(x - top))
	}
	for i, x := range similarities {
		similarities[i] = float32(math.Exp(float64(x-top)) / sum)
	}
}

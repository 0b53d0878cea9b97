package diet

import (
	"errors"
	"fmt"
	"sync"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/nlu"
)

// Model is a trained network. It is immutable and may be used by several goroutines.
type Model struct {
	options Options
	state   *State
	net     *network
	reader  Reader
	// textLabels says that labels are texts (ResponseSelector with use_text_as_label).
	textLabels bool
	// weights are those the network refers to, to be written again.
	weights *weights.Set
	// inputs are the features of the text that the network reads.
	inputs Signature
	// need tells which rows of a text are computed.
	need nn.Need
	// labels has a row for each label, its embedding.
	labels f32.Mat
	// scratches hold the memory of one prediction.
	scratches sync.Pool
}

// scratch is what one prediction needs.
type scratch struct {
	tape     *nn.Tape
	features Features
	tags     []int
	scores   []float32
}

// NewModel returns a model with the given weights, to whose memory it refers. The error tells everything that is missing
// or has the wrong shape.
func NewModel(o Options, s *State, set *weights.Set, textLabels bool) (*Model, error) {
	if err := s.check(&o); err != nil {
		return nil, err
	}
	p := nn.LoadParams(set)
	m := &Model{options: o, state: s, textLabels: textLabels, weights: set, reader: Reader{Featurizers: o.Featurizers}}
	m.inputs = s.inputs(&m.options, textLabels)
	m.reader.WithoutSequence = !m.inputs.Sequence.present()
	m.net = newNetwork(p, &m.options, s, textLabels)
	if err := p.Err(); err != nil {
		return nil, err
	}
	m.need = m.needs()
	m.scratches.New = func() any { return &scratch{tape: nn.NewTape()} }
	if o.Intents {
		m.embedLabels()
	}
	return m, nil
}

// check returns why a network for o cannot be built from s.
func (s *State) check(o *Options) error {
	if !s.Text.Sequence.present() {
		return errors.New("there are no features of tokens of the text")
	}
	if !o.Intents {
		return nil
	}
	if len(s.Labels) == 0 || s.LabelFeatures.Examples() != len(s.Labels) {
		return fmt.Errorf("there are features of %d labels, and names of %d", s.LabelFeatures.Examples(), len(s.Labels))
	}
	if got := s.LabelFeatures.Signature(); got != s.Label && (got.Sequence != Units{} || got.Sentence != s.Label.Sentence) {
		return fmt.Errorf("the features of labels are %v, and not %v as those of examples", got, s.Label)
	}
	return nil
}

// embedLabels computes the embeddings of all labels once.
func (m *Model) embedLabels() {
	t := nn.NewTape()
	x := m.net.embedLabel.Forward(t, m.net.labels(t, &m.state.LabelFeatures))
	m.labels = f32.New(x.Rows, x.Cols)
	m.labels.CopyFrom(x.Mat)
	if m.options.SimilarityType == cosine {
		f32.L2Normalize(m.labels, m.labels, 1e-12, nil)
	}
}

// Labels are the names of the labels.
func (m *Model) Labels() []string { return m.state.Labels }

// FindsEntities reports whether the model has learnt entities.
func (m *Model) FindsEntities() bool { return len(m.net.taggers) > 0 }

// Prediction is what a model finds in a message.
type Prediction struct {
	// Scores are the confidences of Model.Labels; nil when the model classifies nothing.
	Scores []float32
	// Tags are those of the tokens.
	Tags tagging.Predicted
}

// Predict returns nil when the message has no features. It fails for features other than those of training.
func (m *Model) Predict(msg *nlu.Message) (*Prediction, error) {
	if !m.reader.Present(msg, nlu.Text) {
		return nil, nil
	}
	s := m.scratches.Get().(*scratch)
	defer m.scratches.Put(s)
	s.features.reset(m.inputs)
	if err := m.reader.Append(&s.features, msg, nlu.Text); err != nil {
		return nil, err
	}
	s.tape.Reset()
	return m.predict(s), nil
}

func (m *Model) predict(s *scratch) *Prediction {
	x := sequenced(s.tape, m.net.text, &s.features, m.need)
	out := &Prediction{}
	if m.options.Intents {
		last := x.Embedded.Rows - 1
		out.Scores = m.scores(s.tape, x.Embedded.SliceRows(last, last+1))
	}
	if len(m.net.taggers) > 0 {
		tokens := s.features.Lengths.Rows()
		m.tag(s, s.tape.Input(x.Embedded.SliceRows(0, tokens)), out)
	}
	return out
}

// needs returns which rows of a text have to be computed: the one for the whole text when only labels are of interest.
// With texts as labels Rasa trains on that row, but looks at that of the last token when it predicts
// (response_selector.py, DIET2DIET.batch_predict).
func (m *Model) needs() nn.Need {
	switch {
	case len(m.net.taggers) > 0:
		return nil
	case !m.textLabels:
		return nn.NeedLast
	}
	back := 1
	if m.state.Text.Sentence.present() {
		back = 2
	}
	return func(t *nn.Tape, offsets nn.Offsets, _ []int) []int {
		rows := t.Ints(1)
		rows[0] = max(offsets.Rows()-back, 0)
		return rows
	}
}

// scores compares a text, one row, with all labels.
func (m *Model) scores(t *nn.Tape, text f32.Mat) []float32 {
	x := m.net.embedText.Forward(t, t.Input(text))
	if m.options.SimilarityType == cosine {
		f32.L2Normalize(x.Mat, x.Mat, 1e-12, nil)
	}
	scores := make([]float32, m.labels.Rows)
	f32.MatMulT(f32.Wrap(1, len(scores), scores), x.Mat, m.labels, false)
	if m.options.ModelConfidence == softmax {
		f32.SoftmaxRow(scores, scores)
	}
	return scores
}

// tag fills out.Tags from the rows of the tokens.
func (m *Model) tag(s *scratch, tokens *nn.Tensor, out *Prediction) {
	n := tokens.Rows
	if cap(s.tags) < n {
		s.tags, s.scores = make([]int, 2*n), make([]float32, 2*n)
	}
	tags, confidences := s.tags[:n], s.scores[:n]
	var entities *nn.Tensor
	for i := range m.net.taggers {
		g := &m.net.taggers[i]
		x := tokens
		if g.embedTags != nil {
			x = nn.Concat(s.tape, tokens, g.embedTags.Forward(s.tape, entities))
		}
		g.crf.Decode(s.tape, g.logits.Forward(s.tape, x), s.features.Lengths, tags, confidences)
		if g.spec.Name == entityTags && len(m.net.taggers) > 1 {
			entities = oneHot(s.tape, tags, len(g.spec.Tags))
		}
		*out.tagsOf(g.spec.Name) = g.named(tags, confidences, m.options.BILOU)
	}
}

func (p *Prediction) tagsOf(kind string) *tagging.Tags {
	switch kind {
	case roleTags:
		return &p.Tags.Role
	case groupTags:
		return &p.Tags.Group
	}
	return &p.Tags.Entity
}

// named returns the tags by name and repairs them; nothing when all are outside (train_utils.entity_label_to_tags).
func (g *tagger) named(tags []int, confidences []float32, bilou bool) tagging.Tags {
	outside := true
	for _, t := range tags {
		outside = outside && t == 0
	}
	if outside {
		return tagging.Tags{}
	}
	out := tagging.Tags{Names: make([]string, len(tags)), Confidences: make([]float64, len(tags))}
	for i, t := range tags {
		out.Names[i], out.Confidences[i] = g.spec.Tags[t], float64(confidences[i])
	}
	if bilou {
		tagging.Repair(out.Names, out.Confidences)
	}
	return out
}

// oneHot returns a row for each tag with a 1 in its column.
func oneHot(t *nn.Tape, tags []int, width int) *nn.Tensor {
	x := t.Tensor(len(tags), width)
	x.Zero()
	for i, tag := range tags {
		x.Set(i, tag, 1)
	}
	return x
}

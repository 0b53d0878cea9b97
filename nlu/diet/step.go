package diet

import (
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/nlu"
)

// stepper computes the losses of batches (DIET.batch_loss).
type stepper struct {
	net       *network
	state     *State
	data      *dataset
	options   *Options
	labelLoss nn.SingleLabelLoss
	wordLoss  nn.SingleLabelLoss
	// names are those of the figures, the total loss first.
	names []string
	f1    []nn.F1
	// firstF1 is where the figures of tags begin.
	firstF1 int
	// lastF1 are the figures of the latest epoch that was decoded.
	lastF1 map[string]float64

	inputs        Signature
	batch, labels Features
	ids, allIDs   []int
	tags          [][]int
	need          nn.Need
	rows          []int
	// predicted and scores are room for decoding.
	predicted []int
	scores    []float32
}

func newStepper(net *network, s *State, d *dataset, j *Job) *stepper {
	o := &j.Options
	p := &stepper{net: net, state: s, data: d, options: o, inputs: d.text.Signature(), lastF1: map[string]float64{}}
	options := nn.LossOptions{
		Negatives: o.NegativeExamples, Cosine: o.SimilarityType == cosine, ScaleLoss: o.ScaleLoss,
		ConstrainSimilarities: o.ConstrainSimilarities, Margin: o.LossType == margin, MuPos: o.MaxPositive, MuNeg: o.MaxNegative,
		UseMaxNegative: o.UseMaxNegative, NegLambda: o.NegativeMarginScale,
	}
	p.labelLoss = nn.SingleLabelLoss{LossOptions: options}
	options.ScaleLoss = false
	p.wordLoss = nn.SingleLabelLoss{LossOptions: options}
	for i := range s.Labels {
		p.allIDs = append(p.allIDs, i)
	}
	p.names = []string{"t_loss"}
	if o.MaskedLM {
		p.names = append(p.names, "m_acc")
	}
	if o.Intents {
		p.names = append(p.names, j.LabelLetter+"_acc")
	}
	p.firstF1 = len(p.names)
	for i := range s.Tags {
		p.names = append(p.names, s.Tags[i].Name[:1]+"_f1")
	}
	show(p, p.names)
	p.f1 = make([]nn.F1, len(s.Tags))
	p.tags = make([][]int, len(s.Tags))
	if len(s.Tags) == 0 {
		p.need = func(t *nn.Tape, offsets nn.Offsets, masked []int) []int {
			p.rows = nn.NeedLast(t, offsets, masked)
			return p.rows
		}
	}
	return p
}

// run computes the losses of a batch on the tape and returns its figures; the first is the sum of the losses. Tags are
// decoded only if decode says so.
func (p *stepper) run(t *nn.Tape, examples []int32, decode bool) []component.Metric {
	p.batch.reset(p.inputs)
	p.batch.gather(&p.data.text, examples)
	x := sequenced(t, p.net.text, &p.batch, p.need)
	out := make([]component.Metric, 1, len(p.names))
	add := func(loss, figure float32) {
		out[0].Value += float64(loss)
		out = append(out, component.Metric{Value: float64(figure)})
	}
	if p.options.MaskedLM {
		add(p.words(t, x, examples))
	}
	if p.options.Intents {
		add(p.intents(t, x, examples))
	}
	if len(p.net.taggers) > 0 {
		p.entities(t, x, examples, decode, add)
	}
	show(p, out)
	for i := range out {
		out[i].Name = p.names[i]
	}
	return out
}

// show puts the figures of tags, which are in the order of learning, into that of Rasa's progress bar: groups before roles.
func show[T any](p *stepper, figures []T) {
	if n := len(figures); n-p.firstF1 == 3 {
		figures[n-2], figures[n-1] = figures[n-1], figures[n-2]
	}
}

// places returns where in x.Embedded rows of x.Hidden are; rows ascend.
func (p *stepper) places(t *nn.Tape, rows []int) []int {
	if p.need == nil {
		return rows
	}
	out := t.Ints(len(rows))[:0]
	at := 0
	for _, r := range rows {
		for p.rows[at] != r {
			at++
		}
		out = append(out, at)
	}
	return out
}

// words is the loss of the masked language model: each masked word has to be told from the others.
func (p *stepper) words(t *nn.Tape, x nn.Sequenced, examples []int32) (loss, accuracy float32) {
	if len(x.Masked) == 0 {
		return 0, 0
	}
	ids := t.Ints(len(x.Masked))[:0]
	example := 0
	for _, r := range x.Masked {
		for r >= x.Offsets[example+1] {
			example++
		}
		from := p.data.text.Lengths[examples[example]]
		ids = append(ids, int(p.data.words[from+r-x.Offsets[example]]))
	}
	predicted := p.net.embedMasked.Forward(t, nn.Gather(t, x.Embedded, p.places(t, x.Masked)))
	golden := p.net.embedGolden.Forward(t, nn.Gather(t, x.Hidden, x.Masked))
	return p.wordLoss.Forward(t, predicted, golden, ids, golden, ids, nil)
}

// intents is the loss of the labels.
func (p *stepper) intents(t *nn.Tape, x nn.Sequenced, examples []int32) (loss, accuracy float32) {
	p.ids = p.ids[:0]
	for _, e := range examples {
		p.ids = append(p.ids, int(p.data.labels[e]))
	}
	sentences := x.Embedded
	if x.Embedded.Rows != len(examples) {
		sentences = nn.Gather(t, x.Embedded, p.places(t, x.Offsets.Last(t.Ints(len(examples))[:0])))
	}
	text := p.net.embedText.Forward(t, sentences)
	all := p.net.embedLabel.Forward(t, p.net.labels(t, &p.state.LabelFeatures))
	var own *nn.Tensor
	if p.net.labelSequence == nil && !p.net.labelHidden {
		// Nothing is dropped out on the way: labels of examples are those of all.
		own = nn.Gather(t, all, p.ids)
	} else {
		p.labels.reset(p.state.Label)
		numbers := make([]int32, len(p.ids))
		for i, id := range p.ids {
			numbers[i] = int32(id)
		}
		p.labels.gather(&p.state.LabelFeatures, numbers)
		own = p.net.embedLabel.Forward(t, p.net.labels(t, &p.labels))
	}
	return p.labelLoss.Forward(t, text, own, p.ids, all, p.allIDs, nil)
}

// entities adds the losses of the tags.
func (p *stepper) entities(t *nn.Tape, x nn.Sequenced, examples []int32, decode bool, add func(loss, figure float32)) {
	tokens := nn.Gather(t, x.Embedded, tokenRows(t, x.Offsets, p.batch.Lengths))
	var entities *nn.Tensor
	for k := range p.net.taggers {
		g := &p.net.taggers[k]
		p.tags[k] = p.tags[k][:0]
		for _, e := range examples {
			from, to := p.data.text.Lengths.Bounds(int(e))
			for _, tag := range p.data.tags[k][from:to] {
				p.tags[k] = append(p.tags[k], int(tag))
			}
		}
		in := tokens
		if g.embedTags != nil {
			in = nn.Concat(t, tokens, g.embedTags.Forward(t, entities))
		}
		logits := g.logits.Forward(t, in)
		loss := g.crf.Loss(t, logits, p.batch.Lengths, p.tags[k])
		if decode {
			p.count(t, k, logits)
		}
		add(loss, float32(p.f1[k].Score()))
		if k == 0 && len(p.net.taggers) > 1 {
			entities = oneHot(t, p.tags[k], len(g.spec.Tags))
		}
	}
}

// count decodes tags and counts how many are right.
func (p *stepper) count(t *nn.Tape, k int, logits *nn.Tensor) {
	n := logits.Rows
	if cap(p.predicted) < n {
		p.predicted, p.scores = make([]int, 2*n), make([]float32, 2*n)
	}
	p.net.taggers[k].crf.Decode(t, logits, p.batch.Lengths, p.predicted[:n], p.scores[:n])
	for i, tag := range p.tags[k] {
		p.f1[k].Add(tag, p.predicted[i])
	}
}

// restartF1 forgets what was counted.
func (p *stepper) restartF1() { clear(p.f1) }

// keepF1 completes the figures of an epoch by those of the latest that was decoded, and starts counting anew.
func (p *stepper) keepF1(metrics []component.Metric) {
	counted := slices.ContainsFunc(p.f1, func(f nn.F1) bool { return f != nn.F1{} })
	for i := range metrics[p.firstF1:] {
		m := &metrics[p.firstF1+i]
		if counted {
			p.lastF1[m.Name] = m.Value
		}
		m.Value = p.lastF1[m.Name]
	}
	p.restartF1()
}

// tokenRows returns the rows of packed sequences that stand for tokens, without those for whole texts.
func tokenRows(t *nn.Tape, offsets, lengths nn.Offsets) []int {
	rows := t.Ints(lengths.Rows())[:0]
	for i := range lengths.Len() {
		for k := range lengths[i+1] - lengths[i] {
			rows = append(rows, offsets[i]+k)
		}
	}
	return rows
}

// sums add up the figures of batches.
type sums struct {
	names  []string
	totals []float64
	count  int
}

func newSums(names []string) *sums { return &sums{names: names, totals: make([]float64, len(names))} }

func (s *sums) add(m []component.Metric) {
	for i := range m {
		s.totals[i] += m[i].Value
	}
	s.count++
}

func (s *sums) means() []component.Metric {
	out := make([]component.Metric, len(s.names))
	for i, n := range s.names {
		out[i] = component.Metric{Name: n, Value: s.totals[i] / float64(max(s.count, 1))}
	}
	return out
}

// withFeatures returns the messages that can be learnt from: with a label if labels are learnt, with features.
func withFeatures(e *Examples, o *Options, r *Reader) []*nlu.Message {
	var out []*nlu.Message
	for _, m := range e.Messages {
		if o.Intents && m.Value(e.Label) == "" || !r.Present(m, nlu.Text) {
			continue
		}
		out = append(out, m)
	}
	return out
}

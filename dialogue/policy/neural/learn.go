package neural

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/component/course"
	"github.com/parleybot/parley/internal/ml/nn"
)

// lossLayer compares dialogues with labels.
type lossLayer struct {
	single *nn.SingleLabelLoss
	multi  *nn.MultiLabelLoss
}

func newLossLayer(o *Options, multiple bool) lossLayer {
	options := nn.LossOptions{
		Negatives: o.Negatives, Cosine: o.SimilarityType == "cosine", ScaleLoss: o.ScaleLoss, ConstrainSimilarities: o.Constrain,
		Margin: o.LossType == margin, MuPos: o.MaxPositive, MuNeg: o.MaxNegative, UseMaxNegative: o.UseMaxNegative,
		NegLambda: o.NegativeMargin,
	}
	if multiple {
		return lossLayer{multi: &nn.MultiLabelLoss{LossOptions: options}}
	}
	return lossLayer{single: &nn.SingleLabelLoss{LossOptions: options}}
}

// metrics are sums over the batches of an epoch.
type metrics struct {
	total, loss, accuracy, entities float32
	batches                         int
}

func (m *metrics) add(o metrics) {
	m.total, m.loss, m.accuracy, m.entities = m.total+o.total, m.loss+o.loss, m.accuracy+o.accuracy, m.entities+o.entities
	m.batches += o.batches
}

func (m *metrics) list(prefix string) []component.Metric {
	n := float64(max(m.batches, 1))
	list := []component.Metric{
		{Name: prefix + "t_loss", Value: float64(m.total) / n},
		{Name: prefix + "loss", Value: float64(m.loss) / n},
		{Name: prefix + "acc", Value: float64(m.accuracy) / n},
	}
	if m.entities != 0 {
		list = append(list, component.Metric{Name: prefix + "e_loss", Value: float64(m.entities) / n})
	}
	return list
}

// learn moves the variables (RasaModel.fit).
func (l *learner) learn(ctx context.Context) error {
	first, last, err := l.Options.batchSizes()
	if err != nil {
		return fmt.Errorf("option batch_size %w", err)
	}
	labels := l.balancing()
	random := nn.NewRandom(l.Seed + 1)
	learnt, tried := make([]int, len(l.lessons)), []int(nil)
	for i := range learnt {
		learnt[i] = i
	}
	if l.Options.EvalExamples > 0 {
		learnt, tried = hold(len(l.lessons), l.Options.EvalExamples, labels, random)
	}
	if l.Options.BatchStrategy != balanced {
		labels = nil
	}
	s := &session{learner: l, tape: nn.NewTrainingTape(l.Seed), adam: nn.NewAdam(l.params, l.Options.LearningRate),
		batches: newBatcher(learnt, labels, random), tried: tried}
	record := course.New(l.Options.TensorboardDir, l.Name, l.Options.TensorboardLevel)
	for epoch := range l.Options.Epochs {
		m, err := s.epoch(ctx, batchSize(first, last, epoch, l.Options.Epochs), record)
		if err != nil {
			return err
		}
		list := m.list("")
		if len(tried) > 0 && (epoch+1)%l.Options.EvalEpochs == 0 {
			list = append(list, s.evaluate(last)...)
		}
		record.Epoch(epoch+1, list)
		if l.Progress != nil {
			l.Progress(component.Progress{Done: epoch + 1, Total: l.Options.Epochs, Metrics: list})
		}
	}
	s.restoreBest()
	return record.Write()
}

// balancing returns the labels by which batches are balanced, nil when examples have several.
func (l *learner) balancing() []int {
	labels := make([]int, len(l.lessons))
	for i := range l.lessons {
		if len(l.lessons[i].labels) != 1 {
			return nil
		}
		labels[i] = l.lessons[i].labels[0]
	}
	return labels
}

// session is the memory of a training.
type session struct {
	*learner
	tape    *nn.Tape
	adam    *nn.Adam
	batch   batch
	batches *batcher
	numbers []int
	offsets nn.Offsets
	weights []float32
	// tried are the examples that are only tried; best are the variables that did best on them.
	tried []int
	best  checkpoint
}

func (s *session) epoch(ctx context.Context, size int, record *course.Recorder) (metrics, error) {
	var sum metrics
	order := s.batches.epoch(size)
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n := min(size, len(order))
		m := s.step(s.tape, order[:n])
		s.tape.Backward()
		s.adam.Step()
		m.total += s.params.Regularization()
		sum.add(m)
		record.Batch(s.adam.Steps(), m.list(""))
		order = order[n:]
	}
	return sum, nil
}

// step computes the loss of a batch.
func (s *session) step(t *nn.Tape, examples []int) metrics {
	t.Reset()
	s.batch.reset()
	s.numbers, s.offsets, s.weights = s.numbers[:0], append(s.offsets[:0], 0), s.weights[:0]
	for _, e := range examples {
		x := &s.lessons[e]
		s.batch.add(x.turns, s.net.reversed)
		s.numbers = append(s.numbers, x.labels...)
		s.offsets = append(s.offsets, len(s.numbers))
		for range x.labels {
			s.weights = append(s.weights, 1/float32(len(x.labels)*len(examples)))
		}
	}
	if s.net.reversed {
		s.batch.askLast(true)
	}
	all := s.net.encodeLabels(t, &s.batch, s.spec.Labels)
	labels := nn.Gather(t, all, s.numbers)
	p := s.net.forward(t, &s.batch)
	inputs := p.embedded
	m := metrics{batches: 1}
	if s.loss.multi != nil {
		m.loss, m.accuracy = s.loss.multi.Forward(t, inputs, labels, s.numbers, s.offsets, all, s.ids)
	} else {
		m.loss, m.accuracy = s.loss.single.Forward(t, inputs, labels, s.numbers, all, s.ids, s.weights)
	}
	m.total = m.loss
	if s.net.crf != nil {
		m.entities = s.entityLoss(t, examples, p)
		m.total += m.entities
	}
	return m
}

// evaluate tries the examples that are not learnt from, and keeps the variables if they never did better.
func (s *session) evaluate(size int) []component.Metric {
	t := nn.NewTape()
	var sum metrics
	for left := s.tried; len(left) > 0; {
		n := min(size, len(left))
		m := s.step(t, left[:n])
		sum.add(m)
		left = left[n:]
	}
	if s.Options.CheckpointModel {
		s.best.keep(s.params, sum)
	}
	return sum.list("val_")
}

func (s *session) restoreBest() { s.best.restore(s.params) }

// checkpoint holds the variables with the lowest loss on examples that were not learnt from.
type checkpoint struct {
	loss   float32
	values [][]float32
}

func (c *checkpoint) keep(p *nn.Params, m metrics) {
	if c.values != nil && m.loss >= c.loss {
		return
	}
	c.loss, c.values = m.loss, nil
	for _, v := range p.Variables() {
		c.values = append(c.values, append([]float32(nil), v.Value...))
	}
}

func (c *checkpoint) restore(p *nn.Params) {
	if c.values == nil {
		return
	}
	for i, v := range p.Variables() {
		copy(v.Value, c.values[i])
	}
}

package diet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/component/course"
	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/nlu"
)

// ErrFewLabels is returned for examples of fewer than two labels, from which nothing can be learnt.
var ErrFewLabels = errors.New("there must be examples of at least two labels")

// Job is one training.
type Job struct {
	// Name is that of the files about the training.
	Name    string
	Options Options
	// TextLabels says that labels are texts, which go through layers like those of the text.
	TextLabels bool
	Examples   Examples
	Env        component.Env
	// LabelLetter names the accuracy of labels: "i" for i_acc.
	LabelLetter string
	// From is an earlier model to go on from, nil for a new one; Epochs then replaces the epochs of the options.
	From   component.Resource
	Epochs int
}

// Train learns a model. It returns nil without an error when there are no examples with labels and features, as Rasa skips
// the training then; ErrFewLabels for too few labels. It stops within a part of a batch when ctx ends.
func Train(ctx context.Context, j Job) (*Model, error) {
	j.Env = j.Env.WithDefaults()
	tr, err := newTrainer(&j)
	if tr == nil || err != nil {
		return nil, err
	}
	if err := tr.run(ctx); err != nil {
		return nil, err
	}
	set, err := tr.result()
	if err != nil {
		return nil, err
	}
	return NewModel(j.Options, tr.state, set, j.TextLabels)
}

// trainer trains one network.
type trainer struct {
	job    *Job
	epochs int
	state  *State
	data   *dataset
	params *nn.Params
	adam   *nn.Adam
	tape   *nn.Tape
	random *nn.Random
	step   *stepper
	// held are the examples that are held out, train the others.
	train, held []int32
	record      *course.Recorder
	best        *checkpoint
}

// Random numbers have a stream for each purpose, so that one option does not change what another does.
const (
	orderStream uint64 = 0x6f72646572
	tapeStream  uint64 = 0x74617065
)

func newTrainer(j *Job) (*trainer, error) {
	o := &j.Options
	reader := &Reader{Featurizers: o.Featurizers}
	e := j.Examples
	s := &State{Labels: e.labelNames()}
	e.Messages = withFeatures(&e, o, reader)
	if len(s.Labels) == 0 || len(e.Messages) == 0 {
		return nil, nil
	}
	var err error
	if s.LabelFeatures, err = e.labelFeatures(s.Labels, reader); err != nil {
		return nil, err
	}
	s.Label = s.LabelFeatures.Signature()
	if o.Entities {
		s.Tags = tagSpecs(e.Tagged, o.BILOU)
	}
	if !o.Intents && len(s.Tags) == 0 {
		return nil, nil
	}
	tr := &trainer{job: j, epochs: o.Epochs, state: s}
	s.Text = reader.Signature(e.Messages[0], nlu.Text)
	s.SparseSizes = reader.SparseSizes(e.Messages[0], nlu.Text)
	if tr.data, err = newDataset(&e, o, s, s.inputs(o, j.TextLabels)); err != nil {
		return nil, err
	}
	if o.Intents && fewLabels(tr.data.labels) {
		return nil, ErrFewLabels
	}
	if err := s.check(o); err != nil {
		return nil, err
	}
	if o.ShareHiddenLayers && (!j.TextLabels || s.Text != s.Label) {
		return nil, errors.New("share_hidden_layers needs texts as labels, with the same features as the text")
	}
	return tr, tr.build()
}

// build makes network, optimiser and what goes with them.
func (tr *trainer) build() error {
	o := &tr.job.Options
	seed := uint64(tr.job.Env.Now().UnixNano())
	if o.RandomSeed != nil {
		seed = uint64(*o.RandomSeed)
	}
	var err error
	if tr.params, err = tr.variables(seed); err != nil {
		return err
	}
	wide := *o
	wide.ConnectionDensity = o.tileDensity(len(tr.state.Tags) > 0)
	net := newNetwork(tr.params, &wide, tr.state, tr.job.TextLabels)
	if err := tr.params.Err(); err != nil {
		return err
	}
	tr.adam = nn.NewAdam(tr.params, o.LearningRate)
	tr.tape = nn.NewTrainingTape(seed ^ tapeStream)
	tr.random = nn.NewRandom(seed ^ orderStream)
	tr.step = newStepper(net, tr.state, tr.data, tr.job)
	tr.train = make([]int32, tr.data.text.Examples())
	for i := range tr.train {
		tr.train[i] = int32(i)
	}
	if o.EvaluateOn > 0 {
		if tr.train, tr.held, err = split(len(tr.train), o.EvaluateOn, tr.data.labels, tr.random); err != nil {
			return fmt.Errorf("evaluate_on_number_of_examples: %w", err)
		}
	}
	tr.record = course.New(o.TensorboardDir, tr.job.Name, o.TensorboardLevel)
	return nil
}

// tileDensity returns the share of tiles to connect for a connection_density. Weights are connected in tiles of 16 x 16,
// which costs a third of single ones at the default density. A unit then shares its inputs with its neighbours; networks
// that tag tokens make up for it with half as many tiles again. On SNIPS with 20 examples an intent (mean of three seeds)
// entities have a span F1 of 0.386 that way and some 0.01 less with the bare density; intents of
// Banking77 are no better for it.
func (o *Options) tileDensity(tags bool) float64 {
	if o.ConnectionDensity >= 1 || !tags {
		return o.ConnectionDensity
	}
	return min(1.5*o.ConnectionDensity, 0.99)
}

// variables returns new variables, or those of the earlier model.
func (tr *trainer) variables(seed uint64) (*nn.Params, error) {
	if tr.job.From == nil {
		return nn.NewParams(seed), nil
	}
	tr.epochs = tr.job.Epochs
	old, set, err := read(tr.job.From)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, errors.New("the earlier model has learnt nothing to go on from")
	}
	if err := tr.state.continues(old); err != nil {
		return nil, err
	}
	p := nn.TuneParams(set, seed)
	at := layersPath + "sequence_layer.." + textKey + "/_tf_layers/feature_combining/_tf_layers/sparse_dense.."
	for kind, sizes := range map[string][2][]int{
		sequenceKey: {old.SparseSizes.Sequence, tr.state.SparseSizes.Sequence},
		sentenceKey: {old.SparseSizes.Sentence, tr.state.SparseSizes.Sentence},
	} {
		if len(sizes[1]) > 0 && !slices.Equal(sizes[0], sizes[1]) {
			p.Grow(at+kind+"/_tf_layers/sparse_to_dense/kernel", sizes[0], sizes[1])
		}
	}
	return p, nil
}

// continues returns why training on data with the state s cannot go on from a model with the state old.
func (s *State) continues(old *State) error {
	switch {
	case !slices.Equal(s.Labels, old.Labels):
		return errors.New("the labels are others than those of the earlier model")
	case !slices.EqualFunc(s.Tags, old.Tags, func(a, b TagSpec) bool { return a.Name == b.Name && slices.Equal(a.Tags, b.Tags) }):
		return errors.New("the entities, roles or groups are others than those of the earlier model")
	case s.Label != old.Label:
		return errors.New("the features of labels are others than those of the earlier model")
	}
	for _, sizes := range [][2][]int{{old.SparseSizes.Sequence, s.SparseSizes.Sequence}, {old.SparseSizes.Sentence, s.SparseSizes.Sentence}} {
		if len(sizes[0]) != len(sizes[1]) {
			return errors.New("the featurizers are others than those of the earlier model")
		}
		for i, n := range sizes[1] {
			if n < sizes[0][i] {
				return errors.New("a featurizer has fewer features than in the earlier model, because examples were removed " +
					"(this can happen with LexicalSyntacticFeaturizer); train from scratch")
			}
		}
	}
	return nil
}

func fewLabels(labels []int32) bool {
	return !slices.ContainsFunc(labels, func(l int32) bool { return l != labels[0] })
}

// run trains all epochs.
func (tr *trainer) run(ctx context.Context) error {
	o := &tr.job.Options
	labels := tr.data.labels
	if o.BatchStrategy != balanced {
		labels = nil
	}
	b := newBatcher(tr.train, labels, tr.random)
	for epoch := range tr.epochs {
		size := o.batchSize(epoch, tr.epochs)
		order := b.epoch(size)
		sums := newSums(tr.step.names)
		for k := range batches(len(order), size, o.DropSmallLastBatch) {
			decode := (epoch+1)%decodeEvery == 0 || epoch == tr.epochs-1
			m, err := tr.batch(ctx, order[k*size:min((k+1)*size, len(order))], decode)
			if err != nil {
				return err
			}
			sums.add(m)
			tr.record.Batch(tr.adam.Steps(), m)
		}
		if err := tr.endEpoch(ctx, epoch, sums); err != nil {
			return err
		}
	}
	return tr.record.Write()
}

// decodeEvery is after how many epochs tags are decoded to tell how well they are predicted: it costs as much as learning
// them. In between the latest figure is shown.
const decodeEvery = 10

// partRows is how many tokens, roughly, are computed at a time: a batch is taken in parts whose gradients add up, so that
// memory does not grow with it and stays in the processor's cache. What an example is compared with is then drawn from its
// part, which is as random as the batch.
const partRows = 512

// batch makes one step and returns the figures of its batch.
func (tr *trainer) batch(ctx context.Context, examples []int32, decode bool) ([]component.Metric, error) {
	rows := len(examples)
	for _, e := range examples {
		from, to := tr.data.text.Lengths.Bounds(int(e))
		rows += to - from
	}
	parts := max(min((rows+partRows-1)/partRows, len(examples)/minPart), 1)
	sums := newSums(tr.step.names)
	for k := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tr.tape.Reset()
		sums.add(tr.step.run(tr.tape, examples[k*len(examples)/parts:(k+1)*len(examples)/parts], decode))
		tr.tape.Backward()
	}
	if parts > 1 {
		for _, v := range tr.params.Variables() {
			f32.Scale(v.Grad(), 1/float32(parts), v.Grad())
		}
	}
	m := sums.means()
	m[0].Value += float64(tr.params.Regularization())
	tr.adam.Step()
	return m, nil
}

// minPart is the least number of examples in a part: each is compared with others.
const minPart = 32

// endEpoch evaluates, keeps the best, and reports.
func (tr *trainer) endEpoch(ctx context.Context, epoch int, sums *sums) error {
	o := &tr.job.Options
	metrics := sums.means()
	tr.step.keepF1(metrics)
	var held []component.Metric
	if len(tr.held) > 0 && (epoch+1)%o.EvaluateEvery == 0 {
		var err error
		if held, err = tr.evaluate(ctx, o.batchSize(epoch, tr.epochs)); err != nil {
			return err
		}
		if o.CheckpointModel {
			if err := tr.keepBest(held); err != nil {
				return err
			}
		}
	}
	shown := slices.Clone(metrics)
	for _, m := range held {
		shown = append(shown, component.Metric{Name: "val_" + m.Name, Value: m.Value})
	}
	tr.record.Epoch(epoch+1, shown)
	tr.job.Env.Progress(component.Progress{Done: epoch + 1, Total: tr.epochs, Metrics: shown})
	return nil
}

// evaluate returns the figures of the examples that are held out.
func (tr *trainer) evaluate(ctx context.Context, size int) ([]component.Metric, error) {
	sums := newSums(tr.step.names)
	tape := nn.NewTape()
	tr.step.restartF1()
	defer tr.step.restartF1()
	for from := 0; from < len(tr.held); from += size {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tape.Reset()
		m := tr.step.run(tape, tr.held[from:min(from+size, len(tr.held))], true)
		m[0].Value += float64(tr.params.Regularization())
		sums.add(m)
	}
	return sums.means(), nil
}

// result returns the variables of the trained network: those of the best checkpoint, or the latest.
func (tr *trainer) result() (*weights.Set, error) {
	if tr.best != nil {
		return tr.best.set, nil
	}
	return snapshot(tr.params)
}

// Fraction returns how many of the epochs a training runs that goes on from an earlier model; at least one.
func Fraction(epochs int, fraction float64) int {
	return max(int(math.Ceil(float64(epochs)*fraction)), 1)
}

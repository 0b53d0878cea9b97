package neural

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/ml/weights"
)

// Training is what a network learns from, and how.
type Training struct {
	// Name is that of the policy.
	Name    string
	Options Options
	// Featurizer and MaxHistory are those of Spec.
	Featurizer string
	MaxHistory int
	Tables     Tables
	Examples   []Example
	// Labels are the names of all labels in their order, LabelKind the attribute they are: ActionName or Intent.
	Labels    []string
	LabelKind Attribute
	// IsText has the labels that are texts of the bot.
	IsText map[string]bool
	// Multiple says that several labels may be right for an example.
	Multiple bool
	// Texts gives features of texts and names for end-to-end learning; nil for none.
	Texts *Texts
	// From is the network to go on from; nil begins anew.
	From *Spec
	// Seed decides everything that is random.
	Seed     uint64
	Progress func(component.Progress)
}

// ErrNothingToLearn is returned by Run when there are no examples.
var ErrNothingToLearn = errors.New("no data to learn from")

// Run trains a network. It stops within a batch when ctx is cancelled.
func (c *Training) Run(ctx context.Context) (*Spec, error) {
	if len(c.Examples) == 0 {
		return nil, ErrNothingToLearn
	}
	l := &learner{Training: c, numbers: make(map[string]int, len(c.Labels))}
	for i, name := range c.Labels {
		l.numbers[name] = i
	}
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	if err := l.learn(ctx); err != nil {
		return nil, err
	}
	l.spec.Weights = weights.New()
	if err := l.params.Save(l.spec.Weights); err != nil {
		return nil, err
	}
	return l.spec, nil
}

// lesson is an example with features and numbers in the place of names.
type lesson struct {
	turns  []Turn
	labels []int
	// tags are those of the tokens of the text at the end, nil for none.
	tags []int
}

// learner is a training under way.
type learner struct {
	*Training
	spec    *Spec
	lessons []lesson
	numbers map[string]int
	ids     []int
	params  *nn.Params
	net     *network
	loss    lossLayer
}

// prepare makes features of the examples and builds the network.
func (l *learner) prepare(ctx context.Context) (err error) {
	l.spec = &Spec{Options: l.Options, Featurizer: l.Featurizer, MaxHistory: l.MaxHistory, Tables: l.Tables}
	l.spec.Options.EntityRecognition = false
	if err := l.featurize(ctx); err != nil {
		return err
	}
	if err := l.featurizeLabels(ctx); err != nil {
		return err
	}
	l.prepareTags()
	l.params = nn.NewParams(l.Seed)
	l.params.Scatter()
	if l.From != nil {
		if err := l.comparable(); err != nil {
			return err
		}
		l.params = nn.TuneParams(l.From.Weights, l.Seed)
	}
	if l.net, err = newNetwork(l.params, l.spec); err != nil {
		return err
	}
	l.ids = make([]int, len(l.Labels))
	for i := range l.ids {
		l.ids[i] = i
	}
	l.loss = newLossLayer(&l.Options, l.Multiple)
	return nil
}

// comparable reports why the earlier network cannot go on with these examples.
func (l *learner) comparable() error {
	if len(l.From.Labels) != len(l.Labels) {
		return fmt.Errorf("the earlier model has %d labels and the project has %d: train it anew", len(l.From.Labels), len(l.Labels))
	}
	for a := range attributeCount {
		was, is := l.From.Inputs[a], l.spec.Inputs[a]
		if (was == nil) != (is == nil) || was != nil && *was != *is {
			return fmt.Errorf("the features of %s are not those of the earlier model: train it anew", a)
		}
	}
	return nil
}

// featurize turns states into features and notes which attributes occur.
func (l *learner) featurize(ctx context.Context) error {
	for a := range attributeCount {
		if a.encoded() {
			size, err := l.Texts.size(ctx, a)
			if err != nil {
				return fmt.Errorf("featurizing %s: %w", a, err)
			}
			if size != (Size{}) {
				l.spec.Inputs[a], l.spec.EndToEnd[a] = &size, true
				continue
			}
		}
		if !a.sequential() {
			l.spec.Inputs[a] = &Size{SentenceSparse: len(l.Tables[a])}
		}
	}
	e := newEncoder(l.spec)
	e.texts = l.Texts
	var occurs [attributeCount]bool
	same := interning{known: map[string]*Features{}}
	for i := range l.Examples {
		example := &l.Examples[i]
		turns := make([]Turn, max(len(example.States), 1))
		for j := range example.States {
			if err := e.encode(ctx, &example.States[j], &turns[j]); err != nil {
				return err
			}
			for a, f := range turns[j] {
				occurs[a] = occurs[a] || f != nil
				turns[j][a] = same.of(Attribute(a), f)
			}
		}
		numbers := make([]int, len(example.Labels))
		for j, name := range example.Labels {
			n, ok := l.numbers[name]
			if !ok {
				return fmt.Errorf("%q is not in the domain", name)
			}
			numbers[j] = n
		}
		l.lessons = append(l.lessons, lesson{turns: turns, labels: numbers})
	}
	for a := range attributeCount {
		if !occurs[a] {
			l.spec.Inputs[a], l.spec.EndToEnd[a] = nil, false
		}
	}
	return nil
}

// interning gives equal features one place, so that they are encoded once, and a number to be found by.
type interning struct {
	known map[string]*Features
	count int32
}

func (n *interning) of(a Attribute, f *Features) *Features {
	if f == nil || f.id > 0 {
		return f
	}
	key := []byte{byte(a)}
	if f.key != "" {
		key = append(append(key, '='), f.key...)
	}
	for i, col := range f.Sentence.Cols {
		key = strconv.AppendInt(append(key, ' '), int64(col), 10)
		key = strconv.AppendFloat(append(key, ':'), float64(f.Sentence.Values[i]), 'g', -1, 32)
	}
	if known := n.known[string(key)]; known != nil {
		return known
	}
	own := *f
	n.count++
	own.id = n.count
	n.known[string(key)] = &own
	return &own
}

// featurizeLabels makes the features of all labels.
func (l *learner) featurizeLabels(ctx context.Context) error {
	l.spec.Labels = make([]Turn, len(l.Labels))
	for i, name := range l.Labels {
		kind := l.LabelKind
		if l.IsText[name] {
			kind = ActionText
		}
		size, err := l.Texts.size(ctx, kind)
		if err != nil {
			return fmt.Errorf("featurizing label %q: %w", name, err)
		}
		if size != (Size{}) {
			f, err := l.Texts.features(ctx, kind, name)
			if err != nil {
				return fmt.Errorf("featurizing label %q: %w", name, err)
			}
			l.spec.Labels[i][kind], l.spec.LabelSizes[kind] = f, &size
			continue
		}
		if kind.sequential() {
			continue
		}
		numbers := make([]float32, len(l.Labels))
		numbers[i] = 1
		l.spec.Labels[i][kind] = &Features{Sentence: Row{Dense: numbers}}
		l.spec.LabelSizes[kind] = &Size{SentenceDense: len(l.Labels)}
	}
	return nil
}

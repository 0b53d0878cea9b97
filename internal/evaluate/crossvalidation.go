package evaluate

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TrainNLU trains the NLU half of a project. The function done is called when the parser is not needed any more.
type TrainNLU func(ctx context.Context, p *project.Project) (parser Parser, done func(), err error)

// Folds are the results of a cross validation.
type Folds struct {
	// Test are the results of all test parts, fold by fold.
	Test Results
	// Train and Held are the scores on the training and the test part of each fold, by what was evaluated: "intent",
	// "response_selection" or the name of an extractor.
	Train, Held map[string][]Score
}

// Score is what Rasa logs of a fold (_compute_metrics).
type Score struct{ Accuracy, F1, Precision float64 }

// CrossValidate trains a model on all folds of the NLU data but one and evaluates it on that one, for each fold
// (cross_validate); OnFold, when it is not nil, is told of each fold that begins, from 1. Each intent is spread evenly
// over the folds. random returns numbers in [0, 1).
func CrossValidate(ctx context.Context, p *project.Project, folds int, random func() float64, train TrainNLU, onFold func(fold int),
) (*Folds, error) {
	var examples []project.Example
	for _, ex := range p.NLU.Examples {
		if ex.Intent != "" && ex.Action == "" {
			examples = append(examples, ex)
		}
	}
	fold, err := stratify(examples, folds, random)
	if err != nil {
		return nil, err
	}
	all := &Folds{Train: map[string][]Score{}, Held: map[string][]Score{}}
	for f := range folds {
		if onFold != nil {
			onFold(f + 1)
		}
		var training, test []project.Example
		for i, ex := range examples {
			if fold[i] == f {
				test = append(test, ex)
			} else {
				training = append(training, ex)
			}
		}
		if err := all.fold(ctx, WithExamples(p, training), test, train); err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", f+1, folds, err)
		}
	}
	return all, nil
}

// WithExamples returns p with other training messages.
func WithExamples(p *project.Project, examples []project.Example) *project.Project {
	part, data := *p, *p.NLU
	data.Examples = examples
	part.NLU = &data
	return &part
}

func (all *Folds) fold(ctx context.Context, p *project.Project, test []project.Example, train TrainNLU) error {
	parser, done, err := train(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	for _, part := range []struct {
		examples []project.Example
		scores   map[string][]Score
		test     bool
	}{{p.NLU.Examples, all.Train, false}, {test, all.Held, true}} {
		found, err := Run(ctx, parser, part.examples)
		if err != nil {
			return err
		}
		if err := addScores(part.scores, found); err != nil {
			return err
		}
		if part.test {
			all.Test.Add(found)
		}
	}
	return nil
}

func addScores(scores map[string][]Score, found Results) error {
	add := func(name string, m Metrics) {
		scores[name] = append(scores[name], Score{m.Accuracy, m.F1, m.Precision})
	}
	if e := Labels(found.Intents); e != nil {
		add("intent", e.Metrics)
	}
	if e := Labels(found.Responses); e != nil {
		add("response_selection", e.Metrics)
	}
	list, err := Entities(found.Entities, Extractors(found.Entities))
	for _, e := range list {
		add(e.Extractor, e.Metrics)
	}
	return err
}

// asMap is what Rasa's HTTP API answers.
func (all *Folds) asMap() *value.Map {
	return value.NewMap(
		"intent_evaluation", folded(intentEvaluation(all.Test.Intents)),
		// As in Rasa the entities' results, which are by extractor, do not show up here.
		"entity_evaluation", folded(nil),
		"response_selection_evaluation", folded(responseEvaluation(all.Test.Responses)))
}

// folded is what Rasa shows of an evaluation after cross validation: it misspells the key of the F1 score, so that there
// is none.
func folded(evaluation any) *value.Map {
	m, _ := evaluation.(*value.Map)
	report := m.Map("report")
	if report == nil {
		report = &value.Map{}
	}
	wrong := m.List("errors")
	if wrong == nil {
		wrong = []any{}
	}
	return value.NewMap("report", report, "precision", report.Map("weighted avg").Value("precision"), "f1_score", nil, "errors", wrong)
}

// stratify assigns a fold to each example: the examples, intent after intent as they first appear, are dealt out in
// turn, then those of an intent change places at random (scikit-learn's StratifiedKFold with shuffle).
func stratify(examples []project.Example, folds int, random func() float64) ([]int, error) {
	if folds < 2 {
		return nil, fmt.Errorf("k-fold cross-validation requires at least one train/test split by setting n_splits=2 or more, got n_splits=%d", folds)
	}
	byIntent := map[string][]int{}
	var names []string
	for i, ex := range examples {
		name := ex.FullIntent()
		if byIntent[name] == nil {
			names = append(names, name)
		}
		byIntent[name] = append(byIntent[name], i)
	}
	largest := 0
	for _, members := range byIntent {
		largest = max(largest, len(members))
	}
	if largest < folds {
		return nil, fmt.Errorf("n_splits=%d cannot be greater than the number of members in each class", folds)
	}
	if len(names) == 0 {
		return nil, errors.New("there are no examples with an intent")
	}
	fold := make([]int, len(examples))
	next := 0
	for _, name := range names {
		members := byIntent[name]
		shuffle(members, random)
		for _, i := range members {
			fold[i] = next % folds
			next++
		}
	}
	return fold, nil
}

func shuffle[T any](list []T, random func() float64) {
	for i := len(list) - 1; i > 0; i-- {
		j := int(random() * float64(i+1))
		list[i], list[j] = list[j], list[i]
	}
}

package evaluate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// CrossValidate trains a model on all folds of the NLU data but one and evaluates it on that one, for each fold
// (cross_validate). Each intent is spread evenly over the folds. train trains the NLU half of a project; random returns
// numbers in [0, 1).
func CrossValidate(ctx context.Context, p *project.Project, folds int, random func() float64,
	train func(ctx context.Context, p *project.Project) (Parser, error)) (*value.Map, error) {
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
	var all results
	for f := range folds {
		var training, test []project.Example
		for i, ex := range examples {
			if fold[i] == f {
				test = append(test, ex)
			} else {
				training = append(training, ex)
			}
		}
		part, data := *p, *p.NLU
		data.Examples = training
		part.NLU = &data
		parser, err := train(ctx, &part)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", f+1, folds, err)
		}
		found, err := run(ctx, parser, test)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", f+1, folds, err)
		}
		all.add(found)
	}
	return value.NewMap(
		"intent_evaluation", folded(intentEvaluation(all.intents)),
		// As in Rasa the entities' results, which are by extractor, do not show up here.
		"entity_evaluation", folded(nil),
		"response_selection_evaluation", folded(responseEvaluation(all.responses))), nil
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

// stratify assigns a fold to each example.
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
	slices.SortFunc(names, cmp.Compare[string])
	fold := make([]int, len(examples))
	next := 0
	for _, name := range names {
		members := byIntent[name]
		for i := len(members) - 1; i > 0; i-- {
			j := int(random() * float64(i+1))
			members[i], members[j] = members[j], members[i]
		}
		for _, i := range members {
			fold[i] = next % folds
			next++
		}
	}
	return fold, nil
}

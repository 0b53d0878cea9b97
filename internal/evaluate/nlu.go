package evaluate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Parser understands messages. It is called concurrently.
type Parser interface {
	Parse(ctx context.Context, text string) (*value.Map, error)
}

// Prediction is the label, an intent or a response, expected and predicted for one message.
type Prediction struct {
	// Text is that of the parse data.
	Text any
	// Target is "" for a message that expects none, Label "" where Rasa has None.
	Target, Label string
	// Confidence is nil where the parse data has none.
	Confidence any
}

// Results are what one run over test data found. Lists that the data says nothing about are empty: intents and
// responses count from two of them, entities from one.
type Results struct {
	Intents, Responses []Prediction
	Entities           []EntityResult
}

// Add appends the results of another run.
func (r *Results) Add(more Results) {
	r.Intents = append(r.Intents, more.Intents...)
	r.Responses = append(r.Responses, more.Responses...)
	r.Entities = append(r.Entities, more.Entities...)
}

// noMarkup are extractors whose entities are not in the training data.
var noMarkup = []string{"DucklingEntityExtractor", "SpacyEntityExtractor"}

const fallbackIntent = "nlu_fallback"

// Run has every example understood (get_eval_data), several at a time. The results are in the order of the examples.
func Run(ctx context.Context, p Parser, examples []project.Example) (Results, error) {
	examples = slices.DeleteFunc(slices.Clone(examples), func(ex project.Example) bool { return ex.Action != "" })
	var out Results
	intents, responses := map[string]bool{}, map[string]bool{}
	entities := false
	for _, ex := range examples {
		if ex.Intent != "" {
			intents[ex.Intent] = true
			if ex.ResponseKey != "" {
				responses[ex.ResponseKey] = true
			}
		}
		entities = entities || len(ex.Entities) > 0
	}
	parsed, err := parseAll(ctx, p, examples)
	if err != nil {
		return out, err
	}
	for i, ex := range examples {
		if len(intents) >= 2 {
			out.Intents = append(out.Intents, intentOf(ex, parsed[i]))
		}
		if len(responses) >= 2 {
			out.Responses = append(out.Responses, responseOf(ex, parsed[i]))
		}
		if entities {
			out.Entities = append(out.Entities, entitiesOf(ex, parsed[i]))
		}
	}
	return out, nil
}

// parseAll parses on all processors. The error is that of the first example that has one.
func parseAll(ctx context.Context, p Parser, examples []project.Example) ([]*value.Map, error) {
	parsed, failed := make([]*value.Map, len(examples)), make([]error, len(examples))
	var next atomic.Int64
	var stop atomic.Bool
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(examples)) {
		workers.Go(func() {
			for !stop.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(examples) {
					return
				}
				if failed[i] = ctx.Err(); failed[i] == nil {
					parsed[i], failed[i] = p.Parse(ctx, examples[i].Text)
				}
				if failed[i] != nil {
					stop.Store(true)
				}
			}
		})
	}
	workers.Wait()
	for i, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("test example %d (%s): %w", i+1, examples[i].Pos, err)
		}
	}
	return parsed, nil
}

// intentOf takes the second best intent where a fallback was predicted.
func intentOf(ex project.Example, parse *value.Map) Prediction {
	intent := parse.Map("intent")
	if ranking := parse.List("intent_ranking"); intent.String("name") == fallbackIntent && len(ranking) >= 2 {
		intent, _ = ranking[1].(*value.Map)
	}
	return Prediction{parse.Value("text"), ex.Intent, intent.String("name"), intent.Value("confidence")}
}

func responseOf(ex project.Example, parse *value.Map) Prediction {
	selectors := parse.Map("response_selector")
	key := "default"
	if selectors.Has(ex.Intent) && slices.Contains(selectors.List("all_retrieval_intents"), any(ex.Intent)) {
		key = ex.Intent
	}
	response := selectors.Map(key).Map("response")
	confidence := response.Value("confidence")
	if confidence == nil {
		confidence = 0.0
	}
	return Prediction{parse.Value("text"), ex.ResponseKey, response.String("intent_response_key"), confidence}
}

// Evaluation is the comparison of one kind of labels.
type Evaluation struct {
	Metrics
	Matrix Matrix
	// Predictions are those of messages that expect a label.
	Predictions []Prediction
}

// Labels compares intents or responses; nil when none is expected. A message without a target does not count
// (evaluate_intents, evaluate_response_selections).
func Labels(list []Prediction) *Evaluation {
	e := &Evaluation{}
	var targets, found []string
	for _, r := range list {
		if r.Target != "" {
			targets, found = append(targets, r.Target), append(found, r.Label)
			e.Predictions = append(e.Predictions, r)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	e.Metrics, e.Matrix = Compare(targets, found, ""), Confusion(targets, found)
	e.addConfusions(e.Matrix, "")
	return e
}

// IntentItem is an intent's prediction as intent_errors.json and intent_successes.json have it.
func IntentItem(r Prediction) *value.Map {
	return value.NewMap("text", r.Text, "intent", r.Target,
		"intent_prediction", value.NewMap("name", r.Label, "confidence", r.Confidence))
}

// ResponseItem is a response's prediction as response_selection_errors.json and response_selection_successes.json have
// it.
func ResponseItem(r Prediction) *value.Map {
	return value.NewMap("text", r.Text, "intent_response_key_target", r.Target,
		"intent_response_key_prediction", value.NewMap("name", r.Label, "confidence", r.Confidence))
}

// Items returns the wrong predictions, or the right ones, in the form that item gives them.
func (e *Evaluation) Items(right bool, item func(Prediction) *value.Map) []any {
	out := []any{}
	for _, r := range e.Predictions {
		if (r.Target == r.Label) == right {
			out = append(out, item(r))
		}
	}
	return out
}

// asMap is Rasa's result as a whole.
func (e *Evaluation) asMap(targetKey, predictionKey string, item func(Prediction) *value.Map) any {
	if e == nil {
		return nil
	}
	predictions := []any{}
	for _, r := range e.Predictions {
		predictions = append(predictions, value.NewMap("text", r.Text, targetKey, r.Target, predictionKey, r.Label, "confidence", r.Confidence))
	}
	return value.NewMap("predictions", predictions, "report", e.Report, "precision", e.Precision, "f1_score", e.F1,
		"accuracy", e.Accuracy, "errors", e.Items(false, item))
}

func intentEvaluation(list []Prediction) any {
	return Labels(list).asMap("intent", "predicted", IntentItem)
}

func responseEvaluation(list []Prediction) any {
	return Labels(list).asMap("intent_response_key_target", "intent_response_key_prediction", ResponseItem)
}

// NLU evaluates a model on examples (run_evaluation). Parts that the examples say nothing about are null.
func NLU(ctx context.Context, p Parser, examples []project.Example) (*value.Map, error) {
	found, err := Run(ctx, p, examples)
	if err != nil {
		return nil, err
	}
	var entities any
	if len(found.Entities) > 0 {
		list, err := Entities(found.Entities, Extractors(found.Entities))
		if err != nil {
			return nil, err
		}
		all := &value.Map{}
		for _, e := range list {
			all.Set(e.Extractor, value.NewMap("report", e.Report, "precision", e.Precision, "f1_score", e.F1,
				"accuracy", e.Accuracy, "errors", e.Errors()))
		}
		entities = all
	}
	return value.NewMap("intent_evaluation", intentEvaluation(found.Intents), "entity_evaluation", entities,
		"response_selection_evaluation", responseEvaluation(found.Responses)), nil
}

// ErrOverlap is returned where an extractor whose entities must not overlap predicted some that do; Rasa stops there,
// too.
var ErrOverlap = errors.New("the possible entities should not overlap")

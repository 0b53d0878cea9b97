package evaluate

import (
	"context"
	"errors"
	"slices"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Parser understands messages.
type Parser interface {
	Parse(ctx context.Context, text string) (*value.Map, error)
}

// intentResult is the intent, or the response, expected and predicted for one message.
type intentResult struct {
	text               any
	target, prediction string
	confidence         any
}

// results are what one run over test data found. A part that the data says nothing about is nil.
type results struct {
	intents, responses []intentResult
	entities           []entityResult
	hasEntities        bool
}

func (r *results) add(more results) {
	r.intents = append(r.intents, more.intents...)
	r.responses = append(r.responses, more.responses...)
	r.entities = append(r.entities, more.entities...)
	r.hasEntities = r.hasEntities || more.hasEntities
}

// noMarkup are extractors whose entities are not in the training data.
var noMarkup = []string{"DucklingEntityExtractor", "SpacyEntityExtractor"}

const fallbackIntent = "nlu_fallback"

// run has every example understood (get_eval_data).
func run(ctx context.Context, p Parser, examples []project.Example) (results, error) {
	var out results
	intents, responses := map[string]bool{}, map[string]bool{}
	for _, ex := range examples {
		if ex.Intent != "" {
			intents[ex.Intent] = true
			if ex.ResponseKey != "" {
				responses[ex.ResponseKey] = true
			}
		}
		out.hasEntities = out.hasEntities || len(ex.Entities) > 0
	}
	for _, ex := range examples {
		if ex.Action != "" {
			continue
		}
		parse, err := p.Parse(ctx, ex.Text)
		if err != nil {
			return out, err
		}
		if len(intents) >= 2 {
			out.intents = append(out.intents, intentOf(ex, parse))
		}
		if len(responses) >= 2 {
			out.responses = append(out.responses, responseOf(ex, parse))
		}
		if out.hasEntities {
			out.entities = append(out.entities, entitiesOf(ex, parse))
		}
	}
	return out, nil
}

// intentOf takes the second best intent where a fallback was predicted.
func intentOf(ex project.Example, parse *value.Map) intentResult {
	intent := parse.Map("intent")
	if ranking := parse.List("intent_ranking"); intent.String("name") == fallbackIntent && len(ranking) >= 2 {
		intent, _ = ranking[1].(*value.Map)
	}
	return intentResult{parse.Value("text"), ex.Intent, intent.String("name"), intent.Value("confidence")}
}

func responseOf(ex project.Example, parse *value.Map) intentResult {
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
	return intentResult{parse.Value("text"), ex.ResponseKey, response.String("intent_response_key"), confidence}
}

// intentEvaluation is Rasa's result for intents (evaluate_intents), nil when there is nothing to evaluate.
func intentEvaluation(list []intentResult) any {
	return evaluation(list, "intent", "predicted", func(r intentResult) *value.Map {
		return value.NewMap("text", r.text, "intent", r.target,
			"intent_prediction", value.NewMap("name", r.prediction, "confidence", r.confidence))
	})
}

// responseEvaluation is Rasa's result for response selection (evaluate_response_selections).
func responseEvaluation(list []intentResult) any {
	return evaluation(list, "intent_response_key_target", "intent_response_key_prediction", func(r intentResult) *value.Map {
		return value.NewMap("text", r.text, "intent_response_key_target", r.target,
			"intent_response_key_prediction", value.NewMap("name", r.prediction, "confidence", r.confidence))
	})
}

func evaluation(list []intentResult, targetKey, predictionKey string, asError func(intentResult) *value.Map) any {
	if len(list) == 0 {
		return nil
	}
	var targets, found []string
	predictions, wrong := []any{}, []any{}
	for _, r := range list {
		if r.target == "" {
			continue
		}
		targets, found = append(targets, r.target), append(found, r.prediction)
		predictions = append(predictions, value.NewMap("text", r.text, targetKey, r.target, predictionKey, r.prediction, "confidence", r.confidence))
		if r.target != r.prediction {
			wrong = append(wrong, asError(r))
		}
	}
	m := Compare(targets, found, "")
	m.addConfusions(targets, found, "")
	return value.NewMap("predictions", predictions, "report", m.Report, "precision", m.Precision, "f1_score", m.F1,
		"accuracy", m.Accuracy, "errors", wrong)
}

// NLU evaluates a model on examples (run_evaluation). Parts that the examples say nothing about are null.
func NLU(ctx context.Context, p Parser, examples []project.Example) (*value.Map, error) {
	found, err := run(ctx, p, examples)
	if err != nil {
		return nil, err
	}
	entities, err := entityEvaluation(found)
	if err != nil {
		return nil, err
	}
	return value.NewMap("intent_evaluation", intentEvaluation(found.intents), "entity_evaluation", entities,
		"response_selection_evaluation", responseEvaluation(found.responses)), nil
}

var errOverlap = errors.New("the possible entities should not overlap")

package evaluate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// noEntity is the label of tokens that belong to no entity.
const noEntity = "no_entity"

// EntityResult are the entities expected and predicted in one message.
type EntityResult struct {
	Text                 any
	Targets, Predictions []any
	Tokens               []Token
}

// Token is a part of a text in code points, end exclusive.
type Token struct{ Start, End int64 }

func entitiesOf(ex project.Example, parse *value.Map) EntityResult {
	r := EntityResult{Text: parse.Value("text"), Targets: []any{}, Predictions: []any{}, Tokens: tokensOf(parse)}
	for i := range ex.Entities {
		r.Targets = append(r.Targets, ex.Entities[i].Map())
	}
	for _, e := range parse.List("entities") {
		if m, ok := e.(*value.Map); ok && !slices.Contains(noMarkup, m.String("extractor")) {
			r.Predictions = append(r.Predictions, m)
		}
	}
	return r
}

func tokensOf(parse *value.Map) []Token {
	var out []Token
	for _, t := range parse.List("text_tokens") {
		if pair, ok := t.([]any); ok && len(pair) == 2 {
			start, _ := pair[0].(int64)
			end, _ := pair[1].(int64)
			out = append(out, Token{start, end})
		}
	}
	return out
}

// Extractors returns the names of the extractors that found anything, sorted.
func Extractors(list []EntityResult) []string {
	names := map[string]bool{}
	for _, r := range list {
		for _, e := range r.Predictions {
			if m, _ := e.(*value.Map); m.String("extractor") != "" {
				names[m.String("extractor")] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// EntityEvaluation is the comparison of what one extractor found, token by token.
type EntityEvaluation struct {
	Metrics
	Extractor string
	Matrix    Matrix
	// Right and Wrong are the confidences of the tokens that it labelled right or wrong.
	Right, Wrong []float64

	list         []EntityResult
	missed, hits []bool
}

// Errors returns the messages with a wrong token as EXTRACTOR_errors.json has them.
func (e *EntityEvaluation) Errors() []any { return e.items(e.missed) }

// Successes returns the messages with a right token of an entity as EXTRACTOR_successes.json has them.
func (e *EntityEvaluation) Successes() []any { return e.items(e.hits) }

func (e *EntityEvaluation) items(which []bool) []any {
	out := []any{}
	for i, r := range e.list {
		if which[i] {
			out = append(out, value.NewMap("text", r.Text, "entities", r.Targets, "predicted_entities", r.Predictions))
		}
	}
	return out
}

// Entities compares the entities of each extractor (evaluate_entities). The error wraps ErrOverlap.
func Entities(list []EntityResult, extractors []string) ([]*EntityEvaluation, error) {
	var out []*EntityEvaluation
	for _, name := range extractors {
		e := &EntityEvaluation{Extractor: name, list: list, missed: make([]bool, len(list)), hits: make([]bool, len(list))}
		if err := e.compare(); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (e *EntityEvaluation) compare() error {
	confident := e.HasConfidences()
	var targets, predictions []string
	for i, r := range e.list {
		own := slices.DeleteFunc(slices.Clone(r.Predictions), func(p any) bool {
			m, _ := p.(*value.Map)
			return m.String("extractor") != e.Extractor
		})
		// Annotations of CRF and DIET, which are those with confidences, cannot overlap.
		if confident && overlap(own) {
			return fmt.Errorf("entities of %s in %q: %w", e.Extractor, value.Str(r.Text), ErrOverlap)
		}
		for _, t := range r.Tokens {
			best := covering(t, own)
			target, predicted := labelOf(covering(t, r.Targets)), labelOf(best)
			targets, predictions = append(targets, target), append(predictions, predicted)
			switch {
			case target != predicted:
				e.missed[i] = true
				if predicted != noEntity && confident {
					e.Wrong = append(e.Wrong, confidenceOf(best))
				}
			case target != noEntity:
				e.hits[i] = true
				if confident {
					e.Right = append(e.Right, confidenceOf(best))
				}
			}
		}
	}
	e.Metrics, e.Matrix = Compare(targets, predictions, noEntity), Confusion(targets, predictions)
	e.addConfusions(e.Matrix, noEntity)
	return nil
}

// HasConfidences reports whether the extractor is one that Rasa draws confidences of.
func (e *EntityEvaluation) HasConfidences() bool {
	return e.Extractor == "CRFEntityExtractor" || e.Extractor == "DIETClassifier"
}

// confidenceOf is the lowest of the confidences of type, role and group.
func confidenceOf(e *value.Map) float64 {
	lowest := 1.0
	for _, key := range []string{"confidence_entity", "confidence_role", "confidence_group"} {
		if c, ok := e.Value(key).(float64); ok && c != 0 {
			lowest = min(lowest, c)
		}
	}
	return lowest
}

// overlap reports whether an entity reaches into the next one of another type.
func overlap(entities []any) bool {
	sorted := slices.Clone(entities)
	slices.SortStableFunc(sorted, func(a, b any) int { return int(bounds(a).Start - bounds(b).Start) })
	for i := range len(sorted) - 1 {
		a, _ := sorted[i].(*value.Map)
		b, _ := sorted[i+1].(*value.Map)
		if bounds(b).Start < bounds(a).End && a.String("entity") != b.String("entity") {
			return true
		}
	}
	return false
}

func bounds(e any) Token {
	m, _ := e.(*value.Map)
	start, _ := m.Value("start").(int64)
	end, _ := m.Value("end").(int64)
	return Token{start, end}
}

// covering returns the entity that covers most of a token, the first of equals; nil when there is none.
func covering(t Token, entities []any) *value.Map {
	var best *value.Map
	most := int64(0)
	for _, e := range entities {
		b := bounds(e)
		if shared := min(t.End, b.End) - max(t.Start, b.Start); shared > most {
			best, _ = e.(*value.Map)
			most = shared
		}
	}
	return best
}

// labelOf joins type, group and role of an entity.
func labelOf(e *value.Map) string {
	if e == nil {
		return noEntity
	}
	var parts []string
	for _, key := range []string{"entity", "group", "role"} {
		if v := e.Value(key); value.Truthy(v) {
			parts = append(parts, value.Str(v))
		}
	}
	if len(parts) == 0 {
		return noEntity
	}
	return strings.Join(parts, ".")
}

package evaluate

import (
	"maps"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// noEntity is the label of tokens that belong to no entity.
const noEntity = "no_entity"

// entityResult are the entities expected and predicted in one message.
type entityResult struct {
	text                 any
	targets, predictions []any
	tokens               []token
}

// token is a part of a text in code points, end exclusive.
type token struct{ start, end int64 }

func entitiesOf(ex project.Example, parse *value.Map) entityResult {
	r := entityResult{text: parse.Value("text"), targets: []any{}, predictions: []any{}}
	for _, e := range ex.Entities {
		m := value.NewMap("start", int64(e.Start), "end", int64(e.End), "value", e.Value, "entity", e.Entity)
		if e.Role != "" {
			m.Set("role", e.Role)
		}
		if e.Group != "" {
			m.Set("group", e.Group)
		}
		r.targets = append(r.targets, m)
	}
	for _, e := range parse.List("entities") {
		if m, ok := e.(*value.Map); ok && !slices.Contains(noMarkup, m.String("extractor")) {
			r.predictions = append(r.predictions, m)
		}
	}
	for _, t := range parse.List("text_tokens") {
		if pair, ok := t.([]any); ok && len(pair) == 2 {
			start, _ := pair[0].(int64)
			end, _ := pair[1].(int64)
			r.tokens = append(r.tokens, token{start, end})
		}
	}
	return r
}

// entityEvaluation is Rasa's result for entities, one for each extractor that found any (evaluate_entities).
func entityEvaluation(found results) (any, error) {
	if !found.hasEntities {
		return nil, nil
	}
	extractors := map[string]bool{}
	for _, r := range found.entities {
		for _, e := range r.predictions {
			if name := e.(*value.Map).String("extractor"); name != "" {
				extractors[name] = true
			}
		}
	}
	out := &value.Map{}
	for _, extractor := range slices.Sorted(maps.Keys(extractors)) {
		one, err := extractorEvaluation(found.entities, extractor)
		if err != nil {
			return nil, err
		}
		out.Set(extractor, one)
	}
	return out, nil
}

func extractorEvaluation(list []entityResult, extractor string) (*value.Map, error) {
	// Annotations of CRF and DIET cannot overlap.
	strict := extractor == "CRFEntityExtractor" || extractor == "DIETClassifier"
	var targets, predictions []string
	wrong := []any{}
	for _, r := range list {
		own := slices.DeleteFunc(slices.Clone(r.predictions), func(e any) bool { return e.(*value.Map).String("extractor") != extractor })
		if strict && overlap(own) {
			return nil, errOverlap
		}
		missed := false
		for _, t := range r.tokens {
			target, predicted := label(t, r.targets), label(t, own)
			targets, predictions = append(targets, target), append(predictions, predicted)
			missed = missed || target != predicted
		}
		if missed {
			wrong = append(wrong, value.NewMap("text", r.text, "entities", r.targets, "predicted_entities", r.predictions))
		}
	}
	m := Compare(targets, predictions, noEntity)
	m.addConfusions(targets, predictions, noEntity)
	return value.NewMap("report", m.Report, "precision", m.Precision, "f1_score", m.F1, "accuracy", m.Accuracy, "errors", wrong), nil
}

// overlap reports whether an entity reaches into the next one of another type.
func overlap(entities []any) bool {
	sorted := slices.Clone(entities)
	slices.SortStableFunc(sorted, func(a, b any) int { return int(bounds(a).start - bounds(b).start) })
	for i := range len(sorted) - 1 {
		a, b := sorted[i].(*value.Map), sorted[i+1].(*value.Map)
		if bounds(b).start < bounds(a).end && a.String("entity") != b.String("entity") {
			return true
		}
	}
	return false
}

func bounds(e any) token {
	m, _ := e.(*value.Map)
	start, _ := m.Value("start").(int64)
	end, _ := m.Value("end").(int64)
	return token{start, end}
}

// label joins type, group and role of the entity that covers most of a token.
func label(t token, entities []any) string {
	var best *value.Map
	most := int64(0)
	for _, e := range entities {
		b := bounds(e)
		if shared := min(t.end, b.end) - max(t.start, b.start); shared > most {
			best, most = e.(*value.Map), shared
		}
	}
	if best == nil {
		return noEntity
	}
	var parts []string
	for _, key := range []string{"entity", "group", "role"} {
		if v := best.Value(key); value.Truthy(v) {
			parts = append(parts, value.Str(v))
		}
	}
	if len(parts) == 0 {
		return noEntity
	}
	return strings.Join(parts, ".")
}

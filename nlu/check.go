package nlu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/project"
)

// check returns what Rasa refuses about the list as a whole: rasa/engine/validation.py (required components,
// languages) and rasa/graph_components/validators/default_recipe_validator.py (tokenizers, aliases).
func (p *Pipeline) check(language string) []error {
	var errs []error
	have := make(map[string]bool)
	aliases := make(map[string]*step)
	var tokenizer *step
	for _, s := range p.steps {
		for _, role := range s.spec.Requires {
			if !have[role] {
				errs = append(errs, s.errorf("component %q needs %s earlier in the pipeline", s.entry.Name, withArticle(role)))
			}
		}
		if language != "" && slices.Contains(s.spec.NotLanguages, language) {
			errs = append(errs, s.errorf("component %q does not support language %q", s.entry.Name, language))
		}
		if s.spec.Has(RoleTokenizer) {
			if tokenizer != nil {
				errs = append(errs, s.errorf("component %q is a second tokenizer, after %q in %s; only one is possible",
					s.entry.Name, tokenizer.entry.Name, tokenizer.entry.Pos))
			}
			tokenizer = s
		}
		if alias := s.entry.Options.String("alias"); alias != "" && s.spec.Has(RoleFeaturizer) {
			if other := aliases[alias]; other != nil {
				errs = append(errs, s.errorf("component %q has the alias %q of component %q in %s", s.entry.Name, alias,
					other.entry.Name, other.entry.Pos))
			}
			aliases[alias] = s
		}
		for _, role := range s.spec.Provides {
			have[role] = true
		}
	}
	return errs
}

func (s *step) errorf(format string, args ...any) error {
	return &component.OptionError{Pos: s.entry.Pos.String(), Text: fmt.Sprintf(format, args...)}
}

func withArticle(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// CheckData warns about training data that no component of the pipeline uses
// (DefaultV1RecipeValidator._warn_if_some_training_data_is_unused) and about options no component knows.
func (p *Pipeline) CheckData(data *project.NLUData) project.Problems {
	var problems project.Problems
	at := project.Pos{}
	if len(p.steps) > 0 {
		at = p.steps[0].entry.Pos
	}
	uses := func(part DataParts) bool {
		return slices.ContainsFunc(p.steps, func(s *step) bool {
			t, ok := s.component.(Trainable)
			return ok && t.DependsOn()&part != 0
		})
	}
	if len(data.Regexes) > 0 && !uses(RegexData) {
		problems.Warnf(data.Regexes[0].Pos, "no component of the pipeline uses regexes; add RegexEntityExtractor or RegexFeaturizer")
	}
	if len(data.Lookups) > 0 && !uses(LookupData) {
		problems.Warnf(data.Lookups[0].Pos, "no component of the pipeline uses lookup tables; add RegexEntityExtractor or RegexFeaturizer")
	}
	if len(data.Synonyms) > 0 && !uses(SynonymData) {
		problems.Warnf(at, "no component of the pipeline uses synonyms; add EntitySynonymMapper")
	}
	return problems
}

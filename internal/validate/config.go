package validate

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// file is the place of what the whole configuration lacks.
func (c *checker) file() project.Pos { return project.Pos{File: c.p.Config.File} }

// mandatoryKeys is warn_if_config_mandatory_keys_are_not_set; reading config.yml reports a missing assistant_id.
func (c *checker) mandatoryKeys() {
	if slices.Contains(c.p.Config.Filled, "language") && c.p.Config.File != "" {
		c.add(hint, MissingConfig, c.file(), "language is missing; %q is taken, but `train` refuses to run without it", c.p.Config.Language)
	}
}

// defaultRecipe is the only recipe that is run.
const defaultRecipe = "default.v1"

// configKeys are the keys of config.yml.
var configKeys = []string{"version", "recipe", "assistant_id", "language", "pipeline", "policies", "importers", "imports", "spaces"}

// config is what training refuses or warns of before anything is learned: keys, components and policies nobody has, and
// what they lack (rasa/engine/validation.py, rasa/graph_components/validators/default_recipe_validator.py).
func (c *checker) config() {
	for key := range c.p.Config.Raw.All() {
		at := c.keyPos(key)
		known := slices.Contains(configKeys, key) || slices.ContainsFunc(c.p.Problems, func(p project.Problem) bool { return p.Pos == at })
		if !known {
			c.add(hint, Config, at, "key %q of the configuration means nothing%s", key, didYouMean(key, configKeys))
		}
	}
	if recipe := c.p.Config.Recipe; recipe != defaultRecipe {
		c.add(mistake, Config, c.keyPos("recipe"), "recipe %q is not known; use %s", recipe, defaultRecipe)
	}
	c.pipeline()
	problems := policy.Check(c.p.Config, c.p.Domain, c.p.Stories)
	for _, p := range problems {
		if p.Severity == project.Error {
			c.add(mistake, InvalidPolicies, p.Pos, "%s", p.What)
		} else {
			c.add(hint, SuspiciousPolicies, p.Pos, "%s", p.What)
		}
	}
	if !problems.HasErrors() {
		c.rules()
	}
}

// keyPos finds the line of a key of config.yml, whose values are read without the places of unknown keys.
func (c *checker) keyPos(key string) project.Pos {
	at := c.file()
	data, err := os.ReadFile(at.File)
	if err != nil {
		return at
	}
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(line, key+":") {
			at.Line, at.Col = i+1, 1
			break
		}
	}
	return at
}

// pipeline builds the components.
func (c *checker) pipeline() {
	cfg := c.p.Config
	p, err := nlu.NewPipeline(nlu.Config{Entries: cfg.Pipeline, Language: cfg.Language, Domain: c.p.Domain})
	if err != nil {
		for _, e := range each(err) {
			at, text := c.placed(e)
			c.add(mistake, InvalidPipeline, at, "%s", text)
		}
		return
	}
	for _, w := range p.Warnings() {
		c.add(hint, SuspiciousPipeline, parsePos(w.Pos), "%s", w.Text)
	}
	for _, w := range p.CheckData(c.p.NLU) {
		c.add(hint, SuspiciousPipeline, w.Pos, "%s", w.What)
	}
}

// rules trains the policies that learn rules, which finds contradictions.
func (c *checker) rules() {
	e, err := policy.NewEnsemble(c.p.Config, component.Env{})
	if err != nil {
		c.add(mistake, InvalidPolicies, c.file(), "%v", err)
		return
	}
	var data *training.Data
	for i := range e.Len() {
		if !e.UsesRules(i) || !strings.HasSuffix(e.Name(i), "RulePolicy") {
			continue
		}
		if data == nil {
			data = training.Generate(c.p.Domain, c.p.Stories, training.Options{})
		}
		err := e.TrainPolicy(c.ctx, i, data)
		var invalid interface{ Problems() project.Problems }
		switch {
		case errors.As(err, &invalid):
			for _, p := range invalid.Problems() {
				c.add(mistake, RuleConflict, p.Pos, "%s", p.What)
			}
		case err != nil && !c.foundUnknown(): // it is about an action that was reported already
			c.add(mistake, RuleConflict, c.file(), "%v", err)
		}
	}
}

// foundUnknown reports whether stories or rules name actions that do not exist.
func (c *checker) foundUnknown() bool {
	return slices.ContainsFunc(c.found, func(f Finding) bool {
		return f.Code == UnknownAction || f.Code == UnknownForm || f.Code == UnknownResponse
	})
}

// each returns the errors that err joins, or err alone.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// placed splits an error of a component into its place and the rest.
func (c *checker) placed(err error) (project.Pos, string) {
	var name *component.NameError
	var option *component.OptionError
	switch {
	case errors.As(err, &name):
		return parsePos(name.Pos), name.Text
	case errors.As(err, &option):
		return parsePos(option.Pos), option.Text
	}
	return c.file(), err.Error()
}

// parsePos is the inverse of project.Pos.String.
func parsePos(s string) project.Pos {
	if s == "-" {
		return project.Pos{}
	}
	var numbers []int
	for len(numbers) < 2 {
		i := strings.LastIndexByte(s, ':')
		n, err := strconv.Atoi(s[i+1:])
		if i < 0 || err != nil {
			break
		}
		s, numbers = s[:i], append([]int{n}, numbers...)
	}
	numbers = append(numbers, 0, 0)
	return project.Pos{File: s, Line: numbers[0], Col: numbers[1]}
}

// textOf is all that a variation says, as JSON.
func textOf(v project.Variation) string { return string(value.Encode(v.Raw, value.Unicode)) }

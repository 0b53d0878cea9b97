package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/project"
)

// NewEnsemble builds the untrained policies that cfg names. The error lists everything that is wrong.
func NewEnsemble(cfg *project.Config, env component.Env) (*Ensemble, error) {
	env = env.WithDefaults()
	e := &Ensemble{}
	var errs []error
	for i, entry := range cfg.Policies {
		c := configOf(entry, env)
		c.ID = fmt.Sprintf("%s%d", entry.Name, i)
		p, err := Policies.Build(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e.policies = append(e.policies, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("building policies: %w", err)
	}
	return e, nil
}

func configOf(entry project.Entry, env component.Env) component.Config {
	return component.Config{
		Name: entry.Name, Options: entry.Options, Pos: entry.Pos.String(), Env: env,
		At: func(key string) string { return entry.OptionPos(key).String() },
	}
}

// Check tells what is wrong with the policies of a project, as far as it can be told without training
// (DefaultV1RecipeValidator of rasa/graph_components/validators/default_recipe_validator.py, 3.6.21): unknown policies
// and options, a missing RulePolicy, rules that nobody learns, equal priorities.
func Check(cfg *project.Config, d *project.Domain, stories project.Stories) project.Problems {
	var ps project.Problems
	at := project.Pos{File: cfg.File}
	if len(cfg.Policies) == 0 {
		if len(stories) > 0 {
			ps.Warnf(at, "Found data for training policies but no policy was configured.")
		}
		return ps
	}
	hasRulePolicy, usesRules := false, false
	priorities := map[int][]string{}
	var order []int
	for _, entry := range cfg.Policies {
		p, ok := check(entry, &ps)
		if !ok {
			continue
		}
		hasRulePolicy = hasRulePolicy || p.Name() == "RulePolicy"
		usesRules = usesRules || p.UsesRules()
		if c, ok := p.(DomainChecker); ok {
			if err := c.CheckDomain(d); err != nil {
				ps = append(ps, invalidDomain(entry.OptionPos("core_fallback_action_name"), err.Error()))
			}
		}
		if len(priorities[p.Priority()]) == 0 {
			order = append(order, p.Priority())
		}
		priorities[p.Priority()] = append(priorities[p.Priority()], p.Name())
	}
	if !hasRulePolicy {
		ps.Warnf(at, "'RulePolicy' is not included in the model's policy configuration. Default intents such as 'restart' "+
			"and 'back' will not trigger actions 'action_restart' and 'action_back'.")
		if len(d.Forms) > 0 {
			ps = append(ps, invalidDomain(d.Forms[0].Pos, "You have defined a form action, but have not added the 'RulePolicy' to "+
				"your policy ensemble. Either remove all forms from your domain or add the 'RulePolicy' to your policy configuration."))
		}
	}
	for _, priority := range order {
		if names := priorities[priority]; len(names) > 1 {
			ps.Warnf(at, "Found policies '%s' with same priority %d in PolicyEnsemble. When personalizing priorities, be sure "+
				"to give all policies different priorities.", strings.Join(names, "', '"), priority)
		}
	}
	return checkRules(at, usesRules, stories, ps)
}

// invalidDomain is an error for which Rasa raises InvalidDomain.
func invalidDomain(at project.Pos, what string) project.Problem {
	return project.Problem{Pos: at, Severity: project.Error, What: what, InvalidDomain: true}
}

// check builds one policy and notes what is wrong with it.
func check(entry project.Entry, ps *project.Problems) (Component, bool) {
	c := configOf(entry, component.Env{})
	warnings, err := Policies.Check(c)
	for _, w := range warnings {
		ps.Warnf(entry.OptionPos(w.Key), "%s", w.Text)
	}
	var p Component
	if err == nil {
		p, err = Policies.Build(c)
	}
	if err == nil {
		return p, true
	}
	ps.Errorf(entry.Pos, "%s", strings.TrimPrefix(err.Error(), entry.Pos.String()+": "))
	return nil, false
}

func checkRules(at project.Pos, usesRules bool, stories project.Stories, ps project.Problems) project.Problems {
	i := slices.IndexFunc(stories, func(s project.Story) bool { return s.Rule })
	switch {
	case usesRules && i < 0:
		ps.Warnf(at, "Found a rule-based policy in your configuration but no rule-based training data. Please add rule-based "+
			"stories to your training data or remove the rule-based policy (`RulePolicy`) from your configuration.")
	case !usesRules && i >= 0:
		ps.Warnf(stories[i].Pos, "Found rule-based training data but no policy supporting rule-based data. Please add "+
			"`RulePolicy` or another rule-supporting policy to the `policies` section in `config.yml`.")
	}
	return ps
}

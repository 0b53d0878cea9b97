package validate

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/project"
)

// Options say what to look at and what counts as an error.
type Options struct {
	// MaxHistory is how many states back stories are compared (--max-history). 0 compares them to their beginning.
	MaxHistory int
	// StoriesOnly looks only for stories that contradict each other (`data validate stories`).
	StoriesOnly bool
	// FailOnWarnings makes errors of what Rasa's --fail-on-warnings fails for.
	FailOnWarnings bool
	// Strict makes errors of all mistakes, those that Rasa's check passes over included.
	Strict bool
	// BeforeTraining leaves out what training itself refuses and reports: rules, pipeline and policies.
	BeforeTraining bool
}

// Files checks the project that load names, as `data validate` does. What cannot be read is a finding; nothing else is
// looked for then. As in Rasa there must be a config file.
func Files(ctx context.Context, load project.LoadOptions, o Options) Findings {
	if load.Config == "" {
		return Findings{{Severity: project.Error, Code: InvalidFile, What: "there is no configuration file config.yml"}}
	}
	load.AnyRecipe = true
	p, err := project.Load(load)
	if err == nil {
		return Run(ctx, p, o)
	}
	if invalid, ok := invalidDomain(err); ok && o.StoriesOnly {
		// Rasa goes on with an empty domain and compares the stories all the same.
		load.Domain = nil
		if p, err = project.Load(load); err == nil {
			c := checker{Options: o}
			for _, p := range invalid {
				c.add(mistake, InvalidDomain, p.Pos, "%s", p.What)
			}
			return append(c.found, Run(ctx, p, o)...).sorted()
		}
	}
	return Problems(err)
}

// invalidDomain returns the errors among those of project.Load if the domain alone is to blame.
func invalidDomain(err error) (project.Problems, bool) {
	var ps, out project.Problems
	if !errors.As(err, &ps) {
		return nil, false
	}
	for _, p := range ps {
		if p.Severity == project.Error {
			if !p.InvalidDomain {
				return nil, false
			}
			out = append(out, p)
		}
	}
	return out, true
}

// Problems makes findings of the error of project.Load.
func Problems(err error) Findings {
	var ps project.Problems
	if !errors.As(err, &ps) {
		return Findings{{Severity: project.Error, Code: InvalidFile, What: err.Error()}}
	}
	c := checker{}
	for _, p := range ps {
		if p.Severity == project.Error {
			c.add(fails, InvalidFile, p.Pos, "%s", p.What)
		} else {
			c.add(mistake, Suspicious, p.Pos, "%s", p.What)
		}
	}
	return c.found.sorted()
}

// Run checks a project that was loaded; its Problems are among the findings. It may be called concurrently.
func Run(ctx context.Context, p *project.Project, o Options) Findings {
	c := &checker{ctx: ctx, Options: o, p: p, uses: usesOf(p)}
	if o.StoriesOnly {
		c.storyConflicts()
		c.mandatoryKeys()
		return c.found.sorted()
	}
	c.loaded()
	if p.Domain.IsEmpty() {
		c.add(fails, EmptyDomain, project.Pos{}, "the domain is empty: there are no intents, slots, responses, actions or forms in it")
		return c.found.sorted()
	}
	for _, check := range []func(){
		c.domain, c.intents, c.examples, c.annotations, c.regexes, c.stories, c.names, c.slots, c.storyConflicts,
		c.unused, c.questions, c.responses, c.mandatoryKeys,
	} {
		check()
	}
	if !o.BeforeTraining {
		c.config()
	}
	return c.found.sorted()
}

// checker collects findings about a project.
type checker struct {
	Options
	ctx   context.Context
	p     *project.Project
	uses  *uses
	found Findings
}

func (c *checker) add(l level, code Code, at project.Pos, format string, args ...any) {
	c.found = append(c.found, Finding{Pos: at, Severity: l.severity(c.Options), Code: code, What: fmt.Sprintf(format, args...)})
}

// didYouMean returns a half-sentence that names the known name nearest to name, "" when none is near.
func didYouMean(name string, known []string) string {
	if near := component.Nearest(name, known); near != "" && near != name {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

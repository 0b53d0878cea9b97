package model

import (
	"slices"

	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// withDefaultPipeline returns p with a pipeline this version can run when config.yml names none and Rasa's default one
// was filled in; the model keeps that pipeline. What was changed is told in a warning.
func (t *trainer) withDefaultPipeline(p *project.Project) *project.Project {
	if !slices.Contains(p.Config.Filled, "pipeline") {
		return p
	}
	available, note := nlu.AvailableDefaults(p.Config.Pipeline, p.NLU)
	if note == "" {
		return p
	}
	w := project.Problem{Pos: p.Config.Pipeline[0].Pos, What: note}
	t.report.Warnings = append(t.report.Warnings, w.String())
	config, with := *p.Config, *p
	config.Pipeline, with.Config = available, &config
	return &with
}

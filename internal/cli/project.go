package cli

import (
	"fmt"

	"github.com/parleybot/parley/project"
)

// loadProject reads the project that the flags of train name. Warnings are printed; errors, all of them, are returned.
func (a *app) loadProject(t *trainFlags) (*project.Project, error) {
	p, err := project.Load(project.LoadOptions{Domain: []string{t.domain}, Data: t.data, Config: t.config})
	if err != nil {
		return nil, err
	}
	for _, w := range p.Problems {
		fmt.Fprintln(a.err, "warning:", w)
	}
	return p, nil
}

// validateBefore checks the project as a whole before it is trained.
func (a *app) validateBefore(*project.Project, *trainFlags) error { return nil }

package cli

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/validate"
	"github.com/parleybot/parley/project"
)

// Where the parts of a project are by default (rasa/shared/constants.py).
const (
	defaultDomain      = "domain.yml"
	defaultConfig      = "config.yml"
	defaultData        = "data"
	defaultModels      = "models"
	defaultEndpoints   = "endpoints.yml"
	defaultCredentials = "credentials.yml"
)

// path returns given when it exists, else otherwise when that exists, else "" (rasa/cli/utils.py, get_validated_path).
func (a *app) path(given, otherwise string) string {
	switch {
	case exists(given):
		return given
	case exists(otherwise):
		if given != "" {
			a.warn(fmt.Sprintf("the path '%s' does not seem to exist; the default value '%s' is used instead", given, otherwise))
		}
		return otherwise
	}
	return ""
}

// requiredPath is path for what there must be; parameter is the flag.
func (a *app) requiredPath(given, parameter, otherwise string) (string, error) {
	if path := a.path(given, otherwise); path != "" {
		return path, nil
	}
	fmt.Fprintf(a.out, "The path '%s' does not exist. Please make sure to use the default location ('%s') or specify it "+
		"with '--%s'.\n", given, otherwise, parameter)
	return "", exitCode(exitError)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// loadForTraining reads and checks the project that the flags of train name. Warnings are printed; errors, all of
// them, are returned. Without a project and an error there is nothing to train, which has been said.
func (a *app) loadForTraining(ctx context.Context, t *trainFlags) (*project.Project, error) {
	config, err := a.requiredPath(t.config[0], "config", defaultConfig)
	if err != nil {
		return nil, err
	}
	if err := a.nameAssistant(config); err != nil {
		return nil, err
	}
	opts := project.LoadOptions{Config: config}
	if t.domain != "" {
		if domain := a.path(t.domain, defaultDomain); domain != "" {
			opts.Domain = []string{domain}
		}
	}
	for _, d := range t.data {
		if path := a.path(d, defaultData); path != "" && !slices.Contains(opts.Data, path) {
			opts.Data = append(opts.Data, path)
		}
	}
	if !t.core && len(opts.Data) == 0 {
		fmt.Fprintln(a.out, "No NLU data given. Please provide NLU data in order to train a Rasa NLU model using the '--nlu' argument.")
		return nil, nil
	}
	p, err := project.Load(opts)
	if err != nil {
		return nil, err
	}
	if t.nlu && slices.Contains(p.Config.Filled, "language") {
		fmt.Fprintf(a.out, "The config file '%s' is missing mandatory parameters: 'language'. Add missing parameters to config "+
			"file and try again.\n", config)
		return nil, exitCode(exitError)
	}
	if t.nlu && t.core && !t.skip {
		// The check before training reads what was given, not what stands in for it.
		if !exists(t.domain) {
			return nil, a.noDomain()
		}
		return p, a.validateBefore(ctx, p, &t.validation)
	}
	for _, w := range p.Problems {
		a.warn(w.String())
	}
	return p, nil
}

func (a *app) noDomain() error {
	fmt.Fprintln(a.out, "Encountered empty domain during validation.")
	return exitCode(exitError)
}

var assistantLine = regexp.MustCompile(`(?m)^assistant_id[ \t]*:.*$`)

// nameAssistant writes an assistant_id into a config file that has none, as Rasa does: events carry it, and it must
// stay the same from training to training (rasa/cli/utils.py, validate_assistant_id_in_config).
func (a *app) nameAssistant(config string) error {
	c, _ := project.LoadConfig(config)
	if c == nil || !slices.Contains(c.Filled, "assistant_id") {
		return nil // a file that cannot be read is reported with everything else
	}
	data, err := os.ReadFile(config)
	if err != nil {
		return fmt.Errorf("naming the assistant: %w", err)
	}
	env := a.env()
	line := "assistant_id: " + archive.Name(env.Now().Local(), env.Random)
	text := string(data)
	if assistantLine.MatchString(text) {
		text = assistantLine.ReplaceAllLiteralString(text, line)
	} else {
		text = strings.TrimRight(text, "\n") + "\n" + line + "\n"
	}
	if named, _ := project.ParseConfig([]byte(text), config); named == nil || slices.Contains(named.Filled, "assistant_id") {
		a.warn(config + ": assistant_id is missing, and there is no place to write one")
		return nil
	}
	a.warn(config + ": assistant_id is missing or not unique; a random one is written into the file")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return fmt.Errorf("naming the assistant: %w", err)
	}
	return nil
}

// validateBefore checks the project as a whole before it is trained.
func (a *app) validateBefore(ctx context.Context, p *project.Project, v *validation) error {
	if p.Domain.IsEmpty() {
		return a.noDomain()
	}
	o := validate.Options{FailOnWarnings: v.failOnWarnings, BeforeTraining: true}
	if v.maxHistory != nil {
		if o.MaxHistory = *v.maxHistory; o.MaxHistory < 1 {
			return notPositive("validation-max-history", o.MaxHistory)
		}
	}
	return a.showFindings(validate.Run(ctx, p, o))
}

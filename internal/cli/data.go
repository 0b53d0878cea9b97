package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/internal/validate"
	"github.com/parleybot/parley/project"
)

// validateFlags are the flags of `data validate` (rasa/cli/arguments/data.py).
type validateFlags struct {
	config, domain string
	data           []string
	maxHistory     int
	// failOnWarnings is Rasa's; strict is parley's own: it fails for what Rasa passes over, too.
	failOnWarnings, strict bool
	storiesOnly            bool
}

func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "data", Short: "Works with the files of a project", Args: cobra.NoArgs, RunE: showHelp}
	all := a.validateCommand("validate", "Checks domain and training data for mistakes", validateFlags{})
	all.AddCommand(a.validateCommand("stories", "Looks for stories that contradict each other", validateFlags{storiesOnly: true}))
	cmd.AddCommand(all, later("convert"), later("split"), later("migrate"))
	return cmd
}

func (a *app) validateCommand(use, short string, v validateFlags) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	f := cmd.Flags()
	f.IntVar(&v.maxHistory, "max-history", 0, "turns to look back at when stories are compared (default: all)")
	f.StringVarP(&v.config, "config", "c", defaultConfig, "policies and NLU pipeline of the bot")
	f.BoolVar(&v.failOnWarnings, "fail-on-warnings", false, "fail for the warnings that Rasa fails for with this option")
	f.BoolVar(&v.strict, "strict", false, "fail for all mistakes, those that Rasa passes over included")
	f.StringVarP(&v.domain, "domain", "d", defaultDomain, "domain file, or a folder of them")
	listVar(f, &v.data, "data", []string{defaultData}, "files and folders with training data")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("max-history") && v.maxHistory < 1 {
			return notPositive("max-history", v.maxHistory)
		}
		return a.validate(cmd, &v)
	}
	return cmd
}

func notPositive(flag string, value int) error {
	return fmt.Errorf("the value of --%s, %d, is not a positive integer", flag, value)
}

func (a *app) validate(cmd *cobra.Command, v *validateFlags) error {
	domain, err := a.requiredPath(v.domain, "domain", defaultDomain)
	if err != nil {
		return err
	}
	load := project.LoadOptions{Domain: []string{domain}, Data: v.data, Config: a.path(v.config, defaultConfig)}
	return a.showFindings(validate.Files(cmd.Context(), load, validate.Options{
		MaxHistory: v.maxHistory, StoriesOnly: v.storiesOnly, FailOnWarnings: v.failOnWarnings, Strict: v.strict,
	}))
}

// showFindings prints what a check found and returns its exit code.
func (a *app) showFindings(found validate.Findings) error {
	fmt.Fprint(a.err, found.String())
	if code := found.ExitCode(); code != exitOK {
		fmt.Fprintln(a.out, "Project validation completed with errors.")
		return exitCode(code)
	}
	return nil
}

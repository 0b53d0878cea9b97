// Package cli holds parley's commands, one file a command, with the names, flags and exit codes of Rasa 3.6.21
// (rasa/cli).
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	_ "github.com/parleybot/parley/standard"
)

// RasaVersion is the version of Rasa whose behaviour, API and project format parley has.
const RasaVersion = "3.6.21"

// The exit codes of argparse and of Rasa's commands.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// exitCode is an error that ends the process with a code of its own. Nothing is printed for it: whoever returns it
// has said what there was to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in the command line itself.
type usageError struct{ error }

// app is what the commands share.
type app struct {
	in       io.Reader
	out, err io.Writer
	version  string
	logs     logFlags
	log      *slog.Logger
	warned   map[string]bool
}

// Run runs the command line args (without the program's name) and returns the exit code. It returns early when ctx
// ends.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, version string) int {
	a := &app{in: in, out: out, err: errOut, version: version}
	root := a.root()
	root.SetArgs(expandArgs(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	return a.exit(cmd, err)
}

func (a *app) exit(cmd *cobra.Command, err error) int {
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage), isUnknownCommand(err):
		fmt.Fprintf(a.err, "%s\n%s: error: %v\n", strings.TrimRight(cmd.UsageString(), "\n"), cmd.CommandPath(), err)
		return exitUsage
	}
	fmt.Fprintln(a.err, err)
	return exitError
}

// isUnknownCommand recognises cobra's own error for a command that does not exist, which has no type.
func isUnknownCommand(err error) bool { return strings.HasPrefix(err.Error(), "unknown command ") }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "parley",
		Short:         "Trains and serves Rasa Open Source 3.x projects",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       a.version,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.openLog()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Like Rasa: without a command there is help, and a code that tells scripts that nothing was done.
			return errors.Join(cmd.Help(), exitCode(exitError))
		},
		Args: cobra.NoArgs,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("Parley Version    : {{.Version}}\nRasa Compatibility: " + RasaVersion + "\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.CountVarP(&a.logs.verbose, "verbose", "v", "log at level INFO; twice for DEBUG")
	flags.BoolVar(&a.logs.debug, "debug", false, "log at level DEBUG (the same as -vv)")
	flags.BoolVar(&a.logs.quiet, "quiet", false, "log at level WARNING")
	flags.StringVar(&a.logs.level, "log-level", "", "level to log at: DEBUG, INFO, WARNING or ERROR (default: LOG_LEVEL of the environment, or INFO)")
	flags.String("logging-config-file", "", "not available: it configures Python's loggers")
	a.add(root)
	return root
}

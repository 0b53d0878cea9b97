package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// laterCommands are Rasa's commands that this version does not have.
var laterCommands = []string{"interactive", "visualize", "x", "evaluate", "telemetry"}

// later is a command of Rasa's that this version does not have: whatever follows it, it says so, with the exit code of
// an unknown command.
func later(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, DisableFlagParsing: true, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError{fmt.Errorf("%q is a command of Rasa that this version of parley does not have", cmd.CommandPath())}
		},
	}
}

// runActionsCommand is `run actions`, which is Rasa's way to start its SDK.
func runActionsCommand() *cobra.Command {
	cmd := later("actions")
	cmd.RunE = func(*cobra.Command, []string) error {
		return usageError{fmt.Errorf("this version of parley does not run action servers; start Rasa's SDK with " +
			"`python -m rasa_sdk --actions actions` and name it as action_endpoint in endpoints.yml")}
	}
	return cmd
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

package cli

import "github.com/spf13/cobra"

// add adds all commands.
func (a *app) add(root *cobra.Command) {
	root.AddCommand(a.initCommand(), a.trainCommand(), a.runCommand(), a.shellCommand(), a.dataCommand(), a.testCommand(), a.compatCommand(), a.trackerCommand(),
		a.exportCommand())
	for _, name := range laterCommands {
		root.AddCommand(later(name))
	}
}

package cli

import "github.com/spf13/cobra"

// add adds all commands.
func (a *app) add(root *cobra.Command) {
	root.AddCommand(a.trainCommand(), a.runCommand(), a.compatCommand())
}

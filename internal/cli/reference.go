package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Root returns all commands with their flags, for the reference page. They are not meant to be run.
func Root() *cobra.Command {
	return (&app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}).root()
}

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/conformance/compat"
)

// compatCommand is `parley compat`: proving that parley does what a running Rasa did.
func (a *app) compatCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compat",
		Short: "Records conversations of a running Rasa and proves that parley has them alike",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(a.compatCheckCommand(), a.compatRecordCommand())
	return cmd
}

type compatCheck struct {
	suite         compat.Suite
	command, only string
	names, json   string
}

func (a *app) compatCheckCommand() *cobra.Command {
	var c compatCheck
	cmd := &cobra.Command{
		Use:   "check --bots DIR --recorded DIR",
		Short: "Replays recorded conversations and names the first difference of each",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkCompat(cmd, &c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.suite.Bots, "bots", "", "folder with one project a bot")
	f.StringVar(&c.suite.Recorded, "recorded", "", "folder with BOT.jsonl or BOT.jsonl.gz for each bot")
	f.StringVar(&c.suite.Models, "models", "", "folder with BOT.tar.gz: serve these models instead of training")
	f.StringVar(&c.command, "cmd", "", "what to train and serve with (default: this parley)")
	f.StringVar(&c.only, "only", "", "bots to check, separated by commas")
	f.StringVar(&c.names, "names", "", "regular expression for the names of the conversations to check")
	f.StringVar(&c.json, "json", "", "file that gets the counts of each bot")
	f.Float64Var(&c.suite.Tolerance, "tolerance", 1e-6, "how far numbers may differ")
	f.IntVar(&c.suite.Parallel, "parallel", 4, "conversations at a time")
	f.IntVar(&c.suite.Show, "show", 3, "differences to print for each bot")
	for _, name := range []string{"bots", "recorded"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flags were added above
		}
	}
	return cmd
}

func (a *app) checkCompat(cmd *cobra.Command, c *compatCheck) error {
	c.suite.Out = a.out
	if c.only != "" {
		c.suite.Only = strings.Split(c.only, ",")
	}
	if c.names != "" {
		names, err := regexp.Compile(c.names)
		if err != nil {
			return usageError{fmt.Errorf("--names: %w", err)}
		}
		c.suite.Names = names
	}
	c.suite.Command = strings.Fields(c.command)
	if len(c.suite.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
		c.suite.Command = []string{self}
	}
	results, err := c.suite.Run(cmd.Context())
	if err != nil {
		return err
	}
	if err := writeCounts(c.json, results); err != nil {
		return err
	}
	identical, total := compat.Sum(results)
	fmt.Fprintf(a.out, "identical %d of %d conversations\n", identical, total)
	if total == 0 || identical != total {
		return exitCode(exitError)
	}
	return nil
}

func writeCounts(path string, results []compat.Result) error {
	if path == "" {
		return nil
	}
	counts := map[string][2]int{}
	for _, r := range results {
		counts[r.Bot] = [2]int{r.Identical, r.Total}
	}
	data, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("writing the counts: %w", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("writing the counts: %w", err)
	}
	return nil
}

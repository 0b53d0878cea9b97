// Command models measures what models cost and how good they are: `make bench-models`, from the root of the repository,
// after `make build`.
//
// Without arguments it trains and serves a bot of the project with the default pipeline and policies. Given data sets
// in Rasa's format (-data) it trains the pipelines of table.go on them and tests them; given an archive that Rasa
// trained (-archive) it serves it. Rasa's own figures, where there are any, are beside. Everything runs in processes of
// their own, whose processor time and peak memory the system tells, so that other work on the machine matters little.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

// bench is one run.
type bench struct {
	parley, bot, archive, data string
	only                       string
	seeds                      []int
	dir                        string
}

func main() {
	b := bench{}
	seeds := flag.String("seeds", "42", "random seeds to train with; accuracies are means")
	flag.StringVar(&b.parley, "parley", "bin/parley", "the binary to measure")
	flag.StringVar(&b.bot, "bot", "examples/starter", "the bot to train with the default pipeline and policies")
	flag.StringVar(&b.archive, "archive", "", "an archive trained by Rasa to serve")
	flag.StringVar(&b.data, "data", "", "folder with data sets: NAME/train.yml, NAME/test.yml and others that table.go names")
	flag.StringVar(&b.only, "only", "", "measure only rows of -data whose name has this in it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := b.parseSeeds(*seeds)
	if err == nil {
		err = b.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-models:", err)
		os.Exit(1)
	}
}

func (b *bench) parseSeeds(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("reading -seeds: %w", err)
		}
		b.seeds = append(b.seeds, n)
	}
	return nil
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.parley, err = filepath.Abs(b.parley); err != nil {
		return fmt.Errorf("finding the binary: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "parley-models-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(b.dir) //nolint:errcheck // a temporary folder
	multiply()
	steps := []func(context.Context) error{b.defaultBot}
	if b.archive != "" {
		steps = append(steps, b.archiveOfRasa)
	}
	if b.data != "" {
		steps = append(steps, b.dataSets)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// figure prints a line; rasa is what Rasa needs for the same, "" when that was not measured.
func figure(name, value, rasa string) {
	if rasa != "" {
		rasa = "   (Rasa " + rasa + ")"
	}
	fmt.Printf("%-58s %14s%s\n", name, value, rasa)
}

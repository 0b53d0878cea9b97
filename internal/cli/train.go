package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
)

// exitForced is the bit of the dry run's exit code that tells that training was forced.
const exitForced = 8

// trainFlags are the flags of `train`, `train core` and `train nlu` (rasa/cli/arguments/train.py).
type trainFlags struct {
	data           []string
	config, domain string
	out, fixedName string
	dryRun, force  bool
	augmentation   int
	persistNLUData bool
	finetune       string
	finetuning     func() bool
	// nlu and core are the halves that the command trains.
	nlu, core bool
	validation
}

// validation are the flags of the check before training.
type validation struct {
	skip, failOnWarnings bool
	maxHistory           int
}

func (a *app) trainCommand() *cobra.Command {
	cmd := a.trainHalf("train", "Trains a model on the project's NLU data and stories", trainFlags{nlu: true, core: true})
	cmd.AddCommand(
		a.trainHalf("core", "Trains a dialogue model on the project's stories", trainFlags{core: true}),
		a.trainHalf("nlu", "Trains an NLU model on the project's NLU data", trainFlags{nlu: true}),
	)
	return cmd
}

func (a *app) trainHalf(use, short string, t trainFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.train(cmd.Context(), &t) },
	}
	f := cmd.Flags()
	t.add(f, use)
	t.finetuning = func() bool { return f.Changed("finetune") }
	return cmd
}

func (t *trainFlags) add(f *pflag.FlagSet, use string) {
	f.StringVarP(&t.config, "config", "c", "config.yml", "policies and NLU pipeline of the bot")
	f.StringVarP(&t.domain, "domain", "d", "domain.yml", "domain file, or a folder of them")
	f.StringVar(&t.out, "out", "models", "folder for the model")
	f.StringVar(&t.fixedName, "fixed-model-name", "", "name of the model file")
	f.Int("num-threads", 0, "accepted for Rasa's sake; training uses what the machine has")
	optionalVar(f, &t.finetune, "finetune", "go on from an earlier model (default: the newest in --out)")
	f.Float64("epoch-fraction", 1, "share of the configured epochs when finetuning")
	switch use {
	case "core":
		listVar(f, &t.data, "stories", []string{"data"}, "files and folders with stories and rules")
	case "nlu":
		listVar(f, &t.data, "nlu", []string{"data"}, "files and folders with NLU data")
	default:
		listVar(f, &t.data, "data", []string{"data"}, "files and folders with training data")
		f.BoolVar(&t.skip, "skip-validation", false, "do not check the project before")
		f.BoolVar(&t.failOnWarnings, "fail-on-validation-warnings", false, "stop at warnings of the check, too")
		f.IntVar(&t.maxHistory, "validation-max-history", 0, "turns to look back at when stories are compared (default: all)")
		f.String("endpoints", "endpoints.yml", "accepted for Rasa's sake")
	}
	if t.core {
		f.IntVar(&t.augmentation, "augmentation", model.DefaultAugmentation, "how many stories to glue together for policies that learn")
		f.Bool("debug-plots", false, "not available: stories are not plotted")
	}
	if use != "nlu" {
		f.BoolVar(&t.dryRun, "dry-run", false, "only tell whether training is needed; bits of the exit code: 1 needed, 8 forced")
		f.BoolVar(&t.force, "force", false, "train everything, even what did not change")
	}
	if use != "core" {
		f.BoolVar(&t.persistNLUData, "persist-nlu-data", false, "keep the NLU data in the model")
	}
}

// train is the command itself. What it prints is what Rasa prints; exit codes are Rasa's.
func (a *app) train(ctx context.Context, t *trainFlags) error {
	p, err := a.loadProject(t)
	if err != nil {
		return err
	}
	if err := a.validateBefore(p, t); err != nil {
		return err
	}
	if err := a.checkFinetune(t); err != nil {
		return err
	}
	prefix := a.chooseHalves(p, t)
	if !t.nlu && !t.core {
		return nil
	}
	previous := a.previousModel(t)
	if t.dryRun {
		return a.dryRun(ctx, p, t, previous)
	}
	trained, report, err := model.Train(ctx, p, a.trainOptions(t, previous))
	if err != nil {
		return err
	}
	a.reportTraining(report)
	path := filepath.Join(t.out, t.fileName(prefix, trained.Manifest.TrainedAt, a.env().Random))
	if err := trained.Save(path); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Your Rasa model is trained and saved at '%s'.\n", path)
	return nil
}

func (t *trainFlags) fileName(prefix string, at time.Time, random func() float64) string {
	if t.fixedName != "" {
		return strings.TrimSuffix(t.fixedName, archive.Extension) + archive.Extension
	}
	return prefix + archive.Name(at.Local(), random) + archive.Extension
}

func (a *app) env() component.Env { return component.Env{Logger: a.log}.WithDefaults() }

func (a *app) trainOptions(t *trainFlags, previous *archive.Archive) model.Options {
	return model.Options{NLU: t.nlu, Core: t.core, Augmentation: t.augmentation, Previous: previous,
		PersistNLUData: t.persistNLUData, Env: a.env()}
}

func (a *app) reportTraining(r *model.Report) {
	for _, w := range r.Warnings {
		fmt.Fprintln(a.err, "warning:", w)
	}
	for _, name := range r.Reused {
		a.log.Info("part taken over from the earlier model", "component", name)
	}
	for _, name := range r.Trained {
		a.log.Info("part trained", "component", name)
	}
}

// chooseHalves leaves out what there is no data for and returns the prefix of the model's name that says so.
func (a *app) chooseHalves(p *project.Project, t *trainFlags) string {
	both := t.nlu && t.core
	if t.nlu && len(p.NLU.Examples) == 0 {
		if !both {
			fmt.Fprintln(a.out, "No NLU data given. Please provide NLU data in order to train a Rasa NLU model using the '--nlu' argument.")
		}
		t.nlu = false
	}
	if t.core && len(p.Stories) == 0 {
		t.core = false
	}
	switch {
	case t.core && !t.nlu:
		if both {
			fmt.Fprintln(a.out, "No NLU data present. Just a Rasa Core model will be trained.")
		}
		return "core-"
	case t.nlu && !t.core:
		if both {
			fmt.Fprintln(a.out, "No stories present. Just a Rasa NLU model will be trained.")
		}
		return "nlu-"
	case !t.nlu && both:
		fmt.Fprintln(a.out, "No training data given. Please provide stories and NLU data in order to train a Rasa model using the '--data' argument.")
	}
	return ""
}

// previousModel returns the newest earlier model that can be read, nil when there is none or --force asks for a new
// start.
func (a *app) previousModel(t *trainFlags) *archive.Archive {
	if t.force {
		return nil
	}
	path, err := archive.Newest(t.out)
	if err != nil {
		return nil
	}
	previous, err := archive.Load(path)
	if err != nil {
		a.log.Debug("the earlier model cannot be taken over from", "model", path, "err", err)
		return nil
	}
	return previous
}

func (a *app) checkFinetune(t *trainFlags) error {
	if !t.finetuning() {
		return nil
	}
	path := t.finetune
	if path == "" {
		path = t.out
	}
	_, err := archive.Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(a.out, "No model for finetuning found. Please make sure to either specify a path to a previous model or "+
			"to have a finetunable model within the directory '%s'.\n", t.out)
		return exitCode(exitError)
	}
	return err
}

func (a *app) dryRun(ctx context.Context, p *project.Project, t *trainFlags, previous *archive.Archive) error {
	if t.force {
		fmt.Fprintln(a.out, "The training was forced.")
		return exitCode(exitForced)
	}
	needed, err := model.NeedsTraining(ctx, p, a.trainOptions(t, previous))
	if err != nil {
		return err
	}
	if needed {
		fmt.Fprintln(a.out, "The model needs to be retrained.")
		return exitCode(exitError)
	}
	fmt.Fprintln(a.out, "No training of components required (the responses might still need updating!).")
	return nil
}

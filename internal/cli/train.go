package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/parleybot/parley/internal/model"
)

// trainFlags are the flags of `train`, `train core` and `train nlu` (rasa/cli/arguments/train.py).
type trainFlags struct {
	data, config   []string
	domain         string
	out, fixedName string
	dryRun, force  bool
	augmentation   int
	debugPlots     bool
	persistNLUData bool
	finetune       string
	finetuning     bool
	epochFraction  float64
	threads        int
	// nlu and core are the halves that the command trains.
	nlu, core bool
	validation
}

// validation are the flags of the check of the whole project.
type validation struct {
	skip, failOnWarnings bool
	// maxHistory is nil for all turns.
	maxHistory *int
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
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	f := cmd.Flags()
	t.add(f, use)
	maxHistory := 0
	if use == "train" {
		f.IntVar(&maxHistory, "validation-max-history", 0, "turns to look back at when stories are compared (default: all)")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t.finetuning = f.Changed("finetune")
		if f.Changed("validation-max-history") {
			t.maxHistory = &maxHistory
		}
		return a.train(cmd.Context(), &t)
	}
	return cmd
}

func (t *trainFlags) add(f *pflag.FlagSet, use string) {
	domain := defaultDomain
	switch use {
	case "core":
		singleVar(f, &t.data, "stories", "s", defaultData, "file or folder with stories and rules")
		f.StringSlice("percentages", nil, "not available: belongs to the comparison of configurations")
		f.Int("runs", 0, "not available: belongs to the comparison of configurations")
		listVarP(f, &t.config, "config", "c", []string{defaultConfig}, "policies of the bot")
	case "nlu":
		domain = ""
		singleVar(f, &t.data, "nlu", "u", defaultData, "file or folder with NLU data")
	default:
		listVar(f, &t.data, "data", []string{defaultData}, "files and folders with training data")
		f.BoolVar(&t.skip, "skip-validation", false, "do not check the project before")
		f.BoolVar(&t.failOnWarnings, "fail-on-validation-warnings", false, "stop at warnings of the check, too")
		f.BoolVar(&t.dryRun, "dry-run", false, "only tell whether training is needed; bits of the exit code: 1 needed, 8 forced")
		f.String("endpoints", "endpoints.yml", "accepted for Rasa's sake")
	}
	if use != "core" {
		singleVar(f, &t.config, "config", "c", defaultConfig, "policies and NLU pipeline of the bot")
		f.IntVar(&t.threads, "num-threads", 0, "how many cores to use (default: all)")
		f.BoolVar(&t.persistNLUData, "persist-nlu-data", false, "keep the NLU data in the model")
	}
	f.StringVarP(&t.domain, "domain", "d", domain, "domain file, or a folder of them")
	f.StringVar(&t.out, "out", defaultModels, "folder for the model")
	f.StringVar(&t.fixedName, "fixed-model-name", "", "name of the model file")
	optionalVar(f, &t.finetune, "finetune", "go on from an earlier model (default: the newest in --out)")
	f.Float64Var(&t.epochFraction, "epoch-fraction", 1, "share of the configured epochs when finetuning")
	if use != "nlu" {
		f.IntVar(&t.augmentation, "augmentation", model.DefaultAugmentation, "how many stories to glue together for policies that learn")
		f.BoolVar(&t.debugPlots, "debug-plots", false, "not available: stories are not plotted")
		f.BoolVar(&t.force, "force", false, "train everything, even what did not change")
	}
}

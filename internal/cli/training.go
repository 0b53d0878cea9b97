package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
)

// exitForced is the bit of the dry run's exit code that tells that training was forced.
const exitForced = 8

// train is `train`, `train core` and `train nlu`. What it prints is what Rasa prints; exit codes are Rasa's.
func (a *app) train(ctx context.Context, t *trainFlags) error {
	if len(t.config) > 1 {
		return errors.New("comparing configurations is not available in this version: give one --config")
	}
	if t.debugPlots {
		a.warn("--debug-plots is not available in this version: training goes on without a plot")
	}
	p, err := a.loadForTraining(ctx, t)
	if err != nil || p == nil {
		return err
	}
	halves, err := a.chooseHalves(p, t)
	if err != nil || halves.none() {
		return err
	}
	previous, err := a.modelToFinetune(t)
	if err != nil {
		return err
	}
	options := a.trainOptions(t, halves)
	options.Finetune, options.EpochFraction = previous, t.epochFraction
	if t.dryRun {
		return a.dryRun(p, t, options)
	}
	if t.threads > 0 {
		runtime.GOMAXPROCS(t.threads)
	}
	display := a.watchTraining(&options)
	trained, report, err := model.Train(ctx, p, options)
	used := display.close()
	if err != nil {
		return stopped(ctx, err, t.out)
	}
	a.warnAll(report.Warnings)
	path := filepath.Join(t.out, t.fileName(halves.prefix(), trained.Manifest.TrainedAt, a.env().Random))
	if err := trained.Save(path); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Your Rasa model is trained and saved at '%s'.\n", path)
	if used != "" {
		fmt.Fprintln(a.out, used)
	}
	return nil
}

// stopped says what a training that was interrupted leaves behind.
func stopped(ctx context.Context, err error, models string) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("training was stopped; nothing was saved, the models in '%s' are as before", models)
}

func (a *app) warnAll(warnings []string) {
	for _, w := range warnings {
		a.warn(w)
	}
}

// fileName is the name of the model's file (rasa/model_training.py, _determine_model_name).
func (t *trainFlags) fileName(prefix string, at time.Time, random func() float64) string {
	switch {
	case t.fixedName == "":
		return prefix + archive.Name(at.Local(), random) + archive.Extension
	case strings.HasSuffix(t.fixedName, archive.Extension):
		return t.fixedName
	}
	// As Python's with_suffix: an ending the name has is replaced, and folders before it are dropped.
	base := filepath.Base(t.fixedName)
	if i := strings.LastIndexByte(base, '.'); i > 0 && i < len(base)-1 {
		base = base[:i]
	}
	return base + archive.Extension
}

func (a *app) env() component.Env { return component.Env{Logger: a.log}.WithDefaults() }

func (a *app) trainOptions(t *trainFlags, h halves) model.Options {
	o := model.Options{NLU: h.nlu, Core: h.core, Augmentation: t.augmentation, PersistNLUData: t.persistNLUData, Env: a.env()}
	if !t.force {
		o.Previous = archive.NewHistory(t.out, a.log)
	}
	return o
}

func (a *app) reportTraining(r *model.Report) {
	a.warnAll(r.Warnings)
	for _, name := range r.Reused {
		a.log.Info("part taken over from an earlier model", "component", name)
	}
	for _, name := range r.Trained {
		a.log.Info("part trained", "component", name)
	}
}

// halves are the halves of a model.
type halves struct{ nlu, core bool }

func (h halves) none() bool { return !h.nlu && !h.core }

// prefix is the beginning of the name of a model that has one half.
func (h halves) prefix() string {
	switch {
	case h.nlu && !h.core:
		return "nlu-"
	case h.core && !h.nlu:
		return "core-"
	}
	return ""
}

// chooseHalves leaves out what there is no data for and says so (train, train_core and train_nlu of
// rasa/model_training.py). The exit code is 0 where a command of one half has nothing to train.
func (a *app) chooseHalves(p *project.Project, t *trainFlags) (halves, error) {
	h := halves{nlu: t.nlu, core: t.core}
	pure, e2e := hasNLUData(p), model.EndToEnd(p.Stories)
	say := func(text string) { fmt.Fprintln(a.out, text) }
	switch {
	case !t.core:
		if h.nlu = pure; !pure {
			say(fmt.Sprintf("Path '%s' doesn't contain valid NLU data in it. Please verify the data format. "+
				"The NLU model training will be skipped now.", t.data[0]))
		}
	case !t.nlu:
		h.core = false
		switch {
		case e2e:
			say("Stories file contains e2e stories. Please train using `parley train` so that the NLU model is also trained.")
		case p.Domain.IsEmpty():
			say("Core training was skipped because no valid domain file was found. Please specify a valid domain using " +
				"'--domain' argument or check if the provided domain file exists.")
		case len(p.Stories) == 0:
			say("No stories given. Please provide stories in order to train a Rasa Core model using the '--stories' argument.")
		default:
			h.core = true
		}
	case len(p.Stories) == 0 && !pure:
		say("No training data given. Please provide stories and NLU data in order to train a Rasa model using the '--data' argument.")
		return halves{}, exitCode(exitError)
	case p.Domain.IsEmpty():
		say("Core training was skipped because no valid domain file was found. Only an NLU-model was created. Please specify " +
			"a valid domain using the '--domain' argument or check if the provided domain file exists.")
		h.core = false
	case len(p.Stories) == 0:
		say("No stories present. Just a Rasa NLU model will be trained.")
		h.core = false
	case !pure && !e2e:
		say("No NLU data present. Just a Rasa Core model will be trained.")
		h.nlu = false
	}
	return h, nil
}

// wholeModel are the halves that a project has data for.
func wholeModel(p *project.Project) halves {
	return halves{nlu: hasNLUData(p) || model.EndToEnd(p.Stories), core: len(p.Stories) > 0 && !p.Domain.IsEmpty()}
}

// hasNLUData reports whether there is NLU data beside that of stories (TrainingData.contains_no_pure_nlu_data).
func hasNLUData(p *project.Project) bool {
	return len(p.NLU.Examples) > 0 || len(p.NLU.Synonyms) > 0 || len(p.NLU.Regexes) > 0 || len(p.NLU.Lookups) > 0
}

// modelToFinetune returns the earlier model that --finetune names, nil without the flag.
func (a *app) modelToFinetune(t *trainFlags) (*archive.Archive, error) {
	if !t.finetuning {
		return nil, nil
	}
	path := t.finetune
	if path == "" {
		path = t.out
	}
	file, err := archive.Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(a.out, "No model for finetuning found. Please make sure to either specify a path to a previous model or "+
			"to have a finetunable model within the directory '%s'.\n", t.out)
		return nil, exitCode(exitError)
	}
	if err != nil {
		return nil, err
	}
	return archive.Load(file)
}

func (a *app) dryRun(p *project.Project, t *trainFlags, o model.Options) error {
	if t.force {
		fmt.Fprintln(a.out, "The training was forced.")
		return exitCode(exitForced)
	}
	needed, err := model.NeedsTraining(p, o)
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

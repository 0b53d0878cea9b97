package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/evaluate/report"
	"github.com/parleybot/parley/internal/model"
)

const (
	defaultResults = "results"
	defaultTests   = "."
)

// testFlags are the flags of `test`, `test core` and `test nlu` (rasa/cli/arguments/test.py).
type testFlags struct {
	models []string
	out    string
	// core
	stories           string
	maxStories        int
	e2e, failOnErrors bool
	evaluateDirectory bool
	// nlu
	nlu, domain         string
	config, percentages []string
	crossValidation     bool
	folds               string
	runs                int
	excluded            []int

	noPlot, successes, noErrors, noWarnings bool
	// both is true when stories and NLU data are tested together, with one report.
	both bool
}

func (a *app) testCommand() *cobra.Command {
	t := &testFlags{e2e: true, both: true}
	cmd := &cobra.Command{Use: "test", Short: "Tests a model with test stories and NLU data", Args: cobra.NoArgs}
	f := cmd.Flags()
	singleVar(f, &t.models, "model", "m", defaultModels, "model file, or a folder whose newest model is taken")
	t.addCore(f, defaultTests)
	t.addNLU(f)
	t.addOutput(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := t.check(); err != nil {
			return err
		}
		out, err := a.newReport(t, "Test results", t.models[0])
		if err != nil {
			return err
		}
		if err := a.testCore(cmd.Context(), t, out); err != nil {
			return err
		}
		if err := a.testNLU(cmd.Context(), t, out); err != nil {
			return err
		}
		fmt.Fprint(a.out, out.Text())
		return nil
	}
	cmd.AddCommand(a.testCoreCommand(), a.testNLUCommand())
	return cmd
}

func (a *app) testCoreCommand() *cobra.Command {
	t := &testFlags{}
	cmd := &cobra.Command{Use: "core", Short: "Tests dialogue models with test stories", Args: cobra.NoArgs}
	f := cmd.Flags()
	listVarP(f, &t.models, "model", "m", nil, "model files, which are compared, or a folder (default: the newest in models)")
	f.BoolVar(&t.e2e, "e2e", false, "test intents and entities of the messages, too; stories are those of files called test_*")
	f.BoolVar(&t.e2e, "end-to-end", false, "the same as --e2e")
	t.addCore(f, defaultData)
	t.addOutput(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out, err := a.newReport(t, "Test of stories", cmp.Or(t.models...))
		if err != nil {
			return err
		}
		return a.testCore(cmd.Context(), t, out)
	}
	return cmd
}

func (a *app) testNLUCommand() *cobra.Command {
	t := &testFlags{}
	cmd := &cobra.Command{Use: "nlu", Short: "Tests NLU models with NLU data", Args: cobra.NoArgs}
	f := cmd.Flags()
	singleVar(f, &t.models, "model", "m", defaultModels, "model file, or a folder whose newest model is taken")
	t.addNLU(f)
	t.addOutput(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := t.check(); err != nil {
			return err
		}
		out, err := a.newReport(t, "Test of NLU", t.models[0])
		if err != nil {
			return err
		}
		return a.testNLU(cmd.Context(), t, out)
	}
	return cmd
}

func (t *testFlags) addCore(f *pflag.FlagSet, stories string) {
	f.StringVarP(&t.stories, "stories", "s", stories, "file or folder with test stories")
	f.IntVar(&t.maxStories, "max-stories", 0, "as in Rasa: play only so many last events of each story")
	f.String("endpoints", defaultEndpoints, "accepted for Rasa's sake: tests call no servers")
	f.BoolVar(&t.failOnErrors, "fail-on-prediction-errors", false, "stop at the first wrong prediction with exit code 1")
	f.String("url", "", "accepted for Rasa's sake, which does not use it either")
	f.BoolVar(&t.evaluateDirectory, "evaluate-model-directory", false, "compare the models in the subfolders of --model")
}

func (t *testFlags) addNLU(f *pflag.FlagSet) {
	f.StringVarP(&t.nlu, "nlu", "u", defaultData, "file or folder with NLU data")
	listVarP(f, &t.config, "config", "c", nil, "configuration for cross validation; several, or a folder of them, are compared")
	f.StringVarP(&t.domain, "domain", "d", defaultDomain, "domain file, or a folder of them")
	f.BoolVar(&t.crossValidation, "cross-validation", false, "train and test on parts of the data; --model is not used")
	f.StringVarP(&t.folds, "folds", "f", "5", "number of parts for cross validation")
	f.IntVarP(&t.runs, "runs", "r", 3, "number of runs of a comparison")
	listVarP(f, &t.percentages, "percentages", "p", []string{"0", "25", "50", "75"}, "shares of the training data to leave out in a comparison")
}

func (t *testFlags) addOutput(f *pflag.FlagSet) {
	f.StringVar(&t.out, "out", defaultResults, "folder for the results")
	f.BoolVar(&t.noPlot, "no-plot", false, "draw no pictures")
	f.BoolVar(&t.successes, "successes", false, "write right predictions to files, too")
	f.BoolVar(&t.noErrors, "no-errors", false, "do not write wrong predictions to files")
	f.BoolVar(&t.noWarnings, "no-warnings", false, "do not write warnings about stories to a file")
}

// check reads what pflag has no type for.
func (t *testFlags) check() error {
	t.excluded = nil
	for _, p := range t.percentages {
		n, err := strconv.Atoi(p)
		if err != nil {
			return usageError{fmt.Errorf("argument -p/--percentages: invalid int value: %q", p)}
		}
		t.excluded = append(t.excluded, n)
	}
	return nil
}

func (a *app) newReport(t *testFlags, title, model string) (*report.Report, error) {
	return report.New(report.Options{Dir: cmp.Or(t.out, defaultResults), Successes: t.successes, Errors: !t.noErrors,
		Warnings: !t.noWarnings, Plots: !t.noPlot, Title: title, Model: model, Log: a.log})
}

// finishReport writes what sums a report up, and shows the figures unless more will follow.
func (a *app) finishReport(t *testFlags, out *report.Report) error {
	if err := out.Finish(); err != nil {
		return err
	}
	if !t.both {
		fmt.Fprint(a.out, out.Text())
	}
	return nil
}

// tested is a loaded model with what the tests ask of it.
type tested struct {
	*dialogue.Processor
	model     *dialogue.Model
	file      string
	nlu, core bool
	close     func()
}

// openTested loads a model for tests: the newest when path is a folder. There is none, without an error, when no model is
// found, which the caller says in Rasa's words.
func (a *app) openTested(path string) (*tested, error) {
	file, err := archive.Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	packed, err := archive.Load(file)
	if err != nil {
		return nil, err
	}
	m, err := model.Load(packed, filepath.Base(file), a.env())
	if err != nil {
		return nil, err
	}
	a.log.Info("model loaded", "model", file)
	return a.testing(m, file, packed.Manifest.NLU, packed.Manifest.Core)
}

func (a *app) testing(m *dialogue.Model, file string, nlu, core bool) (*tested, error) {
	s, err := a.openSite("", inMemory)
	if err != nil {
		return nil, err
	}
	s.processor.SetModel(m)
	return &tested{Processor: s.processor, model: m, file: file, nlu: nlu, core: core, close: s.close}, nil
}

// print tells the user something on standard output.
func (a *app) print(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// ended reports whether the user broke off.
func ended(ctx context.Context) error { return context.Cause(ctx) }

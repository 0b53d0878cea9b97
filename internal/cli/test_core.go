package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/evaluate/report"
	"github.com/parleybot/parley/project"
)

// testCore is `test core` (rasa/cli/test.py, run_core_test_async).
func (a *app) testCore(ctx context.Context, t *testFlags, out *report.Report) error {
	stories, err := a.requiredPath(t.stories, "stories", defaultData)
	if err != nil {
		return err
	}
	models := t.models
	if len(models) == 0 {
		if newest, err := archive.Newest(defaultModels); err == nil {
			models = []string{newest}
		}
	}
	switch len(models) {
	case 0:
		a.print("No model provided. Please make sure to specify the model to test with '--model'.")
		return nil
	case 1:
		path, err := a.requiredPath(models[0], "model", defaultModels)
		if err != nil {
			return err
		}
		if t.evaluateDirectory {
			err = a.compareDirectory(ctx, t, models[0], stories)
		} else {
			err = a.testStories(ctx, t, path, stories, out)
		}
		if err != nil {
			return err
		}
	default:
		if err := a.compareCore(ctx, t, models, stories); err != nil {
			return err
		}
	}
	a.printStoryFiles(t)
	return nil
}

func (a *app) printStoryFiles(t *testFlags) {
	say := func(what, file string) { a.print("%s written to '%s'", what, filepath.Join(t.out, file)) }
	if t.successes {
		say("Successful stories", report.SuccessfulFile)
	}
	if !t.noErrors {
		say("Failed stories", report.FailedFile)
	}
	if !t.noWarnings {
		say("Stories with prediction warnings", report.WarningsFile)
	}
}

// testStories tests one model (rasa/model_testing.py, test_core).
func (a *app) testStories(ctx context.Context, t *testFlags, path, stories string, out *report.Report) error {
	m, err := a.openTested(path)
	if err != nil {
		return err
	}
	if m == nil {
		a.print("Unable to test: could not find a model. Use 'parley train' to train a model and provide it via the '--model' argument.")
		return nil
	}
	defer m.close()
	if !m.core {
		a.print("Unable to test: no core model found. Use 'parley train' to train a model and provide it via the '--model' argument.")
		return exitCode(exitError)
	}
	if !m.nlu && t.e2e {
		a.print("No NLU model found: of the messages only those like '/greet' are understood. If your test stories have other " +
			"messages they are likely to fail; train a model with NLU, e.g. using 'parley train'.")
	}
	out.Model = m.file
	list, err := a.loadTestStories(m, stories, t.e2e)
	if err != nil {
		return err
	}
	played, err := evaluate.Stories(ctx, m, m.model, list, evaluate.StoryOptions{EndToEnd: t.e2e, FailOnErrors: t.failOnErrors,
		LastEvents: t.maxStories, MaxActions: maxActions()})
	var wrong *evaluate.WrongPredictionError
	if errors.As(err, &wrong) {
		a.print("WrongPredictionException: %s", strings.TrimRight(wrong.Error(), "\n"))
		return exitCode(exitError)
	}
	if err != nil {
		return err
	}
	namePlaces(played, stories)
	if err := out.Stories(played); err != nil {
		return err
	}
	return a.finishReport(t, out)
}

// namePlaces has the stories say where they stand below the folder as it was given: Rasa does not shorten "./tests".
func namePlaces(played []evaluate.Story, folder string) {
	if !isDir(folder) {
		return
	}
	for i := range played {
		if rel, err := filepath.Rel(folder, played[i].File); err == nil {
			played[i].File = strings.TrimSuffix(folder, "/") + "/" + rel
		}
	}
}

// maxActions is the limit of actions in a turn, which the environment may change.
func maxActions() int {
	n, err := strconv.Atoi(os.Getenv("MAX_NUMBER_OF_PREDICTIONS"))
	if err != nil {
		return 0
	}
	return n
}

// loadTestStories reads stories for the domain of m: those of test files, or all.
func (a *app) loadTestStories(m *tested, path string, testFilesOnly bool) (project.Stories, error) {
	if !isDir(path) {
		// Reports show where stories stand, as Rasa does: below the folder that was given, or the whole path of a file.
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
	}
	all, tests, problems := project.LoadStories([]string{path}, m.model.Domain)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range problems {
		a.warn(p.String())
	}
	if testFilesOnly {
		all = tests
	}
	a.warnUnknownTexts(m, all)
	return all, nil
}

// warnUnknownTexts tells of texts of the bot that the model cannot say.
func (a *app) warnUnknownTexts(m *tested, stories project.Stories) {
	for i := range stories {
		for _, s := range stories[i].Steps {
			if s.Kind == project.BotStep && !slices.Contains(m.model.Domain.E2EActions, s.Action) {
				a.warn(fmt.Sprintf("test story '%s' in '%s' contains the bot utterance '%s', which is not part of the training data / domain",
					stories[i].Name, stories[i].Pos.File, s.Action))
			}
		}
	}
}

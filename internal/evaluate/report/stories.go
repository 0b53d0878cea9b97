package report

import (
	"cmp"
	"errors"
	"slices"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// The names of the files of stories (rasa/core/constants.py).
const (
	FailedFile     = "failed_test_stories.yml"
	SuccessfulFile = "successful_test_stories.yml"
	WarningsFile   = "stories_with_warnings.yml"
)

// policyExtractors are the policies that extract entities. Their report is written even when there is no such policy.
var policyExtractors = []string{"TEDPolicy"}

// Stories writes the files about test stories.
func (r *Report) Stories(stories []evaluate.Story) error {
	r.stories = stories
	m, matrix := evaluate.StoryMetrics(stories)
	r.storyMetrics = &m
	var failed, right, warned []evaluate.Story
	var entities []evaluate.EntityResult
	for _, s := range stories {
		entities = append(entities, s.Entities...)
		if s.Failed {
			failed = append(failed, s)
			continue
		}
		right = append(right, s)
		if s.Warned {
			warned = append(warned, s)
		}
	}
	slices.SortStableFunc(warned, func(a, b evaluate.Story) int { return cmp.Compare(b.Severity, a.Severity) })
	if len(stories) > 0 {
		m.Report.Set("conversation_accuracy", value.NewMap("accuracy", float64(len(right))/float64(len(stories)),
			"correct", int64(len(right)), "with_warnings", int64(len(warned)), "total", int64(len(stories))))
	}
	err := r.json("story_report.json", m.Report)
	_, entityErr := r.extractors(entities, policyExtractors)
	if err := errors.Join(err, entityErr); err != nil {
		return err
	}
	if r.Plots {
		if err := r.matrix("story_confusion_matrix.png", "Action Confusion matrix", matrix); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		wanted  bool
		name    string
		stories []evaluate.Story
		none    string
	}{
		{r.Errors, FailedFile, failed, "None of the test stories failed - all good!"},
		{r.Successes, SuccessfulFile, right, "None of the test stories succeeded :("},
		{r.Warnings, WarningsFile, warned, "No warnings for test stories"},
	} {
		if f.wanted {
			if err := r.storyFile(f.name, f.stories, f.none); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Report) storyFile(name string, stories []evaluate.Story, none string) error {
	if len(stories) == 0 {
		return r.write(name, []byte("# "+none))
	}
	list := make([]project.Story, len(stories))
	for i := range stories {
		list[i] = stories[i].Written()
	}
	text, err := project.WriteStories(list, project.WriteOptions{})
	if err != nil {
		return err
	}
	return r.write(name, text)
}

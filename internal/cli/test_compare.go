package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/evaluate/chart"
	"github.com/parleybot/parley/internal/evaluate/report"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// The names of the files of comparisons (rasa/constants.py).
const (
	resultsFile    = "results.json"
	storyCountFile = "num_stories.json"
	percentageKey  = "__percentage__"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// comparison has for each configuration the results of its runs.
type comparison struct {
	names []string
	runs  map[string][][]float64
}

func (c *comparison) asMap() *value.Map {
	out := &value.Map{}
	for _, name := range c.names {
		runs := []any{}
		for _, run := range c.runs[name] {
			list := []any{}
			for _, v := range run {
				list = append(list, v)
			}
			runs = append(runs, list)
		}
		out.Set(name, runs)
	}
	return out
}

func (c *comparison) series() []chart.Series {
	var out []chart.Series
	for _, name := range c.names {
		out = append(out, chart.Series{Name: name, Runs: c.runs[name]})
	}
	return out
}

func writeJSON(file string, v any) error {
	return writeFile(file, value.Encode(v, value.Indent2|value.Unicode))
}

func writeFile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// nluComparison trains each configuration on parts of the data (rasa/nlu/test.py, compare_nlu).
type nluComparison struct {
	app     *app
	flags   *testFlags
	project *project.Project
	configs []string
	result  comparison
	// examples is how many messages were trained with for each percentage.
	examples []int
}

// rareBelow is the number of examples that an intent needs to take part in a comparison.
const rareBelow = 5

// compareNLU is `test nlu --config ONE TWO ...`.
func (a *app) compareNLU(ctx context.Context, t *testFlags, p *project.Project, configs []string) error {
	c := nluComparison{app: a, flags: t, project: evaluate.WithExamples(p, evaluate.DropRare(p.NLU.Examples, rareBelow))}
	c.result.runs = map[string][][]float64{}
	for _, file := range configs {
		if !exists(file) {
			return fmt.Errorf("failed to read file, '%s' does not exist", file)
		}
		if _, problems := project.LoadConfig(file); problems.Err() != nil {
			a.warn(fmt.Sprintf("ignoring file '%s' as it is not a valid config file", file))
			continue
		}
		c.configs = append(c.configs, file)
		name := configName(file)
		c.result.names = append(c.result.names, name)
		c.result.runs[name] = make([][]float64, t.runs)
	}
	for run := range t.runs {
		a.print("Comparison run %d of %d:", run+1, t.runs)
		if err := c.run(ctx, run); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(t.out, resultsFile), c.result.asMap()); err != nil {
		return err
	}
	graph := filepath.Join(t.out, "nlu_model_comparison_graph.pdf")
	if err := chart.Comparison(graph, "Number of intent examples present during training", "Label-weighted average F1 score on test set",
		c.examples, c.result.series()); err != nil {
		return err
	}
	a.print("The results are in '%s', a graph is in '%s'.", filepath.Join(t.out, resultsFile), graph)
	return nil
}

func configName(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

const trainingShare = 0.8

func (c *nluComparison) run(ctx context.Context, run int) error {
	random := c.app.env().Random
	dir := filepath.Join(c.flags.out, fmt.Sprintf("run_%d", run+1))
	train, test := evaluate.Split(c.project.NLU.Examples, trainingShare, random)
	if err := c.writeNLU(filepath.Join(dir, "test.yml"), test); err != nil {
		return err
	}
	for _, percentage := range c.flags.excluded {
		_, included := evaluate.Split(train, float64(percentage)/100, random)
		if run == 0 {
			c.examples = append(c.examples, len(included))
		}
		folder := filepath.Join(dir, fmt.Sprintf("%d%%_exclusion", percentage))
		if err := c.writeNLU(filepath.Join(folder, "train", "train.yml"), included); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(folder, "train", "responses.yml"), c.responses(included)); err != nil {
			return err
		}
		for _, config := range c.configs {
			f1, err := c.one(ctx, config, folder, included, test)
			if err := ended(ctx); err != nil {
				return err
			}
			if err != nil {
				c.app.log.Warn("training failed", "model", configName(config), "err", err)
			}
			name := configName(config)
			c.result.runs[name][run] = append(c.result.runs[name][run], f1)
		}
	}
	return nil
}

func (c *nluComparison) writeNLU(file string, examples []project.Example) error {
	text, err := project.WriteNLU(evaluate.WithExamples(c.project, examples).NLU)
	if err != nil {
		return err
	}
	return writeFile(file, text)
}

// responses are the retrieval responses that examples need, as a file; empty when there are none.
func (c *nluComparison) responses(examples []project.Example) []byte {
	out := &value.Map{}
	for _, r := range c.project.NLU.Responses {
		needed := slices.ContainsFunc(examples, func(ex project.Example) bool { return "utter_"+ex.ResponseKey == r.Name })
		if variants := c.project.Domain.AsMap().Map("responses").List(r.Name); needed && variants != nil {
			out.Set(r.Name, variants)
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return project.WriteYAML(value.NewMap("version", "3.1", "responses", out))
}

// one trains a configuration and returns the weighted F1 score of its intents.
func (c *nluComparison) one(ctx context.Context, config, folder string, included, test []project.Example) (float64, error) {
	p, err := c.app.forTraining(evaluate.WithExamples(c.project, included), config)
	if err != nil {
		return 0, err
	}
	name := configName(config)
	m, err := c.app.trainTested(ctx, p, filepath.Join(folder, name+archive.Extension))
	if err != nil {
		return 0, err
	}
	defer m.close()
	found, err := evaluate.Run(ctx, m, test)
	if err != nil {
		return 0, err
	}
	out, err := report.New(report.Options{Dir: filepath.Join(folder, name+"_report"), Errors: true, Plots: true,
		Title: "Comparison: " + name, Model: folder, Log: c.app.log})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(out.NLU(found), out.Finish()); err != nil {
		return 0, err
	}
	if e := evaluate.Labels(found.Intents); e != nil {
		return e.F1, nil
	}
	return 0, nil
}

// compareCore counts the right stories of several models (rasa/core/test.py, compare_models).
func (a *app) compareCore(ctx context.Context, t *testFlags, models []string, stories string) error {
	result := &value.Map{}
	for _, file := range models {
		n, err := a.countRight(ctx, t, file, stories)
		if err != nil {
			return err
		}
		name := filepath.Base(file)
		result.Set(name, append(result.List(name), int64(n)))
	}
	return writeJSON(filepath.Join(t.out, resultsFile), result)
}

// countRight plays stories without looking at intents and entities, as Rasa does in comparisons.
func (a *app) countRight(ctx context.Context, t *testFlags, file, stories string) (int, error) {
	m, err := a.openTested(file)
	if err != nil {
		return 0, err
	}
	if m == nil {
		return 0, fmt.Errorf("no model was found at '%s'", file)
	}
	defer m.close()
	list, err := a.loadTestStories(m, stories, t.e2e)
	if err != nil {
		return 0, err
	}
	played, err := evaluate.Stories(ctx, m, m.model, list, evaluate.StoryOptions{MaxActions: maxActions()})
	right := 0
	for i := range played {
		if !played[i].Failed {
			right++
		}
	}
	a.print("%s: %d of %d stories correct", file, right, len(played))
	return right, err
}

// compareDirectory counts the right stories of the models that a comparison of policies trained: a folder for each run
// (rasa/core/test.py, compare_models_in_dir).
func (a *app) compareDirectory(ctx context.Context, t *testFlags, dir, stories string) error {
	if !isDir(dir) {
		if newest, err := archive.Newest(defaultModels); err != nil || !sameFile(newest, dir) {
			a.warn("you passed a file as '--model'; the folder that has it is used instead")
		}
		dir = filepath.Dir(dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for models: %w", err)
	}
	result := comparison{runs: map[string][][]float64{}}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := a.compareRun(ctx, t, filepath.Join(dir, e.Name()), stories, &result); err != nil {
			return err
		}
	}
	counts := &value.Map{}
	for _, name := range result.names {
		runs := []any{}
		for _, run := range result.runs[name] {
			list := []any{}
			for _, n := range run {
				list = append(list, int64(n))
			}
			runs = append(runs, list)
		}
		counts.Set(name, runs)
	}
	if err := writeJSON(filepath.Join(t.out, resultsFile), counts); err != nil {
		return err
	}
	return a.plotCore(t, dir, result)
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, other := os.Stat(b)
	return err == nil && other == nil && os.SameFile(x, y)
}

func (a *app) compareRun(ctx context.Context, t *testFlags, folder, stories string, result *comparison) error {
	files, err := filepath.Glob(filepath.Join(folder, "*"+archive.Extension))
	if err != nil {
		return fmt.Errorf("looking for models: %w", err)
	}
	slices.Sort(files)
	run := map[string][]float64{}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), percentageKey)
		n, err := a.countRight(ctx, t, file, stories)
		if err != nil {
			return err
		}
		if _, ok := result.runs[name]; !ok && !slices.Contains(result.names, name) {
			result.names = append(result.names, name)
		}
		run[name] = append(run[name], float64(n))
	}
	for name, counts := range run {
		result.runs[name] = append(result.runs[name], counts)
	}
	return nil
}

func (a *app) plotCore(t *testFlags, dir string, result comparison) error {
	file := filepath.Join(dir, storyCountFile)
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("failed to read file, '%s' does not exist", file)
	}
	v, err := value.Decode(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	list, _ := v.([]any)
	var counts []int
	for _, n := range list {
		i, _ := n.(int64)
		counts = append(counts, int(i))
	}
	return chart.Comparison(filepath.Join(t.out, "core_model_comparison_graph.pdf"), "Number of stories present during training",
		"Number of correct test stories", counts, result.series())
}

package cli

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/evaluate/report"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const noNLUModel = "Could not find any model. Use 'parley train nlu' to train a model and provide it via the '--model' argument."

// testNLU is `test nlu` (rasa/cli/test.py, run_nlu_test_async).
func (a *app) testNLU(ctx context.Context, t *testFlags, out *report.Report) error {
	data, err := a.requiredPath(t.nlu, "nlu", defaultData)
	if err != nil {
		return err
	}
	p, err := a.loadTestData(data, t.domain)
	if err != nil {
		return err
	}
	configs, err := configFiles(t.config)
	switch {
	case err != nil:
		return err
	case len(configs) > 1 || len(t.config) == 1 && isDir(t.config[0]):
		return a.compareNLU(ctx, t, p, configs)
	case t.crossValidation:
		config := ""
		if len(configs) == 1 {
			config = configs[0]
		}
		return a.crossValidate(ctx, t, p, config, out)
	}
	path, err := a.requiredPath(t.models[0], "model", defaultModels)
	if err != nil {
		return err
	}
	m, err := a.openTested(path)
	if err != nil {
		return err
	}
	if m == nil {
		a.print(noNLUModel)
		return nil
	}
	defer m.close()
	if !m.nlu {
		a.print(noNLUModel)
		return nil
	}
	out.Model = m.file
	found, err := evaluate.Run(ctx, m, p.NLU.Examples)
	if err != nil {
		return err
	}
	if err := out.NLU(found); err != nil {
		return err
	}
	return a.finishReport(t, out)
}

// loadTestData reads NLU data with the domain, and the messages of the stories beside it that have an intent, as Rasa's
// importer does (rasa/shared/importers/importer.py, E2EImporter). A domain that cannot be read is left empty.
func (a *app) loadTestData(data, domain string) (*project.Project, error) {
	opts := project.LoadOptions{Data: []string{data}}
	if exists(domain) {
		opts.Domain = []string{domain}
	} else {
		a.warn(fmt.Sprintf("the domain '%s' does not exist; an empty one is used", domain))
	}
	p, err := project.Load(opts)
	if err != nil && opts.Domain != nil {
		opts.Domain = nil
		if without, other := project.Load(opts); other == nil {
			a.warn(fmt.Sprintf("loading domain from '%s' failed; an empty one is used: %v", domain, err))
			p, err = without, nil
		}
	}
	if err != nil {
		return nil, err
	}
	for _, problem := range p.Problems {
		a.warn(problem.String())
	}
	return evaluate.WithExamples(p, append(slices.Clone(p.NLU.Examples), storyMessages(p)...)), nil
}

// storyMessages are the messages with text and intent that the stories have and the NLU data has not.
func storyMessages(p *project.Project) []project.Example {
	known := map[string][]project.Example{}
	for _, ex := range p.NLU.Examples {
		known[ex.Text] = append(known[ex.Text], ex)
	}
	var out []project.Example
	var visit func(steps []project.Step)
	visit = func(steps []project.Step) {
		for i := range steps {
			visit(steps[i].Or)
			m := steps[i].User
			if m == nil || m.Text == "" || m.Intent == "" {
				continue
			}
			ex := project.Example{Text: m.Text, Intent: m.Intent, Entities: m.Entities, Pos: steps[i].Pos}
			same := func(o project.Example) bool {
				return o.FullIntent() == ex.Intent && len(o.Entities) == len(ex.Entities) && (len(ex.Entities) == 0 || reflect.DeepEqual(o.Entities, ex.Entities))
			}
			if !slices.ContainsFunc(known[ex.Text], same) {
				known[ex.Text] = append(known[ex.Text], ex)
				out = append(out, ex)
			}
		}
	}
	for i := range p.Stories {
		visit(p.Stories[i].Steps)
	}
	slices.SortStableFunc(out, func(a, b project.Example) int { return strings.Compare(a.Intent, b.Intent) })
	return out
}

// configFiles are the files that --config names; a single folder stands for its files.
func configFiles(names []string) ([]string, error) {
	if len(names) != 1 || !isDir(names[0]) {
		return names, nil
	}
	var out []string
	err := filepath.WalkDir(names[0], func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for configurations: %w", err)
	}
	return out, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// crossValidate is `test nlu --cross-validation`.
func (a *app) crossValidate(ctx context.Context, t *testFlags, p *project.Project, config string, out *report.Report) error {
	path, err := a.requiredPath(config, "config", defaultConfig)
	if err != nil {
		return err
	}
	n, err := value.ParseInt(t.folds)
	if err != nil {
		return fmt.Errorf("--folds: %w", err)
	}
	count, _ := n.(int64)
	if p, err = a.forTraining(p, path); err != nil {
		return err
	}
	p = evaluate.WithExamples(p, evaluate.DropRare(p.NLU.Examples, int(count)))
	train := func(ctx context.Context, p *project.Project) (evaluate.Parser, func(), error) {
		m, err := a.trainTested(ctx, p, "")
		if err != nil {
			return nil, nil, err
		}
		return m, m.close, nil
	}
	all, err := evaluate.CrossValidate(ctx, p, int(count), a.env().Random, train,
		func(fold int) { a.print("Training and testing fold %d of %d", fold, count) })
	if err != nil {
		return err
	}
	if err := out.NLU(all.Test); err != nil {
		return err
	}
	a.printFolds("train", all.Train)
	a.printFolds("test", all.Held)
	return a.finishReport(t, out)
}

// forTraining returns p with another configuration and, as Rasa trains here, without a domain.
func (a *app) forTraining(p *project.Project, config string) (*project.Project, error) {
	c, problems := project.LoadConfig(config)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, problem := range problems {
		a.warn(problem.String())
	}
	out := *p
	out.Config, out.Domain, out.Stories = c, project.EmptyDomain(), nil
	return &out, nil
}

// trainTested trains the NLU half of p, keeps it in file unless that is "", and loads it.
func (a *app) trainTested(ctx context.Context, p *project.Project, file string) (*tested, error) {
	trained, r, err := model.Train(ctx, p, model.Options{NLU: true, Env: a.env()})
	if err != nil {
		return nil, err
	}
	for _, w := range r.Warnings {
		a.warn(w)
	}
	name := "fold" + archive.Extension
	if file != "" {
		if err := trained.Save(file); err != nil {
			return nil, err
		}
		name = filepath.Base(file)
		a.print("The model is trained and saved at '%s'.", file)
	}
	m, err := model.Load(trained, name, a.env())
	if err != nil {
		return nil, err
	}
	return a.testing(m, file, true, false)
}

// printFolds shows mean and standard deviation over the folds.
func (a *app) printFolds(part string, scores map[string][]evaluate.Score) {
	for _, name := range sortedKeys(scores) {
		list := scores[name]
		figure := func(of func(evaluate.Score) float64) string {
			mean, squares := 0.0, 0.0
			for _, s := range list {
				mean += of(s) / float64(len(list))
			}
			for _, s := range list {
				squares += (of(s) - mean) * (of(s) - mean) / float64(len(list))
			}
			return fmt.Sprintf("%.3f (%.3f)", mean, math.Sqrt(squares))
		}
		a.print("%-6s %-20s accuracy %s, F1 %s, precision %s", part, name, figure(func(s evaluate.Score) float64 { return s.Accuracy }),
			figure(func(s evaluate.Score) float64 { return s.F1 }), figure(func(s evaluate.Score) float64 { return s.Precision }))
	}
}

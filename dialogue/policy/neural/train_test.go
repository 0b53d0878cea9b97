package neural_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// own is the bot that the recordings are about.
const own = "testdata/bot"

func conversations(t *testing.T, bot string) *training.Data {
	t.Helper()
	dir := filepath.Join("../../../conformance/bots", bot)
	if bot == own {
		dir = own
	}
	p, err := project.Load(project.LoadOptions{Config: filepath.Join(dir, "config.yml"), Domain: []string{filepath.Join(dir, "domain.yml")},
		Data: []string{filepath.Join(dir, "data")}})
	require.NoError(t, err)
	return training.Generate(p.Domain, p.Stories, training.Options{})
}

func build(t *testing.T, name string, env component.Env, pairs ...any) policy.Component {
	t.Helper()
	p, err := policy.Policies.Build(component.Config{Name: name, Options: value.NewMap(pairs...), Env: env})
	require.NoError(t, err)
	return p
}

func connect(p policy.Component, d *project.Domain) policy.Component {
	p.Connect(state.NewHistory(state.NewFeaturizer(d), state.RuleOnly{}, p.Window()))
	return p
}

// told counts how many actions of the stories the policy predicts.
func told(t *testing.T, p policy.Component, data *training.Data) (right, all int) {
	t.Helper()
	for _, tr := range data.Trackers {
		if tr.Rule || tr.Augmented {
			continue
		}
		x := tracker.NewFactory(data.Domain).New("x")
		for _, e := range tr.Applied() {
			if a, ok := e.(*tracker.ActionExecuted); ok && !data.Unpredictable(a) {
				got, err := p.Predict(context.Background(), x)
				require.NoError(t, err)
				i, _ := got.Max()
				all++
				if data.Domain.ActionNames()[i] == a.Name {
					right++
				}
			}
			x.Update(e)
		}
	}
	return right, all
}

// TestLearnsStories: what stories tell is learnt, kept in an archive, and read from it again.
func TestLearnsStories(t *testing.T) {
	epochs, dense := int64(60), []any{"connection_density", 1.0}
	for _, c := range []struct {
		name    string
		options []any
		least   float64
	}{
		{"default", []any{"constrain_similarities", true}, 0.95},
		{"all turns", []any{"max_history", nil}, 0.9},
		{"margin", []any{"loss_type", "margin"}, 0.9},
		{"relative attention, two layers", []any{"use_key_relative_attention", true, "use_value_relative_attention", true,
			"number_of_transformer_layers", value.NewMap("dialogue", int64(2))}, 0.9},
		{"no transformer", []any{"number_of_transformer_layers", value.NewMap("dialogue", int64(0))}, 0.6},
		{"full dialogues", []any{"featurizer", []any{value.NewMap("name", "FullDialogueTrackerFeaturizer")}}, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := conversations(t, own)
			options := slices.Concat([]any{"epochs", epochs, "max_history", int64(5), "random_seed", int64(1)}, dense, c.options)
			p := build(t, "TEDPolicy", component.Env{}, options...)
			require.NoError(t, p.Train(context.Background(), data))
			right, all := told(t, connect(p, data.Domain), data)
			assert.GreaterOrEqual(t, float64(right)/float64(all), c.least, "%d of %d", right, all)

			var r component.MemoryResource
			require.NoError(t, p.Persist(&r))
			again := build(t, "TEDPolicy", component.Env{}, options...)
			require.NoError(t, again.Load(data.Domain, &r))
			x := tracker.NewFactory(data.Domain).New("x")
			want, err := p.Predict(context.Background(), x)
			require.NoError(t, err)
			got, err := connect(again, data.Domain).Predict(context.Background(), x)
			require.NoError(t, err)
			assert.InDeltaSlice(t, want.Probabilities, got.Probabilities, 1e-6)
		})
	}
}

// TestUnlikelyIntents: what stories tell is likely, what none tells is not.
func TestUnlikelyIntents(t *testing.T) {
	data := conversations(t, "02_stories")
	p := build(t, "UnexpecTEDIntentPolicy", component.Env{}, "epochs", int64(100), "max_history", int64(6), "random_seed", int64(1),
		"connection_density", 1.0)
	require.NoError(t, p.Train(context.Background(), data))
	connect(p, data.Domain)
	unlikely, all := 0, 0
	for _, tr := range data.Trackers {
		if tr.Rule || tr.Augmented {
			continue
		}
		x := tracker.NewFactory(data.Domain).New("x")
		for _, e := range tr.Applied() {
			x.Update(e)
			if _, ok := e.(*tracker.UserUttered); ok {
				got, err := p.Predict(context.Background(), x)
				require.NoError(t, err)
				all++
				if got.MaxConfidence() == 1 {
					unlikely++
				}
				assert.NotEmpty(t, got.Metadata.List("ranking"))
			}
		}
	}
	assert.Less(t, unlikely, 1+all/20, "of %d", all)

	x := tracker.NewFactory(data.Domain).New("x")
	x.Update(&tracker.ActionExecuted{Name: "action_listen"})
	x.Update(tracker.NewUserUttered("yes", value.NewMap("intent", value.NewMap("name", "agree"), "entities", []any{}), "", "", nil))
	got, err := p.Predict(context.Background(), x)
	require.NoError(t, err)
	assert.Equal(t, 1.0, got.MaxConfidence(), "nobody agrees first")
	assert.Equal(t, "agree", got.Metadata.Map("query_intent").String("name"))
	assert.Greater(t, got.Metadata.Map("query_intent").Value("severity"), 0.0)
}

// TestSeed: the same seed gives the same bits, another one others.
func TestSeed(t *testing.T) {
	data := conversations(t, own)
	files := func(seed int64) string {
		p := build(t, "TEDPolicy", component.Env{}, "epochs", int64(2), "max_history", int64(5), "random_seed", seed)
		require.NoError(t, p.Train(context.Background(), data))
		var r component.MemoryResource
		require.NoError(t, p.Persist(&r))
		b, err := r.Get("network.st")
		require.NoError(t, err)
		return string(b)
	}
	assert.Equal(t, files(7), files(7))
	assert.NotEqual(t, files(7), files(8))
}

func TestProgressAndMetrics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	var seen []component.Progress
	env := component.Env{Progress: func(p component.Progress) { seen = append(seen, p) }}
	p := build(t, "TEDPolicy", env, "epochs", int64(3), "max_history", int64(5), "tensorboard_log_directory", dir,
		"evaluate_on_number_of_examples", int64(10), "evaluate_every_number_of_epochs", int64(2), "checkpoint_model", true)
	require.NoError(t, p.Train(context.Background(), conversations(t, own)))
	require.Len(t, seen, 3)
	assert.Equal(t, []int{3, 3}, []int{seen[2].Done, seen[2].Total})
	assert.Equal(t, "t_loss", seen[0].Metrics[0].Name)
	require.Len(t, seen[1].Metrics, 6)
	assert.Equal(t, "val_acc", seen[1].Metrics[5].Name)
	table, err := os.ReadFile(filepath.Join(dir, "TEDPolicy.csv"))
	require.NoError(t, err)
	assert.Contains(t, string(table), "epoch,t_loss,loss,acc,val_t_loss,val_loss,val_acc\n1,")
}

func TestCancelledTraining(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	env := component.Env{Progress: func(component.Progress) { cancel() }}
	for _, name := range []string{"TEDPolicy", "UnexpecTEDIntentPolicy"} {
		err := build(t, name, env, "epochs", int64(1000)).Train(ctx, conversations(t, own))
		require.ErrorIs(t, err, context.Canceled)
	}
}

// TestFinetune: a training that goes on from an earlier one starts where that ended.
func TestFinetune(t *testing.T) {
	data := conversations(t, own)
	for _, name := range []string{"TEDPolicy", "UnexpecTEDIntentPolicy"} {
		t.Run(name, func(t *testing.T) {
			var first, again []component.Progress
			record := func(to *[]component.Progress) component.Env {
				return component.Env{Progress: func(p component.Progress) { *to = append(*to, p) }}
			}
			p := build(t, name, record(&first), "epochs", int64(30), "max_history", int64(5), "random_seed", int64(1), "connection_density", 1.0)
			require.NoError(t, p.Train(context.Background(), data))
			var r component.MemoryResource
			require.NoError(t, p.Persist(&r))
			tuned := build(t, name, record(&again), "epochs", int64(30), "max_history", int64(5), "connection_density", 1.0)
			require.NoError(t, tuned.(policy.Finetuner).Finetune(context.Background(), data, &r, 0.1))
			require.Len(t, again, 3)
			assert.Greater(t, again[0].Metrics[2].Value, first[0].Metrics[2].Value+0.2, "accuracy")

			other := conversations(t, "21_stories")
			err := build(t, name, component.Env{}).(policy.Finetuner).Finetune(context.Background(), other, &r, 1)
			require.ErrorContains(t, err, "train it anew")
		})
	}
}

// TestNothingToLearn: without stories the policies stay untrained and say nothing.
func TestNothingToLearn(t *testing.T) {
	data := conversations(t, "01_rules")
	for _, name := range []string{"TEDPolicy", "UnexpecTEDIntentPolicy"} {
		p := build(t, name, component.Env{})
		require.NoError(t, p.Train(context.Background(), data))
		var r component.MemoryResource
		require.NoError(t, p.Persist(&r))
		require.Empty(t, r.Names())
		require.NoError(t, p.Load(data.Domain, &r))
		got, err := connect(p, data.Domain).Predict(context.Background(), tracker.NewFactory(data.Domain).New("x"))
		require.NoError(t, err)
		assert.Zero(t, got.MaxConfidence())
		assert.Zero(t, p.(policy.Bounded).Bound(tracker.NewFactory(data.Domain).New("x")))
	}
}

// TestDamagedFiles: what cannot be read is refused by the name of its file.
func TestDamagedFiles(t *testing.T) {
	r := readRecording(t, "testdata/plain.tar.gz")
	for _, file := range []string{"featurizer.json", "ted_policy.fake_features_metadata.json", "ted_policy.label_data.st",
		"ted_policy.label_data_metadata.json", "ted_policy.entity_tag_specs.json", "ted_policy.weights.st", "ted_policy.meta.json"} {
		for what, content := range map[string]string{"text": "{", "list": "[1]", "nothing": "{}"} {
			if what != "text" && (file == "ted_policy.meta.json" || file == "ted_policy.entity_tag_specs.json" || file == "ted_policy.label_data_metadata.json") {
				continue
			}
			var copied component.MemoryResource
			from := r.files["TEDPolicy1"]
			for _, name := range from.Names() {
				data, err := from.Get(name)
				require.NoError(t, err)
				require.NoError(t, copied.Put(name, data))
			}
			require.NoError(t, copied.Put(file, []byte(content)))
			p := build(t, "TEDPolicy", component.Env{})
			err := p.(policy.RasaLoader).LoadRasa(r.domain, &copied)
			if what == "nothing" && file == "ted_policy.fake_features_metadata.json" {
				require.ErrorContains(t, err, "no features of users or of actions")
				continue
			}
			require.Error(t, err, "%s: %s", file, what)
			assert.ErrorContains(t, err, strings.TrimSuffix(strings.TrimSuffix(file, ".st"), "_metadata.json"))
		}
	}
	p := build(t, "TEDPolicy", component.Env{})
	require.NoError(t, p.(policy.RasaLoader).LoadRasa(r.domain, &component.MemoryResource{}), "a policy that was not trained")
}

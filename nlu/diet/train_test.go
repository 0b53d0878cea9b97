package diet_test

import (
	"context"
	"encoding/csv"
	"errors"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func trainingData(t testing.TB) *nlu.TrainingData {
	source, err := os.ReadFile("testdata/nlu.yml")
	require.NoError(t, err)
	data, problems := project.ParseNLU(source, "nlu.yml")
	require.False(t, problems.HasErrors(), problems)
	responses, err := os.ReadFile("testdata/domain.yml")
	require.NoError(t, err)
	d, problems := project.ParseDomain(responses, "domain.yml")
	require.False(t, problems.HasErrors(), problems)
	for _, r := range d.Responses {
		if strings.Contains(r.Name, "/") {
			data.Responses = append(data.Responses, r)
		}
	}
	return nlu.NewTrainingData(data, nil)
}

// small are options of a network that trains in a moment.
const small = `"random_seed": 3, "dense_dimension": {"text": 16, "label": 8}, "transformer_size": 16, "number_of_attention_heads": 2,
	"constrain_similarities": true, "learning_rate": 0.01, "batch_size": [16, 32]`

// configured returns a pipeline of featurizers and one component.
func configured(t testing.TB, env component.Env, name, options string) *nlu.Pipeline {
	m, err := value.DecodeObject([]byte("{" + strings.Join(slices.DeleteFunc([]string{small, options}, func(s string) bool { return s == "" }), ",") + "}"))
	require.NoError(t, err)
	p, err := nlu.NewPipeline(nlu.Config{Env: env, Entries: []project.Entry{
		{Name: "WhitespaceTokenizer"}, {Name: "RegexFeaturizer"}, {Name: "LexicalSyntacticFeaturizer"}, {Name: "CountVectorsFeaturizer"},
		{Name: name, Options: m},
	}})
	require.NoError(t, err)
	return p
}

// weightsOf returns what the component persists.
func weightsOf(t testing.TB, p *nlu.Pipeline, id string) []byte {
	r := resources{}
	require.NoError(t, p.Persist(r.open))
	data, err := r[id].Get("diet.weights.st")
	require.NoError(t, err)
	return data
}

func TestTrainLearns(t *testing.T) {
	var last component.Progress
	count := 0
	env := component.Env{Progress: func(p component.Progress) { last = p; count++ }}
	p := configured(t, env, "DIETClassifier", `"epochs": 100, "drop_rate": 0.1`)
	require.NoError(t, p.Train(context.Background(), trainingData(t), nil))
	require.Equal(t, 100, count)
	require.Equal(t, 100, last.Done)
	var names []string
	for _, m := range last.Metrics {
		names = append(names, m.Name)
	}
	require.Equal(t, []string{"t_loss", "i_acc", "e_f1", "g_f1", "r_f1"}, names)
	require.Greater(t, last.Metrics[1].Value, 0.9)
	require.Greater(t, last.Metrics[2].Value, 0.85)

	found := parse(t, p, "i want to go from New York to Rome")
	require.Equal(t, "book", found.Map("intent").String("name"))
	require.Len(t, found.List("entities"), 2)
	to := found.List("entities")[1].(*value.Map)
	require.Equal(t, []string{"city", "to", "Rome", "DIETClassifier"},
		[]string{to.String("entity"), to.String("role"), to.String("value"), to.String("extractor")})
}

// TestTrainOptions trains a little with each option and checks that what is loaded again parses as what was trained.
func TestTrainOptions(t *testing.T) {
	data := trainingData(t)
	for _, c := range []struct{ name, component, options string }{
		{"relative attention", "DIETClassifier", `"use_key_relative_attention": true, "use_value_relative_attention": true, "max_relative_position": 2`},
		{"one direction", "DIETClassifier", `"unidirectional_encoder": true`},
		{"hidden layers", "DIETClassifier", `"hidden_layers_sizes": {"text": [12, 8], "label": [8]}`},
		{"no transformer", "DIETClassifier", `"number_of_transformer_layers": 0, "connection_density": 1.0`},
		{"no transformer, intents only", "DIETClassifier", `"number_of_transformer_layers": 0, "entity_recognition": false`},
		{"margin", "DIETClassifier", `"loss_type": "margin"`},
		{"margin over all", "DIETClassifier", `"loss_type": "margin", "use_maximum_negative_similarity": false`},
		{"unbounded similarities", "DIETClassifier", `"constrain_similarities": false, "scale_loss": true`},
		{"masked words", "DIETClassifier", `"use_masked_language_model": true`},
		{"masked words, intents only", "DIETClassifier", `"use_masked_language_model": true, "entity_recognition": false`},
		{"bare tags", "DIETClassifier", `"BILOU_flag": false`},
		{"entities only", "DIETClassifier", `"intent_classification": false`},
		{"chosen featurizers", "DIETClassifier", `"featurizers": ["CountVectorsFeaturizer3"]`},
		{"sequence batches", "DIETClassifier", `"batch_strategy": "sequence", "batch_size": 7, "drop_small_last_batch": true`},
		{"attention drop-out", "DIETClassifier", `"drop_rate_attention": 0.3, "use_sparse_input_dropout": false, "use_dense_input_dropout": false`},
		{"no drop-out, no regularisation", "DIETClassifier", `"drop_rate": 0, "regularization_constant": 0`},
		{"held out", "DIETClassifier", `"evaluate_on_number_of_examples": 8, "evaluate_every_number_of_epochs": 1, "checkpoint_model": true`},
		{"responses", "ResponseSelector", `"hidden_layers_sizes": {"text": [12], "label": [8]}`},
		{"responses of an intent", "ResponseSelector", `"retrieval_intent": "faq", "number_of_transformer_layers": 1`},
		{"texts of responses", "ResponseSelector", `"use_text_as_label": true, "number_of_transformer_layers": 1`},
		{"texts of responses, no transformer", "ResponseSelector", `"use_text_as_label": true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := configured(t, component.Env{}, c.component, `"epochs": 3,`+c.options)
			require.NoError(t, p.Train(context.Background(), data, nil))
			r := resources{}
			require.NoError(t, p.Persist(r.open))
			again := configured(t, component.Env{}, c.component, `"epochs": 3,`+c.options)
			require.NoError(t, again.Load(r.open))
			for _, text := range []string{"from Rome to Berlin", "a large pizza with ham", "is it sunny", "", "😀 مرحبا"} {
				want := parse(t, p, text)
				compare(t, text, want, parse(t, again, text), 0)
				if ranking := want.List("intent_ranking"); c.component == "DIETClassifier" && len(ranking) > 0 {
					require.Len(t, ranking, 6)
				}
			}
		})
	}
}

func TestTrainIsRepeatable(t *testing.T) {
	train := func(seed, cores string) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(map[string]int{"one": 1, "two": 2}[cores]))
		p := configured(t, component.Env{}, "DIETClassifier", `"epochs": 4, "random_seed": `+seed)
		require.NoError(t, p.Train(context.Background(), trainingData(t), nil))
		return weightsOf(t, p, "train_DIETClassifier4")
	}
	first := train("5", "one")
	require.Equal(t, first, train("5", "two"))
	require.NotEqual(t, first, train("6", "one"))
}

func TestTrainStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	env := component.Env{Progress: func(p component.Progress) {
		if p.Done == 2 {
			cancel()
		}
	}}
	start := time.Now()
	p := configured(t, env, "DIETClassifier", `"epochs": 100000`)
	require.ErrorIs(t, p.Train(ctx, trainingData(t), nil), context.Canceled)
	require.Less(t, time.Since(start), 10*time.Second)
}

func TestTrainRecords(t *testing.T) {
	for _, level := range []string{"epoch", "batch"} {
		t.Run(level, func(t *testing.T) {
			folder := filepath.ToSlash(t.TempDir())
			p := configured(t, component.Env{}, "DIETClassifier", `"epochs": 4, "tensorboard_log_directory": "`+folder+`/runs", "tensorboard_log_level": "`+level+
				`", "evaluate_on_number_of_examples": 8, "evaluate_every_number_of_epochs": 2`)
			require.NoError(t, p.Train(context.Background(), trainingData(t), nil))
			f, err := os.Open(folder + "/runs/DIETClassifier4.csv")
			require.NoError(t, err)
			defer f.Close()
			rows, err := csv.NewReader(f).ReadAll()
			require.NoError(t, err)
			require.Equal(t, []string{level, "t_loss", "i_acc"}, rows[0][:3])
			if level == "epoch" {
				require.Contains(t, rows[0], "val_i_acc")
				require.Len(t, rows, 5)
				require.Empty(t, rows[1][len(rows[1])-1])
				require.NotEmpty(t, rows[2][len(rows[2])-1])
			}
			picture, err := os.Open(folder + "/runs/DIETClassifier4.png")
			require.NoError(t, err)
			defer picture.Close()
			_, err = png.DecodeConfig(picture)
			require.NoError(t, err)
		})
	}
}

// tunable is a component that learns, and can go on learning.
type tunable interface {
	nlu.Trainable
	nlu.Finetuner
}

// classifier returns a component that is in no pipeline.
func classifier(t *testing.T, options string) tunable {
	const name = "DIETClassifier"
	m, err := value.DecodeObject([]byte("{" + small + options + "}"))
	require.NoError(t, err)
	built, err := nlu.Components.Build(component.Config{Name: name, ID: name + "4", Options: m})
	require.NoError(t, err)
	return built.(tunable)
}

// featurized returns the training data with the given examples more, as featurizers leave it for a component.
func featurized(t *testing.T, more ...project.Example) *nlu.TrainingData {
	data := trainingData(t)
	extra := nlu.NewTrainingData(&project.NLUData{Examples: more}, nil)
	for _, m := range extra.Examples {
		if !m.FromCore() {
			data.Examples = append(data.Examples, m)
		}
	}
	p, err := nlu.NewPipeline(nlu.Config{Entries: []project.Entry{{Name: "WhitespaceTokenizer"}, {Name: "CountVectorsFeaturizer"},
		{Name: "DIETClassifier", Options: value.NewMap("epochs", int64(0))}}})
	require.NoError(t, err)
	require.NoError(t, p.Train(context.Background(), data, nil))
	return data
}

func TestFinetune(t *testing.T) {
	ctx := context.Background()
	c := classifier(t, `, "epochs": 30`)
	require.NoError(t, c.Train(ctx, featurized(t)))
	old := &component.MemoryResource{}
	require.NoError(t, c.Persist(old))

	t.Run("more words", func(t *testing.T) {
		data := featurized(t, project.Example{Text: "salutations dear robot", Intent: "greet"})
		next := classifier(t, `, "epochs": 30`)
		require.NoError(t, next.Finetune(ctx, data, old, 0.5))
		m := data.Examples[len(data.Examples)-1]
		require.NoError(t, next.Process(ctx, m))
		require.Equal(t, "greet", m.Predicted.Name)
	})
	t.Run("another intent", func(t *testing.T) {
		data := featurized(t, project.Example{Text: "something else", Intent: "new"})
		require.ErrorContains(t, classifier(t, "").Finetune(ctx, data, old, 1), "labels")
	})
	t.Run("fewer words", func(t *testing.T) {
		data := featurized(t, project.Example{Text: "salutations dear robot", Intent: "greet"})
		require.NoError(t, c.Train(ctx, data))
		wider := &component.MemoryResource{}
		require.NoError(t, c.Persist(wider))
		require.ErrorContains(t, classifier(t, "").Finetune(ctx, featurized(t), wider, 1), "fewer features")
	})
	t.Run("nothing learnt", func(t *testing.T) {
		err := classifier(t, "").Finetune(ctx, featurized(t), &component.MemoryResource{}, 1)
		require.ErrorContains(t, err, "nothing to go on from")
	})
}

// TestTrainOddData trains on data that leaves little to learn from.
func TestTrainOddData(t *testing.T) {
	example := func(intent string, texts ...string) (out []project.Example) {
		for _, text := range texts {
			out = append(out, project.Example{Text: text, Intent: intent})
		}
		return out
	}
	misaligned := project.Example{Text: "to Romeo", Intent: "go", Entities: []project.EntityAnnotation{{Start: 3, End: 7, Entity: "city", Value: "Rome"}}}
	for _, c := range []struct {
		name     string
		examples []project.Example
		// intents is how long the ranking is; 0 when nothing is learnt. log is what is said.
		intents int
		log     string
	}{
		{"no examples", nil, 0, ""},
		{"one intent", example("a", "x", "y"), 0, "at least 2 intents"},
		{"one example an intent", slices.Concat(example("a", "x"), example("b", "y"), example("c", "z")), 3, ""},
		{"blanks, emoji, right to left", slices.Concat(example("a", "", " "), example("b", "😀", "👍🏽 👍🏽"), example("c", "مرحبا كيف حالك")), 3, ""},
		{"uneven", slices.Concat(example("a", strings.Fields(strings.Repeat("x y z w v u t s r q p o n m ", 20))...), example("b", "rare")), 2, ""},
		{"an entity beside the tokens", slices.Concat(example("a", "x"), []project.Example{misaligned}), 2, "not learnt"},
		{"a long text", slices.Concat(example("a", strings.Repeat("word ", 400)), example("b", "y")), 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			env := component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			p := configured(t, env, "DIETClassifier", `"epochs": 2`)
			require.NoError(t, p.Train(context.Background(), nlu.NewTrainingData(&project.NLUData{Examples: c.examples}, nil), nil))
			require.Contains(t, log.String(), c.log)
			r := resources{}
			require.NoError(t, p.Persist(r.open))
			require.NoError(t, p.Load(r.open))
			found := parse(t, p, "x y")
			require.Len(t, found.List("intent_ranking"), c.intents)
			if c.intents == 0 {
				require.Nil(t, found.Map("intent").Value("name"))
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for options, wants := range map[string]string{
		`"dense_dimension": {"text": 8}`:                                                 "dense_dimension",
		`"hidden_layers_sizes": {"text": [4]}`:                                           "hidden_layers_sizes",
		`"transformer_size": 10, "number_of_attention_heads": 4`:                         "multiple",
		`"batch_size": [1, 2, 3]`:                                                        "batch_size",
		`"model_confidence": "cosine"`:                                                   "model_confidence",
		`"loss_type": "other"`:                                                           "loss_type",
		`"similarity_type": "cosine"`:                                                    "similarity_type",
		`"drop_rate": 1.0`:                                                               "drop_rate",
		`"connection_density": 2.0`:                                                      "connection_density",
		`"evaluate_every_number_of_epochs": 0`:                                           "evaluate_every",
		`"use_masked_language_model": true, "number_of_transformer_layers": 0`:           "use_masked_language_model",
		`"share_hidden_layers": true, "hidden_layers_sizes": {"text": [4], "label": []}`: "hidden_layers_sizes",
		`"loss_type": "margin", "renormalize_confidences": true`:                         "renormalize",
	} {
		t.Run(wants, func(t *testing.T) {
			m, err := value.DecodeObject([]byte("{" + options + "}"))
			require.NoError(t, err)
			_, err = nlu.Components.Build(component.Config{Name: "DIETClassifier", ID: "DIETClassifier1", Options: m})
			var refused *component.OptionError
			require.True(t, errors.As(err, &refused), err)
			require.ErrorContains(t, err, wants)
		})
	}
}

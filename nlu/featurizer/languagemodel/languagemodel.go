// Package languagemodel provides LanguageModelFeaturizer, whose features are the hidden states of a pre-trained encoder
// (rasa/nlu/featurizers/dense_featurizer/lm_featurizer.py and rasa/nlu/utils/hugging_face, 3.6.21, with transformers
// 4.26). Encoders like BERT and DistilBERT are read from a local folder; nothing is fetched from a network.
package languagemodel

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/bert"
	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/nlu"
)

const name = "LanguageModelFeaturizer"

var spec = component.Spec{
	Name:    name,
	Summary: "Has the hidden states of a pre-trained language model as features.",
	Source:  "rasa/nlu/featurizers/dense_featurizer/lm_featurizer.py",
	Fields: []component.Field{
		{Name: "alias", Kind: component.String, Doc: "Name of the features, to choose them elsewhere."},
		{Name: "model_name", Kind: component.String, Default: "bert", Choices: []string{"bert", "distilbert"},
			Doc: "Kind of language model: bert, which has many descendants, or distilbert."},
		{Name: "model_weights", Kind: component.String,
			Doc: "Folder with config.json, vocab.txt and model.safetensors or model.onnx, or the name of a model of Hugging Face's hub " +
				"that was downloaded before; rasa/LaBSE or distilbert-base-uncased when absent."},
		{Name: "cache_dir", Kind: component.String, Doc: "Folder in which downloaded models are looked for; that of Hugging Face's tools when absent."},
		{Name: "sentence_embeddings", Kind: component.Bool, Default: false,
			Doc: "Not in Rasa: the sentence's features are the mean of all its word pieces, scaled to length 1, as sentence-transformers " +
				"makes them. Otherwise they are those of the token [CLS]."},
	},
	Provides: []string{nlu.RoleFeaturizer, nlu.RoleDenseFeaturizer},
	Requires: []string{nlu.RoleTokenizer},
}

func init() { nlu.Components.Register(spec, build) }

// What the languages models' tokens around a text are in Rasa, whatever their vocabulary says, and how many tokens
// there can be.
const (
	classToken     = 101
	separatorToken = 102
	maxTokens      = 512
	// batchSize is how many training examples are encoded at once.
	batchSize = 16
)

// defaultWeights are the models that are used when none is named.
var defaultWeights = map[string]string{"bert": "rasa/LaBSE", "distilbert": "distilbert-base-uncased"}

// Featurizer is LanguageModelFeaturizer.
type Featurizer struct {
	Alias              string `option:"alias"`
	ModelName          string `option:"model_name"`
	Weights            string `option:"model_weights"`
	CacheDir           string `option:"cache_dir"`
	SentenceEmbeddings bool   `option:"sentence_embeddings"`

	log     *slog.Logger
	encoder *bert.Encoder
}

var (
	_ nlu.Component         = (*Featurizer)(nil)
	_ nlu.BatchPreprocessor = (*Featurizer)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	f := &Featurizer{log: cfg.Env.WithDefaults().Logger}
	if err := cfg.Decode(f); err != nil {
		return nil, err
	}
	if f.Alias == "" {
		f.Alias = cfg.ID
	}
	weights, ok := defaultWeights[f.ModelName]
	if !ok {
		return nil, cfg.OptionError("model_name", `is %q, possible are "bert" and "distilbert"`, f.ModelName)
	}
	if f.Weights == "" {
		f.Weights = weights
	}
	folder, err := find(f.Weights, f.CacheDir)
	if err != nil {
		return nil, cfg.OptionError("model_weights", "%s", err)
	}
	if f.encoder, err = load(folder); err != nil {
		return nil, cfg.OptionError("model_weights", "cannot be used: %s", explain(err, f.Weights))
	}
	if f.encoder.Type != f.ModelName {
		return nil, cfg.OptionError("model_name", "is %q, but the model in %s is of type %q", f.ModelName, folder, f.encoder.Type)
	}
	return f, nil
}

// Process featurizes the text of a user's message.
func (f *Featurizer) Process(ctx context.Context, m *nlu.Message) error {
	return f.featurize(ctx, []*nlu.Message{m}, []nlu.Attribute{nlu.Text, nlu.ActionText}, false)
}

// ProcessExamples featurizes all texts of training examples. A text that is too long for the model is an error, as in
// Rasa.
func (f *Featurizer) ProcessExamples(ctx context.Context, examples []*nlu.Message) error {
	return f.featurize(ctx, examples, nlu.TextAttributes, true)
}

func (f *Featurizer) featurize(ctx context.Context, messages []*nlu.Message, attributes []nlu.Attribute, training bool) error {
	for _, a := range attributes {
		var batch []*text
		for _, m := range messages {
			if m.Value(a) == "" {
				continue
			}
			t := f.prepare(m, a)
			if n := len(t.pieces); n > f.limit() {
				if training {
					return fmt.Errorf("the text that begins with %.60q is too long: %d word pieces, the model takes %d; shorten it", m.Value(a), n, f.limit())
				}
				f.log.Debug("a text is longer than the model takes", "text", m.Value(a))
			}
			if batch = append(batch, t); len(batch) == batchSize {
				if err := f.encode(ctx, batch, a); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
		if err := f.encode(ctx, batch, a); err != nil {
			return err
		}
	}
	return nil
}

func (f *Featurizer) limit() int { return min(maxTokens, f.encoder.Positions) }

// text is an attribute of a message as the model sees it.
type text struct {
	message *nlu.Message
	// pieces are those of all tokens, between the two special ones.
	pieces []int
	// counts are the numbers of pieces of the tokens, those without any left out.
	counts []int
	// whole are the pieces of the text with what tokens leave out, nil when they are the same or not needed.
	whole []int
}

func (f *Featurizer) prepare(m *nlu.Message, a nlu.Attribute) *text {
	t := &text{message: m, pieces: []int{classToken}}
	for _, token := range m.Tokens(a) {
		if ids := f.encoder.Tokenize(token.Text); len(ids) > 0 {
			t.pieces = append(t.pieces, ids...)
			t.counts = append(t.counts, len(ids))
		}
	}
	t.pieces = append(t.pieces, separatorToken)
	if f.SentenceEmbeddings {
		whole := append([]int{classToken}, f.encoder.Tokenize(m.Value(a))...)
		t.whole = append(whole[:min(len(whole), f.limit()-1)], separatorToken)
	}
	return t
}

// encode adds features to the messages of a batch.
func (f *Featurizer) encode(ctx context.Context, batch []*text, a nlu.Attribute) error {
	if err := ctx.Err(); err != nil || len(batch) == 0 {
		return err
	}
	var sequences [][]int
	for _, t := range batch {
		if f.SentenceEmbeddings {
			sequences = append(sequences, t.whole)
		}
		if !f.SentenceEmbeddings || !t.message.SkipSequence {
			sequences = append(sequences, t.pieces[:min(len(t.pieces), f.limit())])
		}
	}
	hidden, err := f.encoder.Encode(sequences)
	if err != nil {
		return err
	}
	from := 0
	next := func(n int) f32.Mat {
		from += n
		return hidden.SliceRows(from-n, from)
	}
	for _, t := range batch {
		var sentence []float32
		if f.SentenceEmbeddings {
			sentence = mean(next(len(t.whole)))
			normalize(sentence)
		}
		if !f.SentenceEmbeddings || !t.message.SkipSequence {
			states := next(min(len(t.pieces), f.limit()))
			if sentence == nil {
				sentence = append([]float32(nil), states.Row(0)...)
			}
			if !t.message.SkipSequence {
				f.add(t.message, a, nlu.SequenceFeatures, t.align(states))
			}
		}
		f.add(t.message, a, nlu.SentenceFeatures, [][]float32{sentence})
	}
	return nil
}

func (f *Featurizer) add(m *nlu.Message, a nlu.Attribute, t nlu.FeatureType, rows [][]float32) {
	m.Features = append(m.Features, nlu.Features{Attribute: a, Type: t, Origin: f.Alias, Dense: rows, Width: f.encoder.Hidden})
}

// align returns a row a token, the mean of its pieces; zeros stand for pieces behind the model's limit. As in Rasa the
// last piece before the limit is lost.
func (t *text) align(states f32.Mat) [][]float32 {
	inner := states.SliceRows(1, states.Rows-1)
	rows := make([][]float32, len(t.counts))
	at := 0
	for i, n := range t.counts {
		row := make([]float32, states.Cols)
		for k := at; k < min(at+n, inner.Rows); k++ {
			f32.Add(row, row, inner.Row(k))
		}
		if n > 1 {
			f32.Scale(row, 1/float32(n), row)
		}
		rows[i] = row
		at += n
	}
	return rows
}

func mean(states f32.Mat) []float32 {
	out := make([]float32, states.Cols)
	f32.SumRows(out, states, false)
	f32.Scale(out, 1/float32(states.Rows), out)
	return out
}

// normalize scales x to length 1.
func normalize(x []float32) {
	length := math.Sqrt(float64(f32.SumSquares(x)))
	f32.Scale(x, float32(1/math.Max(length, 1e-12)), x)
}

package bert

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/weights"
)

// Model is an encoder. It may be used by several goroutines.
type Model struct {
	Config

	words, positions f32.Mat
	// types is the embedding of the first token type, nil when there is none.
	types     []float32
	embedNorm layerNorm
	layers    []layer
	scratch   scratchPool
}

// layer is one block: attention and feed-forward network, each with its residual connection and normalisation.
type layer struct {
	query, key, value, output dense
	attentionNorm             layerNorm
	expand, shrink            dense
	outputNorm                layerNorm
}

// dense is a layer y = x*weight + bias, where the weight is stored turned, [out, in].
type dense struct {
	weight f32.Mat
	bias   []float32
}

type layerNorm struct{ gamma, beta []float32 }

// names are what the parts of a layer are called, by type of model.
var names = map[string]struct {
	prefix, layers, embedNorm                             string
	query, key, value, output, attentionNorm              string
	expand, shrink, outputNorm, words, positions, typeSet string
}{
	"bert": {
		prefix: "bert.", layers: "encoder.layer.", embedNorm: "embeddings.LayerNorm",
		query: "attention.self.query", key: "attention.self.key", value: "attention.self.value", output: "attention.output.dense",
		attentionNorm: "attention.output.LayerNorm", expand: "intermediate.dense", shrink: "output.dense", outputNorm: "output.LayerNorm",
		words: "embeddings.word_embeddings.weight", positions: "embeddings.position_embeddings.weight",
		typeSet: "embeddings.token_type_embeddings.weight",
	},
	"distilbert": {
		prefix: "distilbert.", layers: "transformer.layer.", embedNorm: "embeddings.LayerNorm",
		query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin", output: "attention.out_lin",
		attentionNorm: "sa_layer_norm", expand: "ffn.lin1", shrink: "ffn.lin2", outputNorm: "output_layer_norm",
		words: "embeddings.word_embeddings.weight", positions: "embeddings.position_embeddings.weight",
	},
}

// New takes the weights from a set, under the names that transformers gives them. The model refers to the set's data.
// The error names the tensor that is to blame.
func New(c Config, set *weights.Set) (*Model, error) {
	n := names[c.Type]
	r := &reader{set: set}
	if !set.Has(n.words) && set.Has(n.prefix+n.words) {
		r.prefix = n.prefix
	}
	m := &Model{Config: c}
	m.words = r.matrix(n.words, c.Vocabulary, c.Hidden)
	m.positions = r.matrix(n.positions, c.Positions, c.Hidden)
	if c.TokenTypes > 0 && n.typeSet != "" {
		m.types = r.matrix(n.typeSet, c.TokenTypes, c.Hidden).Row(0)
	}
	m.embedNorm = r.norm(n.embedNorm, c.Hidden)
	for i := range c.Layers {
		at := fmt.Sprintf("%s%d.", n.layers, i)
		m.layers = append(m.layers, layer{
			query: r.dense(at+n.query, c.Hidden, c.Hidden), key: r.dense(at+n.key, c.Hidden, c.Hidden),
			value: r.dense(at+n.value, c.Hidden, c.Hidden), output: r.dense(at+n.output, c.Hidden, c.Hidden),
			attentionNorm: r.norm(at+n.attentionNorm, c.Hidden),
			expand:        r.dense(at+n.expand, c.Intermediate, c.Hidden), shrink: r.dense(at+n.shrink, c.Hidden, c.Intermediate),
			outputNorm: r.norm(at+n.outputNorm, c.Hidden),
		})
	}
	return m, r.err
}

// reader reads tensors until one is missing.
type reader struct {
	set    *weights.Set
	prefix string
	err    error
}

func (r *reader) floats(name string, shape ...int) []float32 {
	if r.err == nil {
		var list []float32
		if list, r.err = r.set.AsFloat32(r.prefix+name, shape...); r.err == nil {
			return list
		}
	}
	return nil
}

func (r *reader) matrix(name string, rows, cols int) f32.Mat {
	list := r.floats(name, rows, cols)
	if list == nil {
		return f32.New(1, cols)
	}
	return f32.Wrap(rows, cols, list)
}

func (r *reader) dense(name string, out, in int) dense {
	return dense{r.matrix(name+".weight", out, in), r.floats(name+".bias", out)}
}

// norm reads a normalisation, whose tensors older files call gamma and beta.
func (r *reader) norm(name string, size int) layerNorm {
	gamma, beta := name+".weight", name+".bias"
	if old := name + ".gamma"; r.set.Has(r.prefix+old) && !r.set.Has(r.prefix+gamma) {
		gamma, beta = old, strings.TrimSuffix(old, "gamma")+"beta"
	}
	return layerNorm{r.floats(gamma, size), r.floats(beta, size)}
}

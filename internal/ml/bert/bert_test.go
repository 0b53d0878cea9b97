package bert

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/parleybot/parley/internal/ml/weights"
)

const configText = `{"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
	"intermediate_size": 6, "max_position_embeddings": 7, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12}`

func config(t *testing.T) Config {
	t.Helper()
	c, err := ParseConfig([]byte(configText))
	require.NoError(t, err)
	return c
}

// tensor is a tensor by its name in transformers.
type tensor struct {
	name  string
	shape []int
	data  []float32
}

// randomTensors returns the weights of an encoder of the size in configText.
func randomTensors() []tensor {
	random := rand.New(rand.NewPCG(1, 2))
	var list []tensor
	add := func(name string, shape ...int) {
		size := 1
		for _, n := range shape {
			size *= n
		}
		data := make([]float32, size)
		for i := range data {
			data[i] = float32(random.NormFloat64())
		}
		list = append(list, tensor{name, shape, data})
	}
	dense := func(name string, out, in int) {
		add(name+".weight", out, in)
		add(name+".bias", out)
	}
	add("embeddings.word_embeddings.weight", 9, 8)
	add("embeddings.position_embeddings.weight", 7, 8)
	add("embeddings.token_type_embeddings.weight", 2, 8)
	dense("embeddings.LayerNorm", 8, 1)
	for i := range 2 {
		at := fmt.Sprintf("encoder.layer.%d.", i)
		for _, name := range []string{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"} {
			dense(at+name, 8, 8)
		}
		dense(at+"attention.output.LayerNorm", 8, 1)
		dense(at+"intermediate.dense", 6, 8)
		dense(at+"output.dense", 8, 6)
		dense(at+"output.LayerNorm", 8, 1)
	}
	for i := range list {
		if strings.Contains(list[i].name, "LayerNorm.weight") {
			list[i].shape = []int{8}
		}
	}
	return list
}

func set(t *testing.T, rename func(name string) string) *weights.Set {
	t.Helper()
	s := weights.New()
	for _, w := range randomTensors() {
		require.NoError(t, s.PutFloat32(rename(w.name), w.data, w.shape...))
	}
	return s
}

func same(name string) string { return name }

func encode(t *testing.T, m *Model, sequences ...[]int) []float32 {
	t.Helper()
	out, err := m.Encode(sequences)
	require.NoError(t, err)
	return out.Data
}

func model(t *testing.T, s *weights.Set) *Model {
	t.Helper()
	m, err := New(config(t), s)
	require.NoError(t, err)
	return m
}

func TestNames(t *testing.T) {
	want := encode(t, model(t, set(t, same)), []int{1, 2, 3})
	for name, rename := range map[string]func(string) string{
		"prefix": func(name string) string { return "bert." + name },
		"older": func(name string) string {
			if strings.Contains(name, "LayerNorm") {
				return strings.NewReplacer(".weight", ".gamma", ".bias", ".beta").Replace(name)
			}
			return name
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want, encode(t, model(t, set(t, rename)), []int{1, 2, 3}))
		})
	}
}

func TestBatchesChangeNothing(t *testing.T) {
	m := model(t, set(t, same))
	a, b := encode(t, m, []int{1, 2, 3, 4, 5, 6, 7}), encode(t, m, []int{8})
	require.InDeltaSlice(t, append(a, b...), encode(t, m, []int{1, 2, 3, 4, 5, 6, 7}, []int{8}), 1e-5)
}

func TestEncodeRefuses(t *testing.T) {
	m := model(t, set(t, same))
	for _, tokens := range [][]int{{}, make([]int, 8), {9}, {-1}} {
		_, err := m.Encode([][]int{tokens})
		require.Error(t, err)
	}
}

func TestMissingTensor(t *testing.T) {
	_, err := New(config(t), set(t, func(name string) string { return strings.Replace(name, "layer.1.output", "layer.1.out", 1) }))
	require.ErrorContains(t, err, "encoder.layer.1.output.dense.weight")
	c := config(t)
	c.Intermediate = 5
	_, err = New(c, set(t, same))
	require.ErrorContains(t, err, "intermediate.dense.weight")
}

// onnx writes tensors as PyTorch exports them: matrices are turned and have names of no meaning.
func onnx(packed bool) []byte {
	var graph []byte
	message := func(to []byte, number protowire.Number, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), inner)
	}
	text := func(to []byte, number protowire.Number, s string) []byte { return message(to, number, []byte(s)) }
	for i, w := range randomTensors() {
		name, shape, data := w.name, w.shape, w.data
		if layer, ok := strings.CutSuffix(name, ".weight"); ok && len(shape) == 2 && strings.Contains(name, "layer.") {
			name = fmt.Sprintf("onnx::MatMul_%d", i)
			turned := make([]float32, 0, len(data))
			for c := range shape[1] {
				for r := range shape[0] {
					turned = append(turned, data[r*shape[1]+c])
				}
			}
			shape, data = []int{shape[1], shape[0]}, turned
			node := text(text(text(text(nil, nodeInput, "x"), nodeInput, name), nodeOutput, layer+"/out"), nodeOperator, "MatMul")
			graph = message(graph, graphNode, node)
			node = text(text(text(text(nil, nodeInput, "model."+layer+".bias"), nodeInput, layer+"/out"), nodeOutput, layer+"/sum"), nodeOperator, "Add")
			graph = message(graph, graphNode, node)
		} else {
			name = "model." + name
		}
		var t, raw []byte
		for _, n := range shape {
			t = protowire.AppendVarint(protowire.AppendTag(t, tensorDims, protowire.VarintType), uint64(n))
		}
		t = protowire.AppendVarint(protowire.AppendTag(t, tensorType, protowire.VarintType), 1)
		for _, v := range data {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		number := protowire.Number(tensorRaw)
		if packed {
			number = tensorFloats
		}
		graph = message(graph, graphInitializer, message(text(t, tensorName, name), number, raw))
	}
	model := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 8)
	return message(model, modelGraph, graph)
}

func TestONNX(t *testing.T) {
	want := encode(t, model(t, set(t, same)), []int{1, 2, 3})
	for _, packed := range []bool{false, true} {
		s, err := readONNX(onnx(packed), config(t))
		require.NoError(t, err)
		require.Equal(t, want, encode(t, model(t, s), []int{1, 2, 3}))
	}
}

func FuzzONNX(f *testing.F) {
	f.Add(onnx(false)[:2000])
	f.Add([]byte{0x3a, 3, 0x2a, 1, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _ := ParseConfig([]byte(configText))
		if s, err := readONNX(data, c); err == nil && s == nil {
			t.Fatal("neither weights nor an error")
		}
	})
}

func TestParseConfigRefuses(t *testing.T) {
	for old, change := range map[string]string{
		`"bert"`: `"gpt2"`, `"vocab_size": 9`: `"vocab_size": -1`, `"num_attention_heads": 2`: `"num_attention_heads": 3`,
		`"gelu"`: `"swish"`, `"type_vocab_size": 2`: `"type_vocab_size": -2`, `"layer_norm_eps"`: `"position_embedding_type": "relative_key", "x"`,
	} {
		_, err := ParseConfig([]byte(strings.Replace(configText, old, change, 1)))
		require.Error(t, err, change)
	}
}

func tokenizer(t *testing.T, options string) *Tokenizer {
	t.Helper()
	v, err := ParseVocabulary([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\naff\n!\r\né\ne\nE\n京\n##x\n"))
	require.NoError(t, err)
	require.Equal(t, 15, v.Len())
	tk, err := NewTokenizer(v, []byte(options))
	require.NoError(t, err)
	return tk
}

func TestTokenize(t *testing.T) {
	for _, c := range []struct{ name, options, text, want string }{
		{"pieces", `{}`, "unaffable affx", "[un ##aff ##able aff ##x]"},
		{"unknown", `{}`, "unfair aff", "[[UNK] aff]"},
		{"too long", `{}`, "un" + strings.Repeat("x", 99) + " e", "[[UNK] e]"},
		{"punctuation", `{}`, "e!!aff", "[e ! ! aff]"},
		{"accents", `{}`, "É", "[e]"},
		{"accents stay", `{"strip_accents": false}`, "É", "[é]"},
		{"case stays", `{"do_lower_case": false}`, "E é", "[E é]"},
		{"Chinese", `{}`, "e京e", "[e 京 e]"},
		{"Chinese stays", `{"tokenize_chinese_chars": false}`, "e京e", "[[UNK]]"},
		{"special tokens", `{}`, "e[MASK]e [SEP]", "[e [MASK] e [SEP]]"},
		{"special tokens of another name", `{"mask_token": {"content": "京"}, "do_lower_case": false}`, "E京E", "[E 京 E]"},
		{"control characters", `{}`, "u\x00n\u200baff\u00adable\te", "[un ##aff ##able e]"},
		{"only blanks", `{}`, " \t ", "[]"},
		{"no preparation", `{"do_basic_tokenize": false}`, "e! e", "[[UNK] e]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tk := tokenizer(t, c.options)
			pieces := []string{}
			for _, id := range tk.Tokenize(c.text) {
				pieces = append(pieces, string(tk.vocabulary.Piece(id)))
			}
			require.Equal(t, c.want, fmt.Sprint(pieces))
		})
	}
}

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o644))
	}
	fails := func(want string) {
		t.Helper()
		_, err := Load(folder)
		require.ErrorContains(t, err, want)
	}
	fails(ConfigFile)
	write(ConfigFile, []byte(`{"model_type": "xlnet"}`))
	fails("xlnet")
	write(ConfigFile, []byte(configText))
	fails(VocabularyFile)
	write(VocabularyFile, []byte(strings.Repeat("x\n", 10)+"[UNK]"))
	fails("11 word pieces are more than vocab_size 9")
	write(VocabularyFile, []byte("a\nb"))
	fails(`no "[UNK]"`)
	write(VocabularyFile, []byte("a\nb\n[UNK]"))
	fails(SafetensorsFile)
	write(ONNXFile, onnx(false))
	e, err := Load(folder)
	require.NoError(t, err)
	want := encode(t, e.Model, e.Tokenize("a b c"))
	data, err := set(t, same).Bytes()
	require.NoError(t, err)
	write(SafetensorsFile, data)
	e, err = Load(folder)
	require.NoError(t, err)
	require.Equal(t, want, encode(t, e.Model, []int{0, 1, 2}))
	write(SafetensorsFile, data[:100])
	fails(SafetensorsFile)
}

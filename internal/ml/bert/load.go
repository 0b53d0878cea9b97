package bert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parleybot/parley/internal/ml/weights"
)

// The files of a model.
const (
	ConfigFile          = "config.json"
	VocabularyFile      = "vocab.txt"
	TokenizerConfigFile = "tokenizer_config.json"
	SafetensorsFile     = "model.safetensors"
	ONNXFile            = "model.onnx"
)

// Encoder is a model with its tokenizer. It may be used by several goroutines.
type Encoder struct {
	*Model
	*Tokenizer
}

// ErrNoWeights says that a folder has no file of weights that can be read.
var ErrNoWeights = errors.New("there is neither " + SafetensorsFile + " nor " + ONNXFile)

// Load reads an encoder from a folder. The files must not be changed while the process runs. Errors name the file; the
// one for a missing file wraps fs.ErrNotExist.
func Load(folder string) (*Encoder, error) {
	data, err := os.ReadFile(filepath.Join(folder, ConfigFile))
	if err != nil {
		return nil, err
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(folder, ConfigFile), err)
	}
	tokenizer, err := loadTokenizer(folder)
	if err != nil {
		return nil, err
	}
	if n := tokenizer.vocabulary.Len(); n > config.Vocabulary {
		return nil, fmt.Errorf("reading %s: %d word pieces are more than vocab_size %d in %s",
			filepath.Join(folder, VocabularyFile), n, config.Vocabulary, ConfigFile)
	}
	path, set, err := loadWeights(folder, config)
	if err != nil {
		return nil, err
	}
	model, err := New(config, set)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return &Encoder{model, tokenizer}, nil
}

func loadTokenizer(folder string) (*Tokenizer, error) {
	path := filepath.Join(folder, VocabularyFile)
	data, err := weights.MapFile(path)
	if err != nil {
		return nil, err
	}
	vocabulary, err := ParseVocabulary(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	path = filepath.Join(folder, TokenizerConfigFile)
	options, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t, err := NewTokenizer(vocabulary, options)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return t, nil
}

// loadWeights reads the first file of weights there is.
func loadWeights(folder string, config Config) (path string, set *weights.Set, err error) {
	for _, file := range []struct {
		name string
		read func(data []byte) (*weights.Set, error)
	}{
		{SafetensorsFile, weights.Read},
		{ONNXFile, func(data []byte) (*weights.Set, error) { return readONNX(data, config) }},
		{filepath.Join("onnx", ONNXFile), func(data []byte) (*weights.Set, error) { return readONNX(data, config) }},
	} {
		path := filepath.Join(folder, file.name)
		data, err := weights.MapFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return path, nil, err
		}
		if set, err = file.read(data); err != nil {
			return path, nil, fmt.Errorf("reading %s: %w", path, err)
		}
		return path, set, nil
	}
	return folder, nil, fmt.Errorf("reading %s: %w", folder, ErrNoWeights)
}

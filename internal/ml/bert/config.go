package bert

import (
	"encoding/json"
	"fmt"
)

// Config are the sizes of an encoder, from config.json of transformers.
type Config struct {
	// Type is bert or distilbert.
	Type         string
	Vocabulary   int
	Hidden       int
	Layers       int
	Heads        int
	Intermediate int
	// Positions is how many tokens there can be.
	Positions  int
	TokenTypes int
	// Activation is that of the feed-forward layers: gelu, gelu_new or relu.
	Activation string
	Epsilon    float32
}

// rawConfig has the keys of both types.
type rawConfig struct {
	ModelType  string   `json:"model_type"`
	Vocabulary int      `json:"vocab_size"`
	Positions  int      `json:"max_position_embeddings"`
	TokenTypes *int     `json:"type_vocab_size"`
	Epsilon    *float64 `json:"layer_norm_eps"`
	Positional string   `json:"position_embedding_type"`

	Hidden       int    `json:"hidden_size"`
	Layers       int    `json:"num_hidden_layers"`
	Heads        int    `json:"num_attention_heads"`
	Intermediate int    `json:"intermediate_size"`
	Activation   string `json:"hidden_act"`

	DistilHidden       int    `json:"dim"`
	DistilLayers       int    `json:"n_layers"`
	DistilHeads        int    `json:"n_heads"`
	DistilIntermediate int    `json:"hidden_dim"`
	DistilActivation   string `json:"activation"`
}

// maxSize bounds every size in a configuration.
const maxSize = 1 << 22

// ParseConfig reads config.json.
func ParseConfig(data []byte) (Config, error) {
	var raw rawConfig
	if err := json.Unmarshal(data, &raw); err != nil {
		return Config{}, err
	}
	c := Config{
		Type: raw.ModelType, Vocabulary: raw.Vocabulary, Hidden: raw.Hidden, Layers: raw.Layers, Heads: raw.Heads,
		Intermediate: raw.Intermediate, Positions: raw.Positions, TokenTypes: 2, Activation: raw.Activation, Epsilon: 1e-12,
	}
	switch raw.ModelType {
	case "bert":
		if raw.TokenTypes != nil {
			c.TokenTypes = *raw.TokenTypes
		}
	case "distilbert":
		c.Hidden, c.Layers, c.Heads = raw.DistilHidden, raw.DistilLayers, raw.DistilHeads
		c.Intermediate, c.Activation, c.TokenTypes = raw.DistilIntermediate, raw.DistilActivation, 0
	default:
		return c, fmt.Errorf(`model_type is %q, possible are "bert" and "distilbert"`, raw.ModelType)
	}
	if raw.Epsilon != nil {
		c.Epsilon = float32(*raw.Epsilon)
	}
	if raw.Positional != "" && raw.Positional != "absolute" {
		return c, fmt.Errorf("position_embedding_type %q is not known", raw.Positional)
	}
	return c, c.check()
}

func (c *Config) check() error {
	for name, n := range map[string]int{
		"vocabulary": c.Vocabulary, "hidden size": c.Hidden, "number of layers": c.Layers, "number of heads": c.Heads,
		"intermediate size": c.Intermediate, "number of positions": c.Positions,
	} {
		if n < 1 || n > maxSize {
			return fmt.Errorf("the %s is %d", name, n)
		}
	}
	if c.TokenTypes < 0 || c.TokenTypes > maxSize {
		return fmt.Errorf("the number of token types is %d", c.TokenTypes)
	}
	if c.Hidden%c.Heads != 0 {
		return fmt.Errorf("the hidden size %d cannot be divided by %d heads", c.Hidden, c.Heads)
	}
	if _, ok := activations[c.Activation]; !ok {
		return fmt.Errorf("activation %q is not known", c.Activation)
	}
	return nil
}

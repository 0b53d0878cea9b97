// Package bert runs encoders of the BERT family (Devlin et al. 2018) from the files that Hugging Face's transformers
// writes: config.json, vocab.txt and model.safetensors, or model.onnx. Its tokenizer is WordPiece with BERT's
// preparation of the text. Weights are used where they lie, mapped from disk.
package bert

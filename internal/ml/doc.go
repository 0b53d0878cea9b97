// Package ml is the numeric kernel: sparse matrices, losses and optimisers. It knows nothing of messages or intents.
package ml

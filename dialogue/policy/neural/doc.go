// Package neural is the network that TEDPolicy and UnexpecTEDIntentPolicy share (the TED of
// rasa/core/policies/ted_policy.py, Rasa 3.6.21; https://arxiv.org/abs/1910.00486): it turns the states of a conversation
// into vectors, lets a transformer look at the last turns, and compares what comes out with the embedded labels.
//
// A Spec says what a trained network is made of: options, tables, features of the labels. It comes from Rasa's files
// (ReadRasa), from parley's own (Read), or from training (Train), and is made ready to predict by NewModel. A Model is
// immutable and may be used by any number of goroutines.
package neural

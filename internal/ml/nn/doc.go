// Package nn holds the layers of transformer networks over sequences, as Rasa 3.6.21 builds them from TensorFlow 2.12
// (rasa/utils/tensorflow/layers.py, rasa_layers.py, transformer.py, crf.py, models.py), forward and backward.
//
// # Variables
//
// A network is built twice with the same constructors: with NewParams its variables are drawn from a seeded random source,
// with LoadParams they are read from a Source. Names are TensorFlow's object paths, e.g.
// "transformer/_enc_layers/0/_mha/_query_dense_layer/kernel"; a constructor gets the path of its layer. Constructors don't
// return errors: what was missing or has the wrong shape is collected, Params.Err tells all of it.
//
// # Running
//
// A Tape runs layers. It owns the memory of everything that is computed: Tape.Reset takes it all back, so that the steady
// state allocates nothing. A tape from NewTape infers; a tape from NewTrainingTape drops out, and remembers what it did for
// Tape.Backward. A Tape belongs to one goroutine, layers and variables are only read while they infer: any number of
// tapes may run the same network at once. Results don't depend on how many processors there are.
//
// # Shapes
//
// A Tensor is a matrix, one row a position. The sequences of a batch lie one after the other without padding, Offsets says
// where each begins. A layer that works by rows doesn't care; attention, CRF and masks get the Offsets.
//
// # Training
//
//	tape.Reset()
//	y := layer.Forward(tape, x)
//	loss, accuracy := lossLayer.Forward(tape, y, ...) // puts the gradient into y
//	tape.Backward()                                   // adds to the gradients of the variables
//	adam.Step()                                       // moves them and clears the gradients
//
// Several losses may be computed on one tape before Backward: their gradients add up.
package nn

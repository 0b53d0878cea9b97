// Package tfbundle reads the variables of a TensorFlow checkpoint: an index file `X.index` and data files
// `X.data-00000-of-00001`.
//
// The index is a sorted-string table in LevelDB's format (tensorflow/core/lib/io/format.h, block.cc; TensorFlow 2.12):
// blocks of prefix-compressed keys, each followed by its compression and a masked CRC-32C, and a footer that leads to
// the index of blocks. The value of the empty key is a BundleHeaderProto, that of each variable a BundleEntryProto
// (tensorflow/core/protobuf/tensor_bundle.proto) with element type, shape and place in a data file. Nothing of the
// object graph that TensorFlow keeps beside the variables is interpreted.
package tfbundle

// Package weights holds named tensors as a file stores them: element type, shape and little-endian bytes, which may be
// mapped from disk. Views of the numbers are given without copying where the bytes are aligned.
//
// Sets are read from and written to the safetensors format (https://github.com/huggingface/safetensors, format 0.3):
// eight bytes with the length of a JSON header, the header with an entry {dtype, shape, data_offsets} for each tensor,
// then the tensors without gaps. Nothing in a file is executed, and a damaged file gives an error that names the tensor.
package weights

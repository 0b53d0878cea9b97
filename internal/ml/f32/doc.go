// Package f32 is the numeric kernel of the neural models: products of float32 matrices (dense, sparse, block-sparse), and
// the vector operations that layers, losses and optimisers are made of.
//
// On amd64 the inner loops are assembly for AVX2 with FMA or AVX-512, chosen at start by what the processor can do; asm/
// generates it. Other machines, and builds with the tag purego, run the same algorithms in Go. Large products use up to
// GOMAXPROCS goroutines that share out rows and columns of the result, never the terms of a sum: for one machine the
// result has the same bits for any number of cores. Small products and those of few rows do not allocate.
//
// Shapes are the caller's contract: an operation panics when they do not fit, like an index out of range. Operations
// write only their destination and may run concurrently when destinations do not overlap. Unless a comment says
// otherwise, an element-wise destination may be one of its sources, and that of a product may not.
package f32

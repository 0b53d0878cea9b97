// Package crfsuite trains first-order linear-chain conditional random fields and marks sequences with them, as CRFsuite
// 0.12.2 does with its algorithm "lbfgs" (N. Okazaki, "CRFsuite: a fast implementation of conditional random fields",
// 2007): the same features in the same order, the same objective with L1 and L2 penalties, and the steps of libLBFGS
// 1.10, orthant-wise ones (Andrew, Gao 2007) when there is an L1 penalty. Stopped after the same number of iterations the
// weights agree with CRFsuite's up to rounding.
//
// Sequences are worked on in groups, so that the recursions over positions are products of matrices. Results do not
// depend on the number of processors.
package crfsuite

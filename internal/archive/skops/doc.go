// Package skops reads estimators of scikit-learn that the Python library skops wrote (skops 0.9, protocols 0 and 1):
// a zip file with `schema.json`, a tree of typed nodes, and the arrays it refers to in numpy's own format.
//
// Nothing of a file is executed: objects become names of classes with attributes, and a node of a type that is not
// known is an error.
package skops

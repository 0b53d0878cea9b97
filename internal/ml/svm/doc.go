// Package svm trains support vector machines for classification and asks them, as SVC of scikit-learn 1.1.3 does with
// its copy of libsvm (C. Chang, C. Lin, "LIBSVM: A Library for Support Vector Machines", 2011): sequential minimal
// optimisation with second-order working sets and shrinking (Fan, Chen, Lin 2005), one machine for each pair of classes,
// and probabilities by sigmoids fitted to five-fold cross-validation (Platt 2000; Lin, Lin, Weng 2007) that are coupled
// pairwise (Wu, Lin, Weng 2004, method 2). With the seed that scikit-learn passes on, the folds are the same too.
package svm

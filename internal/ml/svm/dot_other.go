//go:build !amd64 || purego

package svm

func dot(a, b []float64) float64 { return dotGo(a, b) }

//go:build !amd64 || purego

package ml

func column(rows []int32, values []float64, in, out, sum []float64, width int) {
	columnGo(rows, values, in, out, sum, width)
}

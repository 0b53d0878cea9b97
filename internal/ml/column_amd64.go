//go:build !purego

package ml

import "golang.org/x/sys/cpu"

var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// column stores the sum of the rows of in, each times its value, in sum, and adds the sum times the value to the same
// rows of out. Rows have width elements, 8 or 32; there is at least one.
func column(rows []int32, values []float64, in, out, sum []float64, width int) {
	if !accelerated {
		columnGo(rows, values, in, out, sum, width)
		return
	}
	_, _ = values[len(rows)-1], sum[width-1]
	if width == 32 {
		column32(&rows[0], &values[0], len(rows), &in[0], &out[0], &sum[0])
	} else {
		column8(&rows[0], &values[0], len(rows), &in[0], &out[0], &sum[0])
	}
}

//go:noescape
func column32(rows *int32, values *float64, count int, in, out, sum *float64)

//go:noescape
func column8(rows *int32, values *float64, count int, in, out, sum *float64)

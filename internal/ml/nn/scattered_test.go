package nn

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestScatter: connections are drawn one by one, everything is connected, and what is not connected stays zero.
func TestScatter(t *testing.T) {
	p := NewParams(1)
	p.Scatter()
	d := NewDense(p, "layer", 30, 50, DenseOptions{Density: 0.2})
	kernel := p.Variable("layer/kernel")
	adam := NewAdam(p, 0.1)
	tape := NewTrainingTape(1)
	for range 3 {
		tape.Reset()
		x := tape.Tensor(4, 30)
		for i := range x.Elements() {
			x.Data[i] = float32(i%7) - 3
		}
		y := d.Forward(tape, x)
		tape.AddGrad(y, y.Mat)
		tape.Backward()
		adam.Step()
	}
	used, inputs, units := 0, map[int]bool{}, map[int]bool{}
	for i, v := range kernel.Value {
		if v != 0 {
			used++
			inputs[i/50], units[i%50] = true, true
		}
	}
	assert.InDelta(t, 0.2+0.8/30, float64(used)/1500, 0.05)
	assert.Len(t, inputs, 30)
	assert.Len(t, units, 50)
}

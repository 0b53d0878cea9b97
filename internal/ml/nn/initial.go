package nn

import "math"

// glorotLimit is the bound of the uniform distribution Keras 2.12 draws from (GlorotUniform; fans as in
// keras/initializers/initializers.py _compute_fans).
func glorotLimit(shape []int) float32 {
	in, out := 1.0, 1.0
	switch len(shape) {
	case 0:
	case 1:
		in, out = float64(shape[0]), float64(shape[0])
	default:
		field := float64(count(shape[:len(shape)-2]))
		in, out = field*float64(shape[len(shape)-2]), field*float64(shape[len(shape)-1])
	}
	return float32(math.Sqrt(3 / max(1, (in+out)/2)))
}

// grow returns the rows of data, whose parts have the sizes from, with new rows after each part so that the sizes are to.
func (p *Params) grow(v *Variable, data []float32, from, to []int) []float32 {
	mean, deviation := moments(data)
	r := p.random(v.Name)
	cols := v.Cols()
	out := make([]float32, 0, v.Shape[0]*cols)
	for i := range to {
		size := 0
		if i < len(from) {
			size = from[i]
		}
		kept := min(size, to[i])
		out = append(out, data[:kept*cols]...)
		data = data[size*cols:]
		for range (to[i] - kept) * cols {
			out = append(out, float32(mean+deviation*r.normal()))
		}
	}
	return out
}

func moments(data []float32) (mean, deviation float64) {
	for _, x := range data {
		mean += float64(x)
	}
	n := float64(max(len(data), 1))
	mean /= n
	for _, x := range data {
		deviation += (float64(x) - mean) * (float64(x) - mean)
	}
	return mean, math.Sqrt(deviation / n)
}

// normal returns a normally distributed number (Box and Muller 1958).
func (r *Random) normal() float64 {
	u := 1 - float64(r.Uint64()>>11)/(1<<53)
	w := float64(r.Uint64()>>11) / (1 << 53)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*w)
}

package f32

import "math/rand/v2"

// lanes is how many generators a Rand runs side by side.
const lanes = 8

// Rand makes random masks: eight xoshiro128+ generators (Blackman, Vigna: Scrambled linear pseudorandom number generators,
// 2018) side by side. A seed gives the same masks on every machine. Not for concurrent use.
type Rand struct {
	state [4][lanes]uint32
}

// NewRand returns a generator for a seed.
func NewRand(seed uint64) *Rand {
	r := new(Rand)
	source := rand.NewPCG(seed, 0x9e3779b97f4a7c15)
	for i := range r.state {
		for j := range lanes {
			r.state[i][j] = uint32(source.Uint64()>>32) | 1
		}
	}
	return r
}

// Dropout fills mask with 0, at the given rate in steps of 1/65536, and 1/(1-rate): what inverted drop-out multiplies
// activations and their gradients by.
func (r *Rand) Dropout(mask []float32, rate float32) {
	threshold := uint32(min(max(rate, 0), 1)*65536 + 0.5)
	keep := float32(0)
	if rate < 1 {
		keep = 1 / (1 - rate)
	}
	randDropout(&r.state, mask, threshold, keep)
}

package nn

import (
	"math/bits"
	"math/rand/v2"
)

// Random is a source of random numbers, the same on every machine for the same seed (xoshiro256++, Blackman and Vigna 2019).
// It belongs to one goroutine.
type Random struct{ s [4]uint64 }

// NewRandom returns a source for a seed. The seed is spread by splitmix64, so that near seeds have nothing in common.
func NewRandom(seed uint64) *Random {
	r := new(Random)
	for i := range r.s {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		r.s[i] = z ^ z>>31
	}
	return r
}

// Uint64 returns 64 random bits.
func (r *Random) Uint64() uint64 {
	s := &r.s
	out := bits.RotateLeft64(s[0]+s[3], 23) + s[0]
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return out
}

// std returns the source in the standard library's form.
func (r *Random) std() *rand.Rand { return rand.New(r) }

// Float32 returns a number in [0, 1).
func (r *Random) Float32() float32 { return float32(r.Uint64()>>40) / (1 << 24) }

// IntN returns a number in [0, n), n > 0.
func (r *Random) IntN(n int) int {
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(hi)
}

// Uniform fills dst with numbers in [low, high).
func (r *Random) Uniform(dst []float32, low, high float32) {
	for i := range dst {
		dst[i] = low + (high-low)*r.Float32()
	}
}

// Shuffle orders n things at random (Fisher and Yates).
func (r *Random) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.IntN(i+1))
	}
}

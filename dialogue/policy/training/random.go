package training

import "math/bits"

// random is Python's random.Random: the Mersenne Twister MT19937, so that the same conversations are glued as in Rasa.
type random struct {
	state [624]uint32
	next  int
}

// newRandom returns the generator seeded with a number, as random.Random(seed).
func newRandom(seed uint32) *random {
	r := &random{next: 624}
	s := &r.state
	s[0] = 19650218
	for i := uint32(1); i < 624; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + i
	}
	i := 1
	step := func() {
		if i++; i == 624 {
			s[0] = s[623]
			i = 1
		}
	}
	for range 624 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + seed
		step()
	}
	for range 623 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		step()
	}
	s[0] = 0x80000000
	return r
}

func (r *random) uint32() uint32 {
	if r.next == 624 {
		for i := range r.state {
			y := r.state[i]&0x80000000 | r.state[(i+1)%624]&0x7fffffff
			n := r.state[(i+397)%624] ^ y>>1
			if y&1 != 0 {
				n ^= 0x9908b0df
			}
			r.state[i] = n
		}
		r.next = 0
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below returns a number in [0, n), as Random._randbelow.
func (r *random) below(n int) int {
	width := bits.Len(uint(n))
	for {
		if v := int(r.uint32() >> (32 - width)); v < n {
			return v
		}
	}
}

// shuffle is random.shuffle.
func (r *random) shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.below(i+1))
	}
}

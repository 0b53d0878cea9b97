package svm

// twister is the Mersenne twister MT19937 (Matsumoto, Nishimura 1998), which scikit-learn's libsvm uses.
type twister struct {
	state [624]uint32
	at    int
}

func newTwister(seed uint32) *twister {
	t := &twister{at: 624}
	t.state[0] = seed
	for i := 1; i < len(t.state); i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	return t
}

func (t *twister) next() uint32 {
	const n, m = 624, 397
	if t.at == n {
		for i := range n {
			y := t.state[i]&0x80000000 | t.state[(i+1)%n]&0x7fffffff
			t.state[i] = t.state[(i+m)%n] ^ y>>1
			if y&1 != 0 {
				t.state[i] ^= 0x9908b0df
			}
		}
		t.at = 0
	}
	y := t.state[t.at]
	t.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below returns a number less than n (Lemire 2019, as in scikit-learn's newrand.h).
func (t *twister) below(n int) int {
	size := uint32(n)
	m := uint64(t.next()) * uint64(size)
	if uint32(m) < size {
		for limit := -size % size; uint32(m) < limit; {
			m = uint64(t.next()) * uint64(size)
		}
	}
	return int(m >> 32)
}

// permutation returns the numbers below n in random order.
func (t *twister) permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := range p {
		j := i + t.below(n-i)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

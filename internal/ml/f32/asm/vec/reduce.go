package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// horizontal combines the eight lanes of v into the lowest of the result.
func horizontal(v vec, op func(src, dst Op)) reg.Register {
	low, high := v.AsX(), XMM()
	VEXTRACTF128(Imm(1), v, high)
	op(high, low)
	VSHUFPS(Imm(0x4e), low, low, high)
	op(high, low)
	VSHUFPS(Imm(0xb1), low, low, high)
	op(high, low)
	return low
}

func add(src, dst Op) { VADDPS(src, dst, dst) }

func largest(src, dst Op) { VMAXPS(src, dst, dst) }

// total adds four vectors and their lanes.
func total(s []vec) reg.Register {
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	return horizontal(s[0], add)
}

func fourZeros() []vec { return []vec{zeroed(), zeroed(), zeroed(), zeroed()} }

func reductions() {
	function("dotAVX", "(a, b []float32) float32")
	s := fourZeros()
	each([]string{"a", "b"}, 4, func(l *loop, u int) { VFMADD231PS(l.load("a", u), l.load("b", u), s[u]) })
	Store(total(s), ReturnIndex(0))
	end()

	function("sumAVX", "(x []float32) float32")
	s = fourZeros()
	each([]string{"x"}, 4, func(l *loop, u int) { VADDPS(l.load("x", u), s[u], s[u]) })
	Store(total(s), ReturnIndex(0))
	end()

	function("sumSquaredDiffAVX", "(x []float32, mean float32) float32")
	s = fourZeros()
	mean := param("mean")
	each([]string{"x"}, 4, func(l *loop, u int) {
		x := l.load("x", u)
		VSUBPS(mean, x, x)
		l.only(x)
		VFMADD231PS(x, x, s[u])
	})
	Store(total(s), ReturnIndex(0))
	end()

	function("maxAVX", "(x []float32) float32")
	low := YMM()
	VMOVUPS(constant(math.Inf(-1)), low)
	top := []vec{YMM(), YMM()}
	VMOVAPS(low, top[0])
	VMOVAPS(low, top[1])
	each([]string{"x"}, 2, func(l *loop, u int) {
		x := l.load("x", u)
		if l.mask != nil {
			VBLENDVPS(l.mask, x, low, x)
		}
		VMAXPS(x, top[u], top[u])
	})
	VMAXPS(top[1], top[0], top[0])
	Store(horizontal(top[0], largest), ReturnIndex(0))
	end()

	function("expSumAVX", "(dst, x []float32, top float32) float32")
	shift := param("top")
	sum := zeroed()
	each([]string{"dst", "x"}, 1, func(l *loop, u int) {
		x := l.load("x", u)
		VSUBPS(shift, x, x)
		e := l.only(exp(x))
		VADDPS(e, sum, sum)
		l.store("dst", u, e)
	})
	Store(horizontal(sum, add), ReturnIndex(0))
	end()
}

func norms() {
	function("softmaxGradAVX", "(dx, y, dy []float32, dot float32)")
	dot := param("dot")
	each([]string{"dx", "y", "dy"}, 2, func(l *loop, u int) {
		y, dy := l.load("y", u), l.load("dy", u)
		VSUBPS(dot, dy, dy)
		VMULPS(y, dy, dy)
		l.store("dx", u, dy)
	})
	end()

	function("normalizeAVX", "(dst, x, gamma, beta []float32, mean, inv float32)")
	mean, inv := param("mean"), param("inv")
	each([]string{"dst", "x", "gamma", "beta"}, 2, func(l *loop, u int) {
		x, beta := l.load("x", u), l.load("beta", u)
		VSUBPS(mean, x, x)
		VMULPS(inv, x, x)
		VFMADD231PS(l.load("gamma", u), x, beta)
		l.store("dst", u, beta)
	})
	end()

	function("normGradSumsAVX", "(dGamma, dBeta, x, dy, gamma []float32, mean, inv float32) (a, b float32)")
	mean, inv = param("mean"), param("inv")
	a, b := zeroed(), zeroed()
	each([]string{"dGamma", "dBeta", "x", "dy", "gamma"}, 1, func(l *loop, u int) {
		h, dy := l.load("x", u), l.load("dy", u)
		VSUBPS(mean, h, h)
		VMULPS(inv, h, h)
		l.only(h)
		dGamma, dBeta, dh := l.load("dGamma", u), l.load("dBeta", u), l.load("gamma", u)
		VFMADD231PS(dy, h, dGamma)
		VADDPS(dy, dBeta, dBeta)
		VMULPS(dy, dh, dh)
		VADDPS(dh, a, a)
		VFMADD231PS(dh, h, b)
		l.store("dGamma", u, dGamma)
		l.store("dBeta", u, dBeta)
	})
	Store(horizontal(a, add), Return("a"))
	Store(horizontal(b, add), Return("b"))
	end()

	function("normGradAVX", "(dx, x, dy, gamma []float32, mean, inv, a, b float32)")
	mean, inv = param("mean"), param("inv")
	a, b = param("a"), param("b")
	each([]string{"dx", "x", "dy", "gamma"}, 1, func(l *loop, u int) {
		h, dy := l.load("x", u), l.load("dy", u)
		VSUBPS(mean, h, h)
		VMULPS(inv, h, h)
		VMULPS(l.load("gamma", u), dy, dy)
		VSUBPS(a, dy, dy)
		VFNMADD231PS(b, h, dy)
		VMULPS(inv, dy, dy)
		l.store("dx", u, dy)
	})
	end()
}

// adam's parameter c points at adamConst.
func adam() {
	function("adamAVX", "(param, grad, m, v []float32, c *float32)")
	c := Load(Param("c"), GP64())
	var k [6]vec
	for i := range k {
		k[i] = YMM()
		VBROADCASTSS(Mem{Base: c}.Offset(4*i), k[i])
	}
	alpha, beta1, beta2, epsilon, l2, gate := k[0], k[1], k[2], k[3], k[4], k[5]
	each([]string{"param", "grad", "m", "v"}, 1, func(l *loop, u int) {
		p, g, m, v := l.load("param", u), l.load("grad", u), l.load("m", u), l.load("v", u)
		d := YMM()
		VCMPPS(Imm(1), g, gate, d) // gate < g
		VANDPS(l2, d, d)
		VFMADD231PS(d, p, g)
		VSUBPS(m, g, d)
		VFMADD231PS(beta1, d, m)
		VFMSUB213PS(v, g, g)
		VFMADD231PS(beta2, g, v)
		l.store("m", u, m)
		l.store("v", u, v)
		VSQRTPS(v, d)
		VADDPS(epsilon, d, d)
		VMULPS(alpha, m, m)
		VDIVPS(d, m, m)
		VSUBPS(m, p, p)
		l.store("param", u, p)
	})
	end()
}

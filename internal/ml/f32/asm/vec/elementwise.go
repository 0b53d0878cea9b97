package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func arithmetic() {
	binary := func(name string, op func(dst, a, b vec)) {
		function(name, "(dst, a, b []float32)")
		each([]string{"dst", "a", "b"}, 4, func(l *loop, u int) {
			a, b := l.load("a", u), l.load("b", u)
			op(a, a, b)
			l.store("dst", u, a)
		})
		end()
	}
	binary("addAVX", func(dst, a, b vec) { VADDPS(b, a, dst) })
	binary("subAVX", func(dst, a, b vec) { VSUBPS(b, a, dst) })
	binary("mulAVX", func(dst, a, b vec) { VMULPS(b, a, dst) })

	function("mulAddAVX", "(dst, a, b []float32)")
	each([]string{"dst", "a", "b"}, 4, func(l *loop, u int) {
		a, b, c := l.load("a", u), l.load("b", u), l.load("dst", u)
		VFMADD231PS(a, b, c)
		l.store("dst", u, c)
	})
	end()

	function("axpyAVX", "(dst, x []float32, alpha float32)")
	alpha := param("alpha")
	each([]string{"dst", "x"}, 4, func(l *loop, u int) {
		x, y := l.load("x", u), l.load("dst", u)
		VFMADD231PS(alpha, x, y)
		l.store("dst", u, y)
	})
	end()

	function("scaleAVX", "(dst, x []float32, alpha float32)")
	factor := param("alpha")
	each([]string{"dst", "x"}, 4, func(l *loop, u int) {
		x := l.load("x", u)
		VMULPS(factor, x, x)
		l.store("dst", u, x)
	})
	end()
}

func activations() {
	function("reluAVX", "(dst, x []float32)")
	zero := zeroed()
	each([]string{"dst", "x"}, 4, func(l *loop, u int) {
		x := l.load("x", u)
		VMAXPS(x, zero, x)
		l.store("dst", u, x)
	})
	end()

	function("reluGradAVX", "(dx, x, dy []float32)")
	none := zeroed()
	each([]string{"dx", "x", "dy"}, 4, func(l *loop, u int) {
		x, dy := l.load("x", u), l.load("dy", u)
		VCMPPS(Imm(1), x, none, x) // 0 < x
		VANDPS(x, dy, dy)
		l.store("dx", u, dy)
	})
	end()

	exponentials()
	gelu()
}

// unary is a function of each element.
func unary(name string, op func(x vec) vec) {
	function(name, "(dst, x []float32)")
	each([]string{"dst", "x"}, 2, func(l *loop, u int) { l.store("dst", u, op(l.load("x", u))) })
	end()
}

func exponentials() {
	unary("expAVX", exp)
	unary("sigmoidAVX", func(x vec) vec {
		VXORPS(bits(1<<31), x, x)
		e := exp(x)
		VADDPS(constant(1), e, e)
		one := YMM()
		VMOVUPS(constant(1), one)
		VDIVPS(e, one, e)
		return e
	})
	unary("tanhAVX", func(x vec) vec {
		VADDPS(x, x, x)
		e := exp(x)
		VADDPS(constant(1), e, e)
		two := YMM()
		VMOVUPS(constant(-2), two)
		VDIVPS(e, two, e)
		VADDPS(constant(1), e, e)
		return e
	})
}

// gelu is x times the normal distribution's function, its slope, and both at once.
func gelu() {
	unary("geluAVX", func(x vec) vec {
		cdf, _ := normal(x)
		VMULPS(x, cdf, cdf)
		return cdf
	})

	function("geluSlopeAVX", "(dst, slope, x []float32)")
	each([]string{"dst", "slope", "x"}, 2, func(l *loop, u int) {
		x := l.load("x", u)
		cdf, e := normal(x)
		out := YMM()
		VMULPS(x, cdf, out)
		VMULPS(constant(0.3989422804014327), x, x)
		VFMADD231PS(x, e, cdf)
		l.store("dst", u, out)
		l.store("slope", u, cdf)
	})
	end()

	function("geluGradAVX", "(dx, x, dy []float32)")
	each([]string{"dx", "x", "dy"}, 2, func(l *loop, u int) {
		x, dy := l.load("x", u), l.load("dy", u)
		cdf, e := normal(x)
		VMULPS(constant(0.3989422804014327), x, x)
		VFMADD231PS(x, e, cdf)
		VMULPS(dy, cdf, cdf)
		l.store("dx", u, cdf)
	})
	end()
}

// exp returns e^x: 2^n times a polynomial of the rest of x/log 2 (coefficients of Moshier's Cephes, expf). x is kept.
func exp(x vec) vec {
	v, n, r, half := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(constant(89), v)
	VMINPS(x, v, v) // of NaN and a number these two return the first operand as written here: NaN
	floor := YMM()
	VMOVUPS(constant(-104), floor)
	VMAXPS(v, floor, v)
	VMULPS(constant(1.4426950408889634), v, n)
	VROUNDPS(Imm(8), n, n)
	VMOVAPS(v, r)
	VFNMADD231PS(constant(0.693359375), n, r)
	VFNMADD231PS(constant(-2.12194440e-4), n, r)
	p := YMM()
	VMOVUPS(constant(1.9875691500e-4), p)
	for _, c := range []float64{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		VFMADD213PS(constant(c), r, p)
	}
	square := YMM()
	VMULPS(r, r, square)
	VFMADD213PS(r, square, p)
	VADDPS(constant(1), p, p)
	// n reaches 128: 2^n in two factors.
	VCVTPS2DQ(n, n)
	VPSRAD(Imm(1), n, half)
	VPSUBD(half, n, n)
	for _, f := range []vec{n, half} {
		VPADDD(bits(127), f, f)
		VPSLLD(Imm(23), f, f)
		VMULPS(f, p, p)
	}
	low := YMM()
	VCMPPS(Imm(1), constant(-87.3365447505), v, low) // v < ..., false for NaN
	VANDNPS(p, low, p)
	return p
}

// normal returns the standard normal distribution's cumulative function at x, and e^(-x²/2). The error function is
// formula 7.1.26 of Abramowitz and Stegun's handbook. x is kept.
func normal(x vec) (cdf, e vec) {
	square := YMM()
	VMULPS(x, x, square)
	VMULPS(constant(-0.5), square, square)
	e = exp(square)
	abs, t, one := YMM(), YMM(), YMM()
	VANDPS(bits(0x7fffffff), x, abs)
	VMOVUPS(constant(1), one)
	VMOVUPS(constant(0.3275911*0.7071067811865476), t)
	VFMADD213PS(one, abs, t)
	VDIVPS(t, one, t)
	p := YMM()
	VMOVUPS(constant(0.5*1.061405429), p)
	for _, c := range []float64{-1.453152027, 1.421413741, -0.284496736, 0.254829592} {
		VFMADD213PS(constant(0.5*c), t, p)
	}
	VMULPS(t, p, p)
	VMULPS(e, p, p) // the share beyond |x|
	cdf = YMM()
	VSUBPS(p, one, cdf)
	VBLENDVPS(x, p, cdf, cdf) // by the sign of x
	return cdf, e
}

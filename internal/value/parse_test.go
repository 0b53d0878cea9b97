package value

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseInt(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", " -7\n": "-7", "+12": "12", "007": "7", "1_000": "1000", "٣٤": "34", "\u30001": "1", "-0": "0",
		"9223372036854775808": "9223372036854775808", "-9223372036854775808": "-9223372036854775808", "000000000000000000001": "1",
	} {
		t.Run(in, func(t *testing.T) {
			v, err := ParseInt(in)
			require.NoError(t, err)
			assert.Equal(t, want, Repr(v))
		})
	}
	for _, in := range []string{"", " ", "-", "1.0", "1e5", "_1", "1_", "1__0", "0x1", "- 1", "+-1", "1 2", "é", "\x1c1"} {
		t.Run("not "+in, func(t *testing.T) {
			_, err := ParseInt(in)
			require.EqualError(t, err, "invalid literal for int() with base 10: "+Repr(in))
		})
	}
	v, err := ParseInt("-9223372036854775808")
	require.NoError(t, err)
	assert.IsType(t, int64(0), v)
	_, err = ParseInt(strings.Repeat("9", 4301))
	require.ErrorContains(t, err, "Exceeds the limit (4300) for integer string conversion: value has 4301 digits")
}

func TestParseFloat(t *testing.T) {
	for in, want := range map[string]float64{
		"1": 1, " 1.5\t": 1.5, ".5": 0.5, "5.": 5, "1e3": 1000, "-1E-2": -0.01, "1_0.2_5": 10.25, "1e400": math.Inf(1), "1e-400": 0,
		"inf": math.Inf(1), "-Infinity": math.Inf(-1), "٣.٥": 3.5, "1e1_0": 1e10,
	} {
		t.Run(in, func(t *testing.T) {
			got, err := ParseFloat(in)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	for _, in := range []string{"nan", "-NaN", "+nan"} {
		got, err := ParseFloat(in)
		require.NoError(t, err)
		assert.True(t, math.IsNaN(got))
	}
	for _, in := range []string{"", ".", "e5", "1e", "1e+", "0x1p3", "1_", "1_.5", "1._5", "+-nan", "infi", "1 2", "1,5"} {
		t.Run("not "+in, func(t *testing.T) {
			_, err := ParseFloat(in)
			require.EqualError(t, err, "could not convert string to float: "+Repr(in))
		})
	}
}

func FuzzParseNumbers(f *testing.F) {
	f.Add(" -1_000.5e-3 ")
	f.Add("٣")
	f.Fuzz(func(t *testing.T, s string) {
		n, intErr := ParseInt(s)
		x, floatErr := ParseFloat(s)
		if intErr != nil {
			return
		}
		if floatErr != nil {
			t.Fatalf("%q is the integer %s but no float", s, Repr(n))
		}
		if small, ok := n.(int64); ok && x != float64(small) {
			t.Fatalf("%q is %d and %g", s, small, x)
		}
	})
}

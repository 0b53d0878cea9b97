package value

import "unicode"

func hasUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }
func hasLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// IsLower is Python's str.islower().
func IsLower(s string) bool {
	cased := false
	for _, r := range s {
		if hasUpper(r) || unicode.IsTitle(r) {
			return false
		}
		cased = cased || hasLower(r)
	}
	return cased
}

// IsUpper is Python's str.isupper().
func IsUpper(s string) bool {
	cased := false
	for _, r := range s {
		if hasLower(r) || unicode.IsTitle(r) {
			return false
		}
		cased = cased || hasUpper(r)
	}
	return cased
}

// IsTitle is Python's str.istitle(): capitals only behind what has no case, small letters only behind what has.
func IsTitle(s string) bool {
	cased, behindCased := false, false
	for _, r := range s {
		switch {
		case hasUpper(r) || unicode.IsTitle(r):
			if behindCased {
				return false
			}
			cased, behindCased = true, true
		case hasLower(r):
			if !behindCased {
				return false
			}
			cased = true
		default:
			behindCased = false
		}
	}
	return cased
}

// IsDigit is Python's str.isdigit().
func IsDigit(s string) bool {
	for _, r := range s {
		if !unicode.IsDigit(r) && !unicode.Is(otherDigits, r) {
			return false
		}
	}
	return s != ""
}

// otherDigits are the characters with Unicode's numeric type Digit, like superscripts.
var otherDigits = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xb2, 0xb3, 1}, {0xb9, 0xb9, 1}, {0x1369, 0x1371, 1}, {0x19da, 0x19da, 1}, {0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1}, {0x2080, 0x2089, 1}, {0x2460, 0x2468, 1}, {0x2474, 0x247c, 1}, {0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1}, {0x24f5, 0x24fd, 1}, {0x24ff, 0x24ff, 1}, {0x2776, 0x277e, 1}, {0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1},
	},
}

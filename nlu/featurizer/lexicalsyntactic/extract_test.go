package lexicalsyntactic

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The wanted answers are those of str.islower, isupper, istitle and isdigit of Python 3.10.
func TestPredicates(t *testing.T) {
	for _, c := range []struct {
		token                      string
		lower, upper, title, digit bool
	}{
		{"hi", true, false, false, false},
		{"HI", false, true, false, false},
		{"Hi", false, false, true, false},
		{"A1", false, true, true, false},
		{"1a", true, false, false, false},
		{"12", false, false, false, true},
		{"²", false, false, false, true},
		{"½", false, false, false, false},
		{"１", false, false, false, true},
		{"٣", false, false, false, true},
		{"①", false, false, false, true},
		{"ǅ", false, false, true, false},
		{"ª", true, false, false, false},
		{"ʰ", true, false, false, false},
		{"Don't", false, false, false, false},
		{"ẞ", false, true, true, false},
		{"O.K.", false, true, true, false},
		{"ⅷ", true, false, false, false},
		{"Ⅷ", false, true, true, false},
		{"Ab Cd", false, false, true, false},
		{"aB", false, false, false, false},
		{"日本", false, false, false, false},
		{"", false, false, false, false},
	} {
		t.Run(c.token, func(t *testing.T) {
			for name, want := range map[string]bool{"low": c.lower, "upper": c.upper, "title": c.title, "digit": c.digit} {
				require.Equal(t, boolText(want), extractors[name](c.token, 0, 1), name)
			}
		})
	}
}

func TestExtractors(t *testing.T) {
	for _, c := range []struct {
		name, token     string
		position, count int
		want            string
	}{
		{"BOS", "x", 0, 2, "True"},
		{"BOS", "x", 1, 2, "False"},
		{"EOS", "x", 1, 2, "True"},
		{"EOS", "x", 0, 2, "False"},
		{"prefix2", "Zürich", 0, 1, "Zü"},
		{"prefix5", "Zür", 0, 1, "Zür"},
		{"suffix1", "Zoë", 0, 1, "ë"},
		{"suffix3", "Zoë", 0, 1, "Zoë"},
		{"suffix5", "🚲 Zoë", 0, 1, "🚲 Zoë"},
		{"pos", "x", 0, 1, "None"},
	} {
		t.Run(c.name+" "+c.token, func(t *testing.T) {
			require.Equal(t, c.want, extractors[c.name](c.token, c.position, c.count))
		})
	}
}

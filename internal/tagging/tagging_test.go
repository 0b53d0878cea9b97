package tagging

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

// TestEntitiesLikeRasa compares with what testdata/record.py recorded.
func TestEntitiesLikeRasa(t *testing.T) {
	data, err := os.ReadFile("testdata/rasa.json")
	require.NoError(t, err)
	list, err := value.Decode(data)
	require.NoError(t, err)
	for i, item := range list.([]any) {
		c := item.(*value.Map)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			p := Predicted{readTags(c, "entity"), readTags(c, "role"), readTags(c, "group")}
			if c.Value("bilou") == true {
				for _, tags := range []Tags{p.Entity, p.Role, p.Group} {
					Repair(tags.Names, tags.Confidences)
				}
			}
			var tokens []Span
			for _, span := range c.List("tokens") {
				pair := span.([]any)
				tokens = append(tokens, Span{int(pair[0].(int64)), int(pair[1].(int64))})
			}
			got := []any{}
			for _, e := range Entities(c.String("text"), tokens, p, ParseSplitting(c.Value("split"))) {
				got = append(got, e)
			}
			require.Equal(t, string(value.Encode(c.Value("entities"), value.JSON)), string(value.Encode(got, value.JSON)))
		})
	}
}

func readTags(c *value.Map, kind string) Tags {
	var tags Tags
	for _, n := range c.Map("tags").List(kind) {
		tags.Names = append(tags.Names, n.(string))
	}
	if c.Value("confidences") == nil {
		return tags
	}
	for _, f := range c.Map("confidences").List(kind) {
		v, _ := value.ToFloat(f)
		tags.Confidences = append(tags.Confidences, v)
	}
	return tags
}

// The wanted tags are those of bilou_tags_from_offsets in Rasa 3.6.21.
func TestBILOU(t *testing.T) {
	tokens := []Span{{0, 2}, {3, 6}, {7, 9}, {10, 12}}
	for _, c := range []struct {
		name     string
		entities []Entity
		want     string
	}{
		{"none", nil, "O O O O"},
		{"one token", []Entity{{Span{3, 6}, "x"}}, "O U-x O O"},
		{"three tokens", []Entity{{Span{3, 12}, "x"}}, "O B-x I-x L-x"},
		{"not at tokens", []Entity{{Span{1, 6}, "x"}, {Span{7, 8}, "y"}}, "O O O O"},
		{"the last of overlapping ones", []Entity{{Span{0, 9}, "x"}, {Span{3, 6}, "y"}}, "B-x U-y L-x O"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, strings.Join(BILOU(tokens, c.entities), " "))
		})
	}
}

func TestCovering(t *testing.T) {
	entities := []Entity{{Span{0, 3}, "x"}, {Span{3, 8}, "y"}, {Span{4, 8}, "z"}}
	for _, c := range []struct {
		token Span
		want  int
	}{
		{Span{0, 2}, 0}, {Span{2, 4}, 0}, {Span{2, 6}, 1}, {Span{5, 6}, 1}, {Span{8, 9}, -1},
	} {
		require.Equal(t, c.want, Covering(c.token, entities), c.token)
	}
}

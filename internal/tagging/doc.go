// Package tagging turns entities into one tag a token and tags back into entities, with the BILOU schema (B-, I-, L-
// for the first, inner and last token of an entity, U- for the only one, O outside) or with bare names
// (rasa/nlu/extractors/extractor.py, rasa/nlu/utils/bilou_utils.py, 3.6.21).
package tagging

// Outside is the tag of a token that belongs to no entity.
const Outside = "O"

// The prefixes of the BILOU schema.
const (
	Beginning = "B-"
	Inside    = "I-"
	Last      = "L-"
	Unit      = "U-"
)

// Prefixes are in the order in which Rasa numbers the tags of an entity.
var Prefixes = []string{Beginning, Inside, Last, Unit}

// Span is where a token or entity stands in its text. Start and End count code points, End is behind the last one.
type Span struct {
	Start, End int
}

// Prefix returns the BILOU prefix of a tag, "" when it has none.
func Prefix(tag string) string {
	if len(tag) >= 2 && tag[1] == '-' {
		switch tag[0] {
		case 'B', 'I', 'L', 'U':
			return tag[:2]
		}
	}
	return ""
}

// Name returns the tag without its prefix.
func Name(tag string) string { return tag[len(Prefix(tag)):] }

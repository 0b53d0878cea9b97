package tagging

// Entity is an annotated entity, or the role or group of one, with its name.
type Entity struct {
	Span
	Name string
}

// BILOU returns the tags of tokens in which entities are annotated. An entity that does not start and end where tokens
// do is left out; of overlapping ones the last counts (bilou_tags_from_offsets).
func BILOU(tokens []Span, entities []Entity) []string {
	tags := make([]string, len(tokens))
	for i := range tags {
		tags[i] = Outside
	}
	for _, e := range entities {
		first, last := -1, -1
		for i, t := range tokens {
			if t.Start == e.Start {
				first = i
			}
			if t.End == e.End {
				last = i
			}
		}
		if first < 0 || last < 0 {
			continue
		}
		if first == last {
			tags[first] = Unit + e.Name
			continue
		}
		tags[first] = Beginning + e.Name
		for i := first + 1; i < last; i++ {
			tags[i] = Inside + e.Name
		}
		tags[last] = Last + e.Name
	}
	return tags
}

// Covering returns the index of the entity that shares most characters with token, -1 when none does; the first of
// several (determine_entity_for_token).
func Covering(token Span, entities []Entity) int {
	best, most := -1, 0
	for i, e := range entities {
		if shared := min(token.End, e.End) - max(token.Start, e.Start); shared > most {
			best, most = i, shared
		}
	}
	return best
}

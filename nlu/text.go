package nlu

// Slice returns the part of text between two positions in code points, as Python's text[start:end] with start and end
// that are not negative.
func Slice(text string, start, end int) string {
	from, to := len(text), len(text)
	i := 0
	for at := range text {
		if i == start {
			from = at
		}
		if i == end {
			to = at
			break
		}
		i++
	}
	return text[min(from, to):to]
}

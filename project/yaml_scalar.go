package project

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// scalarTraits is what decides how a text is written (ruamel.yaml 0.17.21 emitter.py analyze_scalar).
type scalarTraits struct {
	empty, multiline bool
	// plain and single tell that the text may stand unquoted in a block, or in single quotes.
	plain, single bool
}

const (
	lineBreaks = "\n\u0085\u2028\u2029"
	// blanks are what counts as whitespace around indicators.
	blanks = "\x00 \t\r\n\u0085\u2028\u2029"
)

// analyzeScalar finds the traits of s.
func analyzeScalar(s string) scalarTraits {
	if s == "" {
		return scalarTraits{empty: true, plain: true, single: true}
	}
	runes := []rune(s)
	indicators := strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...")
	var special, multiline, breakSpace, spaceBreak bool
	var previous rune
	for i, c := range runes {
		beforeBlank := i+1 >= len(runes) || strings.ContainsRune(blanks, runes[i+1])
		afterBlank := i == 0 || strings.ContainsRune(blanks, previous)
		if i == 0 && (strings.ContainsRune("#,[]{}&*!|>'\"%@`", c) || beforeBlank && strings.ContainsRune("?:-", c)) ||
			i > 0 && (c == ':' && beforeBlank || c == '#' && afterBlank) {
			indicators = true
		}
		isBreak, wasBreak := strings.ContainsRune(lineBreaks, c), i > 0 && strings.ContainsRune(lineBreaks, previous)
		multiline = multiline || isBreak
		special = special || !isOrdinary(c)
		breakSpace = breakSpace || c == ' ' && wasBreak
		spaceBreak = spaceBreak || isBreak && i > 0 && previous == ' '
		previous = c
	}
	edge := " " + lineBreaks
	ends := strings.ContainsRune(edge, runes[0]) || strings.ContainsRune(edge, previous)
	quotable := !special && !breakSpace && !spaceBreak
	return scalarTraits{
		multiline: multiline, single: quotable,
		plain: quotable && !ends && !multiline && !indicators,
	}
}

// isOrdinary reports whether c can be written as it is.
func isOrdinary(c rune) bool {
	return c == '\n' || c >= ' ' && c <= '~' || c == 0x85 || c >= 0xA0 && c <= 0xD7FF ||
		c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF || c >= 0x10000
}

// otherTypes are the texts that YAML reads as something else than a text when they are not quoted; ${NAME} is
// Rasa's own.
var otherTypes = []*regexp.Regexp{
	regexp.MustCompile(`^(?:true|True|TRUE|false|False|FALSE|~|null|Null|NULL|<<|=)?$`),
	regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+0-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+)$`),
	regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+` +
		`|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`),
	regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?` +
		`:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$`),
	regexp.MustCompile(`^.*\$\{.*\}.*$`),
}

// isOtherType reports whether s would not be read as a text when it stands unquoted.
func isOtherType(s string) bool {
	if s == "-" || s == "+" {
		return false
	}
	for _, re := range otherTypes {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}

// maxLine is the column behind which the writer folds (rasa/shared/utils/io.py YAML_LINE_MAX_WIDTH, 3.6.21).
const maxLine = 4096

// text writes a string in the style the emitter chooses; key tells that it is a key, which is never folded.
func (w *yamlWriter) text(s string, indent int, key bool) {
	t := analyzeScalar(s)
	switch {
	case t.plain && !isOtherType(s) && !(key && (t.empty || t.multiline)):
		w.plain(s, indent, !key)
	case strings.ContainsAny(s, "'\n"), !t.single, key && t.multiline:
		w.doubleQuoted(s, indent, !key)
	default:
		w.singleQuoted(s, indent, !key)
	}
}

// plain writes s, folding at single spaces when split is true.
func (w *yamlWriter) plain(s string, indent int, split bool) {
	if split {
		w.folding(s, indent, func(int, int) bool { return true })
		return
	}
	w.write(s)
}

// singleQuoted writes s, which contains no quote and no \n, in single quotes.
func (w *yamlWriter) singleQuoted(s string, indent int, split bool) {
	w.write("'")
	length := len(s)
	for rest := s; rest != ""; {
		n := strings.IndexAny(rest, lineBreaks)
		if n < 0 {
			n = len(rest)
		}
		before := length - len(rest)
		if split {
			w.folding(rest[:n], indent, func(start, end int) bool { return before+start != 0 && before+end != length })
		} else {
			w.write(rest[:n])
		}
		after := strings.TrimLeft(rest[n:], lineBreaks)
		if breaks := rest[n : len(rest)-len(after)]; breaks != "" {
			w.write(breaks)
			w.col = 0
			w.write(strings.Repeat(" ", indent))
		}
		rest = after
	}
	w.write("'")
}

// folding writes s; where a single space stands behind maxLine and foldable(start, end) of it in bytes is true, the
// line is broken.
func (w *yamlWriter) folding(s string, indent int, foldable func(start, end int) bool) {
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] != ' ' {
			end++
		}
		w.write(s[i:end])
		spaces := end
		for spaces < len(s) && s[spaces] == ' ' {
			spaces++
		}
		if spaces == end+1 && w.col > maxLine && foldable(end, spaces) {
			w.newline(indent)
		} else {
			w.write(s[end:spaces])
		}
		i = spaces
	}
}

// escapes are the short escapes of double-quoted scalars.
var escapes = map[rune]string{
	0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e",
	'"': `"`, '\\': `\`, 0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P",
}

// doubleQuoted writes s in double quotes, folding when split is true.
func (w *yamlWriter) doubleQuoted(s string, indent int, split bool) {
	w.write(`"`)
	runes := []rune(s)
	start := 0
	flush := func(end int) {
		if start < end {
			w.write(string(runes[start:end]))
			start = end
		}
	}
	for i, c := range runes {
		if mustEscape(c) {
			flush(i)
			w.write(escaped(c))
			start = i + 1
		}
		if 0 < i && i < len(runes)-1 && (c == ' ' || start >= i) && w.col+i-start > maxLine && split {
			flush(i)
			w.write(`\`)
			w.newline(indent)
			if runes[start] == ' ' {
				w.write(`\`)
			}
		}
	}
	flush(len(runes))
	w.write(`"`)
}

func mustEscape(c rune) bool {
	return c == '"' || c == '\\' || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
		!(c >= ' ' && c <= '~' || c >= 0xA0 && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD)
}

func escaped(c rune) string {
	switch short, ok := escapes[c]; {
	case ok:
		return `\` + short
	case c <= 0xFF:
		return fmt.Sprintf(`\x%02X`, c)
	case c <= 0xFFFF:
		return fmt.Sprintf(`\u%04X`, c)
	}
	return fmt.Sprintf(`\U%08X`, c)
}

// literal writes s as a | block.
func (w *yamlWriter) literal(s string, indent int) {
	hint, end := "", "-"
	if c, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune(" "+lineBreaks, c) {
		hint = "2"
	}
	if s == "" || endsWithBreak(s) {
		end = ""
	}
	if body := trimLast(s); endsWithBreak(s) && (body == "" || endsWithBreak(body)) {
		end = "+"
	}
	w.write("|" + hint + end)
	w.openEnded = end == "+"
	w.out.WriteString("\n")
	for rest := s; rest != ""; {
		n := strings.IndexAny(rest, lineBreaks)
		if n < 0 {
			n = len(rest)
		}
		if n > 0 {
			w.out.WriteString(strings.Repeat(" ", indent) + rest[:n])
		}
		after := strings.TrimLeft(rest[n:], lineBreaks)
		w.out.WriteString(rest[n : len(rest)-len(after)])
		rest = after
	}
	if end == "-" {
		w.out.WriteString("\n")
	}
	w.col = 0
}

func endsWithBreak(s string) bool {
	c, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && strings.ContainsRune(lineBreaks, c)
}

func trimLast(s string) string {
	_, size := utf8.DecodeLastRuneInString(s)
	return s[:len(s)-size]
}

package project

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError finds the place of a parser's error. The parser that reads YAML as Rasa's does tells only a line, and
// not always the right one; its successor, which takes some texts differently, tells line and column. Where both
// refuse the text the successor is asked.
func syntaxError(err error, text, file string) (Pos, string) {
	at, what := Pos{File: file}, err.Error()
	if m := yamlErrorLine.FindStringSubmatch(what); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		what = m[2]
	}
	if mark, message, ok := locateSyntaxError(text); ok {
		at.Line, at.Col, what = mark.Line, mark.Column, message
	}
	if strings.HasPrefix(what, "control characters") {
		return controlCharacter(text, file)
	}
	lines := strings.Split(text, "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return at, what
	}
	return explainSyntax(at, what, lines[at.Line-1])
}

// locateSyntaxError parses text until the error.
func locateSyntaxError(text string) (yaml.Mark, string, bool) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if err == nil {
			continue
		}
		var load *yaml.LoadError
		if errors.As(err, &load) && load.Mark.Line > 0 {
			what := load.Message
			if c := load.ContextMark; c.Line > 0 && load.ContextMsg != "" && c != load.Mark {
				what += fmt.Sprintf(" %s that begins in line %d, column %d", load.ContextMsg, c.Line, c.Column)
			}
			return load.Mark, what, true
		}
		return yaml.Mark{}, "", false
	}
}

// notUTF8 finds the first byte that is not UTF-8; ok is true when there is none.
func notUTF8(data []byte, file string) (at Pos, ok bool) {
	if utf8.Valid(data) {
		return Pos{}, true
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return placeOf(string(data[:i]), file), false
		}
		i += size
	}
}

// controlCharacter finds the first character that YAML does not allow.
func controlCharacter(text, file string) (Pos, string) {
	const what = "control characters are not allowed"
	i := strings.IndexFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0xA0 && r != 0x85 || r == 0xFFFE || r == 0xFFFF
	})
	if i < 0 {
		return Pos{File: file}, what
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return placeOf(text[:i], file), fmt.Sprintf("%s (%U)", what, r)
}

// placeOf is the place behind the text before it.
func placeOf(before, file string) Pos {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return Pos{File: file, Line: strings.Count(before, "\n") + 1, Col: utf8.RuneCountInString(line) + 1}
}

// explainSyntax says more of the most common mistakes. line is the text of the line at.
func explainSyntax(at Pos, what, line string) (Pos, string) {
	switch {
	case strings.Contains(what, "mapping values are not allowed"):
		what += " (a text with a colon needs quotes; is the indentation right?)"
	case strings.Contains(what, "cannot start any token"):
		if i := strings.IndexByte(line, '\t'); i >= 0 && strings.TrimLeft(line[:i], " ") == "" {
			at.Col = utf8.RuneCountInString(line[:i]) + 1
			what = "a tab is used for indentation; use spaces"
		}
	}
	return at, what
}

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

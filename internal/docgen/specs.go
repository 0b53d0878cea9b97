package main

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// generated stands on top of every page.
const generated = "<!-- Written by `make docs`; do not edit. -->\n"

// specPage renders what one registry holds: a table of contents, then each part with its options.
func specPage(title, intro string, specs []component.Spec) []byte {
	var page bytes.Buffer
	fmt.Fprintf(&page, "%s# %s\n\n%s\n\n", generated, title, intro)
	for _, spec := range specs {
		fmt.Fprintf(&page, "- [%s](#%s): %s\n", spec.Name, strings.ToLower(spec.Name), spec.Summary)
	}
	for _, spec := range specs {
		writeSpec(&page, spec)
	}
	return page.Bytes()
}

func writeSpec(page *bytes.Buffer, spec component.Spec) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n", spec.Name, spec.Summary)
	if len(spec.Requires) > 0 {
		fmt.Fprintf(page, "\nNeeds before it: %s.\n", strings.Join(spec.Requires, " or "))
	}
	if len(spec.NotLanguages) > 0 {
		fmt.Fprintf(page, "\nRefuses the languages %s.\n", strings.Join(spec.NotLanguages, ", "))
	}
	if len(spec.Fields) == 0 {
		page.WriteString("\nIt has no options.\n")
	} else {
		page.WriteString("\n| option | value | default | meaning |\n|---|---|---|---|\n")
	}
	for _, field := range spec.Fields {
		fmt.Fprintf(page, "| `%s` | %s | `%s` | %s |\n", field.Name, kind(field), defaultOf(field), cell(field.Doc))
	}
	if spec.Source != "" {
		fmt.Fprintf(page, "\nBehaves as `%s` of Rasa 3.6.21.\n", spec.Source)
	}
}

// kind says what may be written as the value of an option.
func kind(field component.Field) string {
	if len(field.Choices) == 0 {
		return cmp.Or(string(field.Kind), "any")
	}
	return "`" + strings.Join(field.Choices, "`, `") + "`"
}

// defaultOf writes a default as it would stand in YAML.
func defaultOf(field component.Field) string {
	if field.Default == nil {
		return "null"
	}
	return cell(string(value.Encode(field.Default, value.Unicode)))
}

// cell keeps text from ending a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandPage renders root and every visible command below it, depth first.
func commandPage(root *cobra.Command) []byte {
	var page bytes.Buffer
	fmt.Fprintf(&page, "%s# Commands\n\n%s.\n", generated, root.Short)
	writeFlags(&page, "Every command takes", root.PersistentFlags())
	walk(root, func(c *cobra.Command) { writeCommand(&page, c) })
	return page.Bytes()
}

func walk(c *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		visit(sub)
		walk(sub, visit)
	}
}

func writeCommand(page *bytes.Buffer, c *cobra.Command) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n", c.CommandPath(), sentence(c))
	if c.Runnable() {
		fmt.Fprintf(page, "\n    %s\n", c.UseLine())
	}
	writeFlags(page, "Flags", c.LocalNonPersistentFlags())
}

func sentence(c *cobra.Command) string {
	text := strings.TrimSpace(c.Long)
	if text == "" {
		text = c.Short
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

func writeFlags(page *bytes.Buffer, title string, flags *pflag.FlagSet) {
	header := fmt.Sprintf("\n%s:\n\n| flag | default | meaning |\n|---|---|---|\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Usage == "" {
			return
		}
		page.WriteString(header)
		header = ""
		name := "`--" + f.Name
		if f.Value.Type() != "bool" && f.Value.Type() != "count" {
			name += " " + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		}
		name += "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		fmt.Fprintf(page, "| %s | %s | %s |\n", name, flagDefault(f), cell(f.Usage))
	})
}

// flagDefault is empty where the default says nothing: off, none, not given.
func flagDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]", "0":
		return ""
	}
	return "`" + cell(f.DefValue) + "`"
}

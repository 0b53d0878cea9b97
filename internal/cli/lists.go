package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Rasa's command line lets an option take several values (`--data one two`) or none (`--finetune`). Annotations mark
// such flags, and expandLists rewrites the arguments into the form pflag knows.
const (
	annotationList     = "parley_list"
	annotationOptional = "parley_optional"
)

// listVar adds a flag that takes one or more values, as argparse's nargs="+".
func listVar(flags *pflag.FlagSet, p *[]string, name string, def []string, usage string) {
	flags.StringArrayVar(p, name, def, usage)
	mark(flags, name, annotationList)
}

// optionalVar adds a flag whose value may be missing and is then "", as argparse's nargs="?".
func optionalVar(flags *pflag.FlagSet, p *string, name, usage string) {
	flags.StringVar(p, name, "", usage)
	mark(flags, name, annotationOptional)
}

func mark(flags *pflag.FlagSet, name, annotation string) {
	if err := flags.SetAnnotation(name, annotation, []string{"true"}); err != nil {
		panic(err) // the flag was added a line before
	}
}

// expandLists rewrites `--data a b` to `--data=a --data=b` and `--finetune` to `--finetune=`.
func expandLists(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		return args
	}
	var out []string
	for i := 0; i < len(args); i++ {
		flag := marked(cmd, args[i])
		if flag == nil {
			out = append(out, args[i])
			continue
		}
		n := len(values(args[i+1:]))
		if _, optional := flag.Annotations[annotationOptional]; optional {
			n = min(n, 1)
		}
		if n == 0 {
			out = append(out, args[i]+"=")
			continue
		}
		for _, v := range args[i+1 : i+1+n] {
			out = append(out, args[i]+"="+v)
		}
		i += n
	}
	return out
}

// marked returns the list or optional flag that arg names without a value, nil when it names none.
func marked(cmd *cobra.Command, arg string) *pflag.Flag {
	name, ok := strings.CutPrefix(arg, "--")
	if !ok || strings.Contains(name, "=") {
		return nil
	}
	flag := cmd.Flags().Lookup(name)
	if flag == nil || (flag.Annotations[annotationList] == nil && flag.Annotations[annotationOptional] == nil) {
		return nil
	}
	return flag
}

// values returns the arguments up to the next flag.
func values(args []string) []string {
	for i, a := range args {
		if strings.HasPrefix(a, "-") {
			return args[:i]
		}
	}
	return args
}

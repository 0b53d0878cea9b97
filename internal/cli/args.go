package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Rasa's command line is read by argparse: an option may take several values (`--data one two`) or none
// (`--finetune`), and may be abbreviated (`--fixed x`). Annotations mark the first two, and expandArgs rewrites
// arguments into the form pflag knows.
const (
	annotationList     = "parley_list"
	annotationOptional = "parley_optional"
)

// listVar adds a flag that takes one or more values, as argparse's nargs="+".
func listVar(flags *pflag.FlagSet, p *[]string, name string, def []string, usage string) {
	listVarP(flags, p, name, "", def, usage)
}

func listVarP(flags *pflag.FlagSet, p *[]string, name, short string, def []string, usage string) {
	flags.StringArrayVarP(p, name, short, def, usage)
	mark(flags, name, annotationList)
}

// singleVar adds a flag with one value where the commands share a list; the last one given counts.
func singleVar(flags *pflag.FlagSet, p *[]string, name, short, def, usage string) {
	*p = []string{def}
	flags.VarP((*single)(p), name, short, usage)
}

type single []string

func (s *single) Set(v string) error { *s = single{v}; return nil }
func (s *single) Type() string       { return "string" }
func (s *single) String() string     { return strings.Join(*s, " ") }

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

// expandArgs rewrites `--data a b` to `--data=a --data=b`, `--finetune` to `--finetune=` and abbreviated options to
// their names.
func expandArgs(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		return args
	}
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		arg, flag := unabbreviate(cmd, args[i])
		_, list := annotation(flag, annotationList)
		_, optional := annotation(flag, annotationOptional)
		if strings.Contains(arg, "=") || (!list && !optional) {
			out = append(out, arg)
			continue
		}
		n := len(values(args[i+1:]))
		if optional {
			n = min(n, 1)
		}
		if n == 0 {
			out = append(out, "--"+flag.Name+"=")
			continue
		}
		for _, v := range args[i+1 : i+1+n] {
			out = append(out, "--"+flag.Name+"="+v)
		}
		i += n
	}
	return out
}

func annotation(flag *pflag.Flag, name string) ([]string, bool) {
	if flag == nil {
		return nil, false
	}
	v, ok := flag.Annotations[name]
	return v, ok
}

// unabbreviate returns arg with the full name of the option it begins, and that option; nil when it names none.
func unabbreviate(cmd *cobra.Command, arg string) (string, *pflag.Flag) {
	name, long := strings.CutPrefix(arg, "--")
	if !long {
		if len(arg) == 2 && arg[0] == '-' {
			return arg, cmd.Flags().ShorthandLookup(arg[1:])
		}
		return arg, nil
	}
	name, value, hasValue := strings.Cut(name, "=")
	var found []*pflag.Flag
	visit := func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, name) {
			found = append(found, f)
		}
	}
	if flag := cmd.Flags().Lookup(name); flag != nil || name == "" {
		return arg, flag
	}
	cmd.Flags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
	if len(found) != 1 {
		return arg, nil
	}
	if arg = "--" + found[0].Name; hasValue {
		arg += "=" + value
	}
	return arg, found[0]
}

// values returns the arguments up to the next option.
func values(args []string) []string {
	for i, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			return args[:i]
		}
	}
	return args
}

package component

import "slices"

// Kind tells what values a Field takes.
type Kind string

// The kinds of options.
const (
	Bool    Kind = "bool"
	Int     Kind = "int"
	Float   Kind = "float"
	String  Kind = "string"
	Strings Kind = "list of strings"
	List    Kind = "list"
	Map     Kind = "map"
	Any     Kind = "any"
)

// Field is one option of a part. Validation, decoding and the reference pages read it.
type Field struct {
	Name string
	Kind Kind
	// Default is what an absent option stands for: a value of package internal/value, nil for null.
	Default any
	// Doc is one sentence for the reference page.
	Doc string
	// Choices are the strings allowed; empty means any.
	Choices []string
}

// Spec describes a part: it is what `data validate` and the reference pages know of it.
type Spec struct {
	// Name is the word written in the configuration.
	Name string
	// Summary is one sentence saying what the part does.
	Summary string
	Fields  []Field
	// Source names the Rasa file whose behaviour is matched.
	Source string
	// Provides are the roles the part has ("tokenizer", "featurizer", ...); Requires are the roles of which at least
	// one must come earlier in the same list.
	Provides, Requires []string
	// NotLanguages are the language codes the part refuses.
	NotLanguages []string
}

// Field returns the field called name.
func (s *Spec) Field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

// Has reports whether the part has the given role.
func (s *Spec) Has(role string) bool { return slices.Contains(s.Provides, role) }

func (s *Spec) fieldNames() []string {
	names := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		names[i] = f.Name
	}
	return names
}

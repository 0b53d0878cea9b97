package project

import "slices"

// nluForms list the keys that may stand together in an item of `nlu` (rasa/shared/nlu/training_data/schemas/nlu.yml,
// 3.6.21).
var nluForms = [][]string{
	{"intent", "metadata", "examples"}, {"synonym", "examples"}, {"regex", "examples"}, {"lookup", "examples"},
}

var nluSchema = &schema{kind: mapKind, open: true, fields: fields(
	"version", strSchema,
	"nlu", &schema{kind: seqKind, items: []*schema{nluItemSchema()}},
	"responses", responsesSchema,
)}

// exampleListSchema is the long form of an intent's examples.
var exampleListSchema = &schema{kind: seqKind, items: []*schema{{kind: mapKind, fields: fields(
	"text", strSchema, "metadata", anySchema)}}}

func nluItemSchema() *schema {
	s := &schema{kind: mapKind, fields: fields("intent", strSchema, "synonym", strSchema, "regex", strSchema,
		"lookup", strSchema, "examples", anySchema, "metadata", anySchema)}
	s.check = func(n *yamlNode, path string, ps *Problems) {
		checkForm(n, path, nluForms, s, ps)
		checkExamples(n, path, ps)
	}
	return s
}

// checkExamples allows a text; an intent's examples may also be a list of mappings.
func checkExamples(n *yamlNode, path string, ps *Problems) {
	examples := n.get("examples")
	if examples.isNull() {
		return
	}
	others := n.has("synonym") || n.has("regex") || n.has("lookup")
	switch {
	case examples.Kind != yamlList:
		strSchema.validate(examples, join(path, "examples"), ps)
	case others:
		ps.Errorf(examples.At, "%s.examples must be a text, not a list; write `examples: |` before the lines", path)
	case slices.ContainsFunc(examples.Items, func(item *yamlNode) bool { return item.Kind == yamlScalar }):
		ps.Errorf(examples.At, "%s.examples: write `examples: |` before the lines, or `text:` before each example", path)
	default:
		exampleListSchema.validate(examples, join(path, "examples"), ps)
	}
}

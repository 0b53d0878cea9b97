package project

import (
	"regexp"
	"slices"
)

// storyForms, ruleForms, conditionForms and orForms list the keys that may stand together in one step
// (rasa/shared/utils/schemas/stories.yml, 3.6.21).
var (
	userForm       = []string{"intent", "user", "entities"}
	conditionForms = [][]string{{"active_loop"}, {"slot_was_set"}}
	orForms        = [][]string{userForm, {"slot_was_set"}}
	ruleForms      = [][]string{userForm, {"action"}, {"active_loop"}, {"slot_was_set"}, {"or"}}
	storyForms     = [][]string{userForm, {"action"}, {"bot"}, {"slot_was_set"}, {"active_loop"},
		{"checkpoint", "slot_was_set"}, {"or"}}
)

// entitiesSchema is `entities` of a user step.
var entitiesSchema = &schema{kind: seqKind, items: []*schema{
	{kind: mapKind, fields: fields("role", strSchema, "group", strSchema),
		patterns: []schemaPattern{{regexp.MustCompile(``), "", anySchema}}},
	strSchema,
}}

// slotWasSetSchema accepts any list: an alternative that allows every mapping makes pykwalify give up on it.
var slotWasSetSchema = &schema{kind: seqKind, items: []*schema{{kind: mapKind}}}

// stepFields are the keys of all forms of steps.
var stepFields = map[string]*schema{
	"intent": strSchema, "user": strSchema, "entities": entitiesSchema,
	"action": strSchema, "bot": strSchema, "active_loop": strSchema, "checkpoint": strSchema,
	"slot_was_set": slotWasSetSchema,
	"or":           {kind: seqKind, items: []*schema{stepSchema(orForms, nil)}},
}

// storiesSchema is rasa/shared/utils/schemas/stories.yml, 3.6.21.
var storiesSchema = &schema{kind: mapKind, open: true, fields: fields(
	"version", strSchema,
	"stories", &schema{kind: seqKind, items: []*schema{{kind: mapKind, fields: fields(
		"story", strSchema, "metadata", anySchema, "steps", stepsSchema(storyForms))}}},
	"rules", &schema{kind: seqKind, items: []*schema{{kind: mapKind, fields: fields(
		"rule", strSchema, "metadata", anySchema, "steps", stepsSchema(ruleForms),
		"condition", stepsSchema(conditionForms),
		"conversation_start", boolSchema, "wait_for_user_input", boolSchema)}}},
)}

func stepsSchema(forms [][]string) *schema {
	return &schema{kind: seqKind, items: []*schema{stepSchema(forms, stepFields)}}
}

// stepSchema allows the keys of one of forms. rules of nil means those of the alternatives of an `or`.
func stepSchema(forms [][]string, rules map[string]*schema) *schema {
	if rules == nil {
		rules = map[string]*schema{"intent": strSchema, "user": strSchema, "entities": entitiesSchema,
			"slot_was_set": slotWasSetSchema}
	}
	s := &schema{kind: mapKind}
	for _, form := range forms {
		for _, key := range form {
			if s.field(key) == nil {
				s.fields = append(s.fields, schemaField{key, rules[key]})
			}
		}
	}
	s.check = func(n *yamlNode, path string, ps *Problems) { checkForm(n, path, forms, s, ps) }
	return s
}

// checkForm reports keys that are known but do not belong into one step.
func checkForm(n *yamlNode, path string, forms [][]string, s *schema, ps *Problems) {
	possible, first := forms, ""
	for _, e := range n.Entries {
		if s.field(e.Key) == nil {
			continue
		}
		var left [][]string
		for _, form := range possible {
			if slices.Contains(form, e.Key) {
				left = append(left, form)
			}
		}
		if left == nil {
			ps.Errorf(e.KeyNode.At, "%s: %q cannot stand in one item with %q; is a dash (-) missing before it?", path, e.Key, first)
			return
		}
		possible = left
		if first == "" {
			first = e.Key
		}
	}
}

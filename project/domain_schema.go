package project

import "regexp"

var (
	anySchema    = &schema{kind: anyKind}
	strSchema    = &schema{kind: strKind}
	boolSchema   = &schema{kind: boolKind}
	numberSchema = &schema{kind: numberKind}
	strsSchema   = &schema{kind: seqKind, items: []*schema{strSchema}}
	// letterKey is what pykwalify makes of the rule for names of slots, forms and actions.
	letterKey = regexp.MustCompile(`[A-Za-z]`)
	zero      = 0.0
)

// named is a mapping whose keys are names with at least one letter.
func named(rule *schema) []schemaPattern {
	return []schemaPattern{{letterKey, "at least one letter from A to Z in its name", rule}}
}

// responsesSchema is `responses` of domains and training data (rasa/shared/nlu/training_data/schemas/responses.yml,
// 3.6.21).
var responsesSchema = &schema{kind: mapKind, patterns: []schemaPattern{{
	regexp.MustCompile(`.+`), "a name",
	&schema{kind: seqKind, notNull: true, check: checkVariations, items: []*schema{variationSchema}},
}}}

var variationSchema = &schema{kind: mapKind, required: true, fields: fields(
	"id", strSchema, "text", strSchema, "image", strSchema,
	"custom", &schema{kind: mapKind, open: true},
	"buttons", &schema{kind: seqKind, items: []*schema{buttonSchema}},
	"button_type", strSchema,
	"quick_replies", &schema{kind: seqKind, items: []*schema{buttonSchema}},
	"attachment", &schema{kind: mapKind, open: true},
	"elements", &schema{kind: seqKind, items: []*schema{{kind: mapKind, open: true}}},
	"channel", strSchema, "metadata", anySchema,
	"condition", &schema{kind: seqKind, items: []*schema{{kind: mapKind, fields: fields(
		"type", strSchema, "name", strSchema, "value", anySchema)}}},
)}

var buttonSchema = &schema{kind: mapKind, open: true, fields: fields("title", strSchema, "payload", strSchema)}

// checkVariations refuses a variation without text and custom
// (rasa/shared/utils/pykwalify_extensions.py require_response_keys, 3.6.21).
func checkVariations(n *yamlNode, path string, ps *Problems) {
	for _, item := range n.Items {
		if item.Kind == yamlMap && item.get("text").isNull() && !item.get("custom").truthy() {
			ps.Errorf(item.At, "%s: a response needs text or custom", path)
		}
	}
}

// domainSchema is rasa/shared/utils/schemas/domain.yml, 3.6.21. Keys of other kinds of files may stand beside.
var domainSchema = &schema{kind: mapKind, open: true, fields: fields(
	"version", strSchema,
	"intents", &schema{kind: seqKind, items: []*schema{
		{kind: mapKind, open: true, fields: fields("use_entities", anySchema, "ignore_entities", anySchema)}, strSchema}},
	"entities", &schema{kind: seqKind, items: []*schema{
		{kind: mapKind, open: true, fields: fields("roles", strsSchema, "groups", strsSchema)}, strSchema}},
	"actions", &schema{kind: seqKind, items: []*schema{strSchema,
		{kind: mapKind, patterns: named(&schema{kind: mapKind, fields: fields("send_domain", boolSchema)})}}},
	"responses", responsesSchema,
	"slots", &schema{kind: mapKind, open: true, patterns: named(slotSchema)},
	"forms", &schema{kind: mapKind, patterns: named(&schema{kind: mapKind, fields: fields(
		"required_slots", strsSchema, "ignored_intents", anySchema)})},
	"config", &schema{kind: mapKind, open: true, fields: fields("store_entities_as_slots", boolSchema)},
	"session_config", &schema{kind: mapKind, open: true, fields: fields(
		"session_expiration_time", &schema{kind: numberKind, min: &zero},
		"carry_over_slots_to_new_session", boolSchema)},
	"e2e_actions", anySchema,
)}

var slotSchema = &schema{kind: mapKind, open: true, fields: fields(
	"influence_conversation", boolSchema,
	"type", &schema{kind: anyKind, required: true},
	"values", &schema{kind: seqKind, items: []*schema{anySchema}},
	"min_value", numberSchema, "max_value", numberSchema, "initial_value", anySchema,
	"mappings", &schema{kind: seqKind, required: true, items: []*schema{mappingSchema}},
)}

var mappingSchema = &schema{kind: mapKind, open: true, fields: fields(
	"type", strSchema, "intent", anySchema, "not_intent", anySchema, "entity", strSchema, "role", strSchema,
	"group", strSchema, "value", anySchema, "action", strSchema,
	"conditions", &schema{kind: seqKind, items: []*schema{{kind: mapKind, fields: fields(
		"active_loop", strSchema, "requested_slot", strSchema)}}},
)}

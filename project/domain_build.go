package project

import (
	"slices"
	"sort"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// domainBuilder makes a Domain of the document that Domain.from_dict of rasa/shared/core/domain.py (3.6.21) would
// be given. What Rasa refuses there, with InvalidDomain or by an exception of Python, is an error in ps.
type domainBuilder struct {
	data *yamlNode
	d    *Domain
	ps   *Problems

	entities entityProperties
	intents  []builtIntent
}

// entityProperties are what intents need to know of all entities.
type entityProperties struct {
	names   []string
	roles   []labels
	groups  []labels
	ignored []string
}

// labels are the roles or groups of an entity.
type labels struct {
	entity string
	names  []string
}

// buildDomain reads data, which domainSchema has passed.
func buildDomain(data *yamlNode, ps *Problems) *Domain {
	b := domainBuilder{data: data, d: &Domain{}, ps: ps}
	b.buildEntities()
	b.buildIntents()
	b.buildSlots()
	b.buildActions()
	b.buildForms()
	b.d.Responses = buildResponses(data.get("responses"))
	b.buildE2EActions()
	b.buildSession()
	b.d.nameActions()
	b.addDefaultSlots()
	b.checkSanity()
	b.d.raw = asDict(data).mapValue()
	b.d.finish()
	return b.d
}

// section returns a section of the domain that must not be null, nil when it is absent.
func (b *domainBuilder) section(key string) *yamlNode {
	n := b.data.get(key)
	if n != nil && n.isNull() {
		b.ps.Errorf(b.data.keyPos(key), "%s is empty; write a list below it or remove it", key)
		return nil
	}
	return n
}

func (b *domainBuilder) buildActions() {
	n := b.section("actions")
	if n == nil {
		return
	}
	for _, item := range n.Items {
		if name, ok := item.str(); ok {
			b.d.UserActions, b.d.UserActionPos = append(b.d.UserActions, name), append(b.d.UserActionPos, item.At)
			if strings.HasPrefix(name, "validate_") {
				b.d.ActionsNeedingDomain = append(b.d.ActionsNeedingDomain, name)
			}
			continue
		}
		if item.isNull() {
			b.ps.Errorf(item.At, "an action is empty")
		}
		for _, e := range item.Entries {
			b.d.UserActions, b.d.UserActionPos = append(b.d.UserActions, e.Key), append(b.d.UserActionPos, e.KeyNode.At)
			if e.Val.get("send_domain").truthy() {
				b.d.ActionsNeedingDomain = append(b.d.ActionsNeedingDomain, e.Key)
			}
		}
	}
}

func (b *domainBuilder) buildE2EActions() {
	n := b.data.get("e2e_actions")
	if n.isNull() {
		return
	}
	if n.Kind != yamlList {
		b.ps.Errorf(n.At, "e2e_actions must be a list, not %s", n.kindName())
		return
	}
	for _, item := range n.Items {
		text, ok := item.str()
		if !ok {
			b.ps.Errorf(item.At, "e2e_actions must be texts, not %s", item.kindName())
		}
		b.d.E2EActions = append(b.d.E2EActions, text)
	}
}

func (b *domainBuilder) buildForms() {
	n := b.data.get("forms")
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		form := Form{Name: e.Key, Pos: e.KeyNode.At}
		if e.Val.has("ignored_intents") && !e.Val.has("required_slots") {
			b.ps.invalidf(e.Val.keyPos("ignored_intents"), "form %q has ignored_intents, so required_slots is needed", e.Key)
		}
		form.RequiredSlots = e.Val.get("required_slots").oneOrMore()
		for _, item := range e.Val.get("required_slots").items() {
			form.SlotPos = append(form.SlotPos, item.At)
		}
		form.IgnoredIntents = e.Val.get("ignored_intents").oneOrMore()
		b.d.Forms = append(b.d.Forms, form)
	}
}

// reservedConfig are arguments of Domain's constructor, to which `config` is handed as further arguments.
var reservedConfig = []string{"intents", "entities", "slots", "responses", "action_names", "forms", "data",
	"action_texts", "session_config"}

func (b *domainBuilder) buildSession() {
	b.d.StoreEntitiesAsSlots = true
	if n := b.data.get("config").get("store_entities_as_slots"); n != nil {
		b.d.StoreEntitiesAsSlots = n.truthy()
	}
	for _, e := range b.data.get("config").entries() {
		if slices.Contains(reservedConfig, e.Key) {
			b.ps.Errorf(e.KeyNode.At, "%s cannot stand in config; write it without indentation", e.Key)
		}
	}
	b.d.Session = SessionConfig{ExpirationTime: 60, CarryOverSlots: true}
	n := b.data.get("session_config")
	if minutes := n.get("session_expiration_time"); !minutes.isNull() {
		if text, ok := minutes.str(); ok && numberSchema.allows(minutes) {
			b.ps.Errorf(minutes.At, "session_config.session_expiration_time must be a number without quotes, not %q", text)
		}
		b.d.Session.ExpirationTime, _ = value.ToFloat(minutes.value())
	}
	if carry := n.get("carry_over_slots_to_new_session"); carry != nil {
		b.d.Session.CarryOverSlots = carry.truthy()
	}
}

// buildResponses types the responses of a domain or of training data.
func buildResponses(n *yamlNode) []Response {
	if n == nil || n.Kind != yamlMap {
		return nil
	}
	responses := make([]Response, 0, len(n.Entries))
	for _, e := range n.Entries {
		r := Response{Name: e.Key, Pos: e.KeyNode.At}
		for _, item := range e.Val.Items {
			r.Variations = append(r.Variations, buildVariation(item))
		}
		responses = append(responses, r)
	}
	return responses
}

func buildVariation(n *yamlNode) Variation {
	v := Variation{Pos: n.At, Raw: n.mapValue()}
	v.Fields = n.filter(func(e yamlEntry) bool {
		return e.Key != "channel" && e.Key != "condition" && e.Key != "id"
	}).mapValue()
	v.Channel, _ = n.get("channel").str()
	v.ID, _ = n.get("id").str()
	if c := n.get("condition"); c != nil {
		for _, item := range c.Items {
			cond := ResponseCondition{Value: item.get("value").value()}
			cond.Type, _ = item.get("type").str()
			cond.Name, _ = item.get("name").str()
			v.Conditions = append(v.Conditions, cond)
		}
	}
	return v
}

// asDict returns the document of Domain.as_dict: empty sections removed, forms in their long form, intents sorted,
// session_config and version filled in.
func asDict(data *yamlNode) *yamlNode {
	out := data.filter(func(e yamlEntry) bool {
		empty := e.Val.Kind != yamlScalar && len(e.Val.Entries) == 0 && len(e.Val.Items) == 0
		return !empty && !e.Val.isNull()
	})
	if forms := out.get("forms"); forms != nil {
		for _, e := range forms.Entries {
			if !e.Val.isNull() && !e.Val.has("required_slots") {
				long := (&yamlNode{Kind: yamlMap, At: e.Val.At}).with("required_slots", e.Val)
				forms = forms.with(e.Key, long)
			}
		}
		out = out.with("forms", forms)
	}
	if !out.has("session_config") {
		out = out.with("session_config", nodeOf(defaultSession, out.At))
	}
	if !out.has("version") {
		out = out.with("version", nodeOf(formatVersion, out.At))
	}
	if intents := out.get("intents"); intents != nil {
		out = out.with("intents", sortIntents(intents))
	}
	return out
}

var defaultSession = value.NewMap("session_expiration_time", int64(60), "carry_over_slots_to_new_session", true)

// sortIntents sorts by name and writes false and null of use_entities and ignore_entities as empty lists.
func sortIntents(intents *yamlNode) *yamlNode {
	items := slices.Clone(intents.Items)
	for i, item := range items {
		for _, e := range item.Entries {
			props := e.Val
			for _, key := range []string{"use_entities", "ignore_entities"} {
				if v := props.get(key); v != nil && !v.truthy() {
					props = props.with(key, listOf(v.At, nil))
				}
			}
			if props != e.Val {
				item = item.with(e.Key, props)
			}
		}
		items[i] = item
	}
	sort.SliceStable(items, func(i, j int) bool { return itemName(items[i]) < itemName(items[j]) })
	return listOf(intents.At, items)
}

// itemName is the name of an entry of intents: itself or its first key.
func itemName(n *yamlNode) string {
	if n.Kind == yamlMap && len(n.Entries) > 0 {
		return n.Entries[0].Key
	}
	s, _ := n.str()
	return s
}

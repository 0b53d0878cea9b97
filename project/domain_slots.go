package project

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

var (
	slotTypes    = []string{"text", "bool", "categorical", "float", "list", "any"}
	mappingTypes = []string{"from_entity", "from_intent", "from_trigger_intent", "from_text", "custom"}
	// slotOptions are the arguments of the constructors of rasa/shared/core/slots.py; any other key is refused.
	slotOptions = []string{"type", "mappings", "initial_value", "value_reset_delay", "influence_conversation"}
)

// slotClasses are Rasa's own classes, which may stand for the types.
var slotClasses = map[string]SlotType{
	"rasa.shared.core.slots.TextSlot": SlotText, "rasa.shared.core.slots.BooleanSlot": SlotBool,
	"rasa.shared.core.slots.CategoricalSlot": SlotCategorical, "rasa.shared.core.slots.FloatSlot": SlotFloat,
	"rasa.shared.core.slots.ListSlot": SlotList, "rasa.shared.core.slots.AnySlot": SlotAny,
}

// buildSlots is Domain.collect_slots and validate_slot_mappings.
func (b *domainBuilder) buildSlots() {
	n := b.data.get("slots")
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		if e.Val.Kind == yamlMap {
			b.d.Slots = append(b.d.Slots, b.buildSlot(e))
		}
	}
}

func (b *domainBuilder) buildSlot(e yamlEntry) Slot {
	s := Slot{Name: e.Key, Pos: e.KeyNode.At, MaxValue: 1, InitialValue: e.Val.get("initial_value").value()}
	kind := e.Val.get("type")
	name, _ := kind.str()
	s.Type = SlotType(name)
	if class, ok := slotClasses[name]; ok {
		s.Type = class
	}
	b.checkSlotType(s, kind)
	b.checkSlotOptions(s, e.Val)
	s.InfluenceConversation = s.Type != SlotAny
	if n := e.Val.get("influence_conversation"); n != nil {
		s.InfluenceConversation = n.truthy()
		if s.Type == SlotAny && n.truthy() {
			b.ps.Errorf(n.At, "slot %q has type any, which cannot influence the conversation; choose another type or "+
				"remove influence_conversation", s.Name)
		}
	}
	switch s.Type {
	case SlotFloat:
		b.floatSlot(&s, e.Val)
	case SlotCategorical:
		b.categoricalSlot(&s, e.Val)
	}
	if list := e.Val.get("mappings"); list != nil {
		for _, item := range list.Items {
			if item.Kind == yamlMap {
				s.Mappings = append(s.Mappings, b.buildMapping(s.Name, item))
			}
		}
	}
	return s
}

func (b *domainBuilder) checkSlotType(s Slot, n *yamlNode) {
	if n.isNull() || slices.Contains(slotTypes, string(s.Type)) {
		return
	}
	if strings.Contains(string(s.Type), ".") {
		b.ps.Errorf(n.At, "slot %q has the Python class %q as type, which cannot run here; use one of %s "+
			"(any with influence_conversation: false, if it only stores a value)", s.Name, s.Type, joinNames(slotTypes))
		return
	}
	b.ps.Errorf(n.At, "slot %q has the unknown type %q%s", s.Name, value.Str(n.value()), didYouMean(string(s.Type), slotTypes))
}

// checkSlotOptions refuses options that the class of the slot does not take.
func (b *domainBuilder) checkSlotOptions(s Slot, n *yamlNode) {
	known := slotOptions
	switch s.Type {
	case SlotFloat:
		known = append(slices.Clone(known), "min_value", "max_value")
	case SlotCategorical:
		known = append(slices.Clone(known), "values")
	case SlotText, SlotBool, SlotList, SlotAny:
	default:
		return
	}
	for _, e := range n.Entries {
		if !slices.Contains(known, e.Key) {
			b.ps.Errorf(e.KeyNode.At, "slot %q of type %s has the unknown key %q%s", s.Name, s.Type, e.Key,
				didYouMean(e.Key, known))
		}
	}
}

func (b *domainBuilder) floatSlot(s *Slot, n *yamlNode) {
	ok := b.floatOption(s, n, "min_value", &s.MinValue)
	if !b.floatOption(s, n, "max_value", &s.MaxValue) || !ok {
		return
	}
	if s.MinValue >= s.MaxValue {
		b.ps.Errorf(s.Pos, "slot %q: min_value %v is not smaller than max_value %v", s.Name, s.MinValue, s.MaxValue)
		return
	}
	initial := n.get("initial_value")
	if initial.isNull() {
		return
	}
	f, isNumber := value.ToFloat(initial.value())
	if _, text := initial.str(); text || !isNumber {
		b.ps.Errorf(initial.At, "slot %q of type float: initial_value must be a number, not %s", s.Name, initial.kindName())
		return
	}
	if f < s.MinValue || f > s.MaxValue {
		b.ps.Warnf(initial.At, "slot %q: initial_value %v is not between min_value %v and max_value %v", s.Name, f,
			s.MinValue, s.MaxValue)
	}
}

// floatOption reads a bound of a float slot, which must not be a text although the schema lets it pass: Rasa then
// fails to compare it.
func (b *domainBuilder) floatOption(s *Slot, n *yamlNode, key string, into *float64) bool {
	opt := n.get(key)
	if opt == nil {
		return true
	}
	f, ok := value.ToFloat(opt.value())
	if _, text := opt.str(); text || !ok {
		b.ps.Errorf(opt.At, "slot %q: %s must be a number, not %s", s.Name, key, opt.kindName())
		return false
	}
	*into = f
	return true
}

func (b *domainBuilder) categoricalSlot(s *Slot, n *yamlNode) {
	s.Values = []string{}
	if values := n.get("values"); values != nil {
		for _, item := range values.Items {
			if item.isNull() {
				b.ps.Warnf(item.At, "slot %q lists null as a value, which means unset and is ignored; quote it to have the "+
					"text", s.Name)
				continue
			}
			s.Values = append(s.Values, value.Lower(value.Str(item.value())))
		}
	}
	if !slices.Contains(s.Values, "__other__") {
		s.Values = append(s.Values, "__other__")
	}
}

// buildMapping reads one mapping (rasa/shared/core/slot_mappings.py SlotMapping.validate, 3.6.21).
func (b *domainBuilder) buildMapping(slot string, n *yamlNode) SlotMapping {
	m := SlotMapping{Pos: n.At, Raw: n.mapValue(), Value: n.get("value").value()}
	kind, _ := n.get("type").str()
	m.Type = MappingType(kind)
	switch {
	case n.get("type").isNull():
		b.ps.invalidf(n.At, "a mapping of slot %q has no type; known are %s", slot, joinNames(mappingTypes))
	case !slices.Contains(mappingTypes, kind):
		b.ps.invalidf(n.get("type").At, "slot %q has a mapping of the unknown type %q%s", slot, kind,
			didYouMean(kind, mappingTypes))
	case m.Type == FromEntity && n.get("entity").isNull():
		b.ps.invalidf(n.At, "the %s mapping of slot %q needs entity", kind, slot)
	case (m.Type == FromIntent || m.Type == FromTriggerIntent) && n.get("value").isNull():
		b.ps.invalidf(n.At, "the %s mapping of slot %q needs a value", kind, slot)
	}
	m.Intents = n.get("intent").oneOrMore()
	m.NotIntents = n.get("not_intent").oneOrMore()
	m.Entity, _ = n.get("entity").str()
	m.Role, _ = n.get("role").str()
	m.Group, _ = n.get("group").str()
	m.Action, _ = n.get("action").str()
	if list := n.get("conditions"); list != nil {
		for _, item := range list.Items {
			c := MappingCondition{HasActiveLoop: item.has("active_loop"), HasRequestedSlot: item.has("requested_slot")}
			c.ActiveLoop, _ = item.get("active_loop").str()
			c.RequestedSlot, _ = item.get("requested_slot").str()
			m.Conditions = append(m.Conditions, c)
		}
	}
	return m
}

// knowledgeBaseAction brings its slots along.
const knowledgeBaseAction = "action_query_knowledge_base"

// addDefaultSlots is Domain._add_default_slots.
func (b *domainBuilder) addDefaultSlots() {
	d := b.d
	add := func(name string, kind SlotType) {
		d.Slots = append(d.Slots, Slot{Name: name, Type: kind, MaxValue: 1, Default: true})
	}
	has := func(name string) bool {
		return slices.ContainsFunc(d.Slots, func(s Slot) bool { return s.Name == name })
	}
	if len(d.Forms) > 0 && !has("requested_slot") {
		add("requested_slot", SlotText)
	}
	if slices.Contains(d.actionNames, knowledgeBaseAction) {
		for _, name := range []string{"knowledge_base_listed_objects", "knowledge_base_last_object",
			"knowledge_base_last_object_type"} {
			if !has(name) {
				add(name, SlotText)
			}
		}
	}
	add("session_started_metadata", SlotAny)
}

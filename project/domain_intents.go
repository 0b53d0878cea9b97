package project

import (
	"slices"
	"sort"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// defaultIntents are always in a domain (rasa/shared/core/constants.py DEFAULT_INTENTS, 3.6.21).
var defaultIntents = []string{"restart", "back", "out_of_scope", "session_start", "nlu_fallback"}

// builtIntent is an intent with what only the sanity check needs.
type builtIntent struct {
	Intent
	triggers *yamlNode
}

// buildEntities is Domain.collect_entity_properties.
func (b *domainBuilder) buildEntities() {
	n := b.section("entities")
	if n == nil {
		return
	}
	for _, item := range n.Items {
		if name, ok := item.str(); ok {
			b.addEntity(name, item, nil)
			continue
		}
		if item.isNull() {
			b.ps.invalidf(item.At, "an entity is empty")
		}
		for _, e := range item.Entries {
			if !e.Val.truthy() {
				b.ps.invalidf(e.KeyNode.At, "entity %q has a colon but nothing below it; remove the colon", e.Key)
				continue
			}
			if e.Val.Kind != yamlMap && mentions(e.Val, entityKeys) {
				b.ps.Errorf(e.Val.At, "entity %q must have a mapping, not %s", e.Key, e.Val.kindName())
				continue
			}
			if e.Val.Kind != yamlMap {
				b.ps.Warnf(e.Val.At, "entity %q has %s, which means nothing; roles, groups and influence_conversation "+
					"are known", e.Key, e.Val.kindName())
			}
			b.addEntity(e.Key, e.KeyNode, e.Val)
		}
	}
	slices.SortFunc(b.d.Entities, func(x, y Entity) int { return strings.Compare(x.Name, y.Name) })
}

// mentions is Python's `key in n` for any of keys and a list or text, and true for what Python cannot ask.
func mentions(n *yamlNode, keys []string) bool {
	text, isText := n.str()
	if !isText && n.Kind != yamlList {
		return true
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		return isText && strings.Contains(text, key) ||
			slices.ContainsFunc(n.Items, func(item *yamlNode) bool { s, ok := item.str(); return ok && s == key })
	})
}

// entityKeys are the options of an entity.
var entityKeys = []string{"roles", "groups", "influence_conversation"}

func (b *domainBuilder) addEntity(name string, at, props *yamlNode) {
	e := Entity{Name: name, InfluenceConversation: true, Pos: at.At}
	b.entities.names = append(b.entities.names, name)
	e.Roles = b.entityLabels(name, props, "roles", &b.entities.roles)
	e.Groups = b.entityLabels(name, props, "groups", &b.entities.groups)
	if n := props.get("influence_conversation"); n != nil && n.Kind == yamlScalar && n.Scalar == false {
		e.InfluenceConversation = false
		b.entities.ignored = append(b.entities.ignored, name)
	}
	if props != nil {
		b.misspelt(props, entityKeys, "entity", name)
	}
	b.d.Entities = append(b.d.Entities, e)
}

// misspelt warns of options that Rasa ignores but that look like known ones.
func (b *domainBuilder) misspelt(props *yamlNode, known []string, what, name string) {
	for _, e := range props.Entries {
		if slices.Contains(known, e.Key) {
			continue
		}
		if near := nearest(e.Key, known); near != "" && !props.has(near) {
			b.ps.Warnf(e.KeyNode.At, "unknown key %q of %s %q; did you mean %q?", e.Key, what, name, near)
		}
	}
}

func (b *domainBuilder) entityLabels(name string, props *yamlNode, key string, into *[]labels) []string {
	n := props.get(key)
	if n == nil {
		return nil
	}
	names, ok := n.texts()
	if !ok {
		b.ps.Errorf(n.At, "%s of entity %q must be a list, not %s", key, name, n.kindName())
		return nil
	}
	if _, text := n.str(); text {
		b.ps.Warnf(n.At, "%s of entity %q should be a list; each character of the text counts as one", key, name)
	}
	*into = append(*into, labels{name, names})
	return names
}

// concatenated returns entity#label for every label of set; only of entity unless it is "".
func concatenated(set []labels, entity string) []string {
	var out []string
	for _, l := range set {
		if entity != "" && l.entity != entity {
			continue
		}
		for _, name := range l.names {
			out = append(out, l.entity+"#"+name)
		}
	}
	return out
}

// buildIntents is Domain.collect_intent_properties.
func (b *domainBuilder) buildIntents() {
	seen := map[string]Pos{}
	if n := b.section("intents"); n != nil {
		for _, item := range n.Items {
			name := itemName(item)
			if name == "" && item.Kind == yamlMap || item.isNull() {
				b.ps.Errorf(item.At, "an intent is empty")
				continue
			}
			if _, ok := item.str(); !ok && item.Kind != yamlMap {
				continue
			}
			if first, ok := seen[name]; ok {
				b.ps.invalidf(item.At, "intent %q is listed twice (first in line %d)", name, first.Line)
				continue
			}
			seen[name] = item.At
			b.addIntent(item)
		}
	}
	for _, name := range defaultIntents {
		if !slices.ContainsFunc(b.intents, func(i builtIntent) bool { return i.Name == name }) {
			b.intents = append(b.intents, builtIntent{Intent: Intent{Name: name, UsedEntities: b.used(nil, name)}})
		}
	}
	for i := range b.intents {
		b.intents[i].Default = slices.Contains(defaultIntents, b.intents[i].Name)
		b.d.Intents = append(b.d.Intents, b.intents[i].Intent)
	}
	slices.SortFunc(b.d.Intents, func(x, y Intent) int { return strings.Compare(x.Name, y.Name) })
}

// addIntent adds an item of intents. Only the options of its first key count; further keys are intents to which all
// entities matter, as Rasa has it.
func (b *domainBuilder) addIntent(item *yamlNode) {
	if name, ok := item.str(); ok {
		b.putIntent(builtIntent{Intent: Intent{Name: name, UsedEntities: b.used(nil, name), Pos: item.At}})
		return
	}
	for i, e := range item.Entries {
		if !e.Val.truthy() && i == 0 {
			b.ps.invalidf(e.KeyNode.At, "intent %q has a colon but nothing indented below it; "+
				"indent its options or remove the colon", e.Key)
			return
		}
		if e.Val.Kind != yamlMap {
			b.ps.Errorf(e.Val.At, "intent %q must have a mapping, not %s", e.Key, e.Val.kindName())
			return
		}
		in := builtIntent{Intent: Intent{Name: e.Key, Pos: e.KeyNode.At}, triggers: e.Val.get("triggers")}
		in.IsRetrieval = e.Val.get("is_retrieval_intent").truthy()
		if in.triggers != nil {
			in.Triggers = value.Str(in.triggers.value())
		}
		if i == 0 {
			in.UsedEntities = b.used(e.Val, e.Key)
		} else {
			in.UsedEntities = b.allEntities()
			b.ps.Warnf(e.KeyNode.At, "intent %q should be an item of its own", e.Key)
		}
		if !in.IsRetrieval {
			// Those have what the training data made of them; the domain as it was written was looked at before.
			b.misspelt(e.Val, []string{"use_entities", "ignore_entities"}, "intent", e.Key)
		}
		b.putIntent(in)
	}
}

// putIntent adds or replaces an intent.
func (b *domainBuilder) putIntent(in builtIntent) {
	for i := range b.intents {
		if b.intents[i].Name == in.Name {
			b.intents[i] = in
			return
		}
	}
	b.intents = append(b.intents, in)
}

// allEntities are all entities with their roles and groups, sorted.
func (b *domainBuilder) allEntities() []string {
	all := slices.Clone(b.entities.names)
	all = append(all, concatenated(b.entities.roles, "")...)
	all = append(all, concatenated(b.entities.groups, "")...)
	return sortedSet(all)
}

// used is Domain._transform_intent_properties_for_internal_use: the featurized entities of an intent, sorted.
func (b *domainBuilder) used(props *yamlNode, intent string) []string {
	included := map[string]bool{}
	use := props.get("use_entities")
	explicit := use != nil && !(use.Kind == yamlScalar && use.Scalar == true)
	switch {
	case !explicit:
		for _, name := range b.allEntities() {
			included[name] = true
		}
		for _, name := range b.entities.ignored {
			delete(included, name)
		}
	case use.truthy():
		included = b.entitySet(use, "use_entities", intent)
	}
	excluded := map[string]bool{}
	if ignore := props.get("ignore_entities"); ignore != nil {
		excluded = b.entitySet(ignore, "ignore_entities", intent)
	} else {
		b.withLabels(excluded, b.entities.ignored)
	}
	var used, both []string
	for name := range included {
		if excluded[name] {
			both = append(both, name)
		} else {
			used = append(used, name)
		}
	}
	if explicit && len(both) > 0 {
		sort.Strings(both)
		b.ps.Warnf(use.At, "intent %q both uses and ignores %s; ignoring wins", intent, joinNames(both))
	}
	sort.Strings(used)
	return used
}

// entitySet reads use_entities or ignore_entities, with the roles and groups of the entities.
func (b *domainBuilder) entitySet(n *yamlNode, key, intent string) map[string]bool {
	set := map[string]bool{}
	names, ok := n.texts()
	if !ok {
		b.ps.Errorf(n.At, "%s of intent %q must be a list, not %s", key, intent, n.kindName())
		return set
	}
	if text, is := n.str(); is {
		b.ps.Warnf(n.At, "%s of intent %q should be a list: [%s]", key, intent, text)
	}
	for _, item := range n.Items {
		if item.Kind != yamlScalar {
			b.ps.Errorf(item.At, "%s of intent %q must list names, not %s", key, intent, item.kindName())
		}
	}
	b.withLabels(set, names)
	return set
}

func (b *domainBuilder) withLabels(set map[string]bool, names []string) {
	for _, name := range names {
		set[name] = true
		for _, label := range concatenated(b.entities.roles, name) {
			set[label] = true
		}
		for _, label := range concatenated(b.entities.groups, name) {
			set[label] = true
		}
	}
}

// sortedSet sorts names and removes repetitions.
func sortedSet(names []string) []string {
	names = slices.Clone(names)
	sort.Strings(names)
	return slices.Compact(names)
}

// checkSanity is Domain._check_domain_sanity: names occur once, triggers name actions.
func (b *domainBuilder) checkSanity() {
	b.duplicates("action", b.d.actionNames, func(name string) Pos { return b.itemPos("actions", name) })
	var slots, entities []string
	for _, s := range b.d.Slots {
		slots = append(slots, s.Name)
	}
	for _, e := range b.d.Entities {
		entities = append(entities, e.Name)
	}
	b.duplicates("slot", slots, func(name string) Pos { return b.data.get("slots").keyPos(name) })
	b.duplicates("entity", entities, func(name string) Pos { return b.itemPos("entities", name) })
	for _, in := range b.intents {
		if in.triggers == nil {
			continue
		}
		action := value.Str(in.triggers.value())
		if !slices.Contains(b.d.actionNames, action) {
			b.ps.invalidf(in.triggers.At, "intent %q triggers action %q, which the domain does not have%s", in.Name, action,
				didYouMean(action, b.d.actionNames))
		}
	}
}

// duplicates reports each name that occurs more than once.
func (b *domainBuilder) duplicates(what string, names []string, at func(string) Pos) {
	count := map[string]int{}
	for _, name := range names {
		count[name]++
		if count[name] != 2 {
			continue
		}
		if what == "slot" {
			b.ps.invalidf(at(name), "slot %q is one of Rasa's own; choose another name", name)
			continue
		}
		b.ps.invalidf(at(name), "%s %q is in the domain more than once", what, name)
	}
}

// itemPos returns the last place where a list section names name.
func (b *domainBuilder) itemPos(section, name string) Pos {
	n := b.data.get(section)
	at := b.data.keyPos(section)
	if n == nil {
		return at
	}
	for _, item := range n.Items {
		if s, ok := item.str(); ok && s == name {
			at = item.At
		} else if item.has(name) {
			at = item.keyPos(name)
		}
	}
	return at
}

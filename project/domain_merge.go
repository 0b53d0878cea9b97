package project

import (
	"slices"
	"sort"

	"github.com/parleybot/parley/internal/value"
)

// domainKeys mark a file as part of a domain (rasa/shared/core/domain.py ALL_DOMAIN_KEYS, 3.6.21).
var domainKeys = []string{"slots", "forms", "actions", "entities", "intents", "responses", "e2e_actions", "session_config"}

// IsEmpty reports whether there is nothing in the domain but defaults (Domain.is_empty).
func (d *Domain) IsEmpty() bool { return value.Equal(d.raw, EmptyDomain().raw) }

// isEmptyDomain is Domain.is_empty for a document of asDict.
func isEmptyDomain(doc *yamlNode) bool {
	return value.Equal(doc.mapValue(), asDict(&yamlNode{Kind: yamlMap}).mapValue())
}

// mergeDomains is Domain.merge: both documents come from asDict, and so does the result.
func mergeDomains(doc, other *yamlNode, override bool, ps *Problems) *yamlNode {
	if isEmptyDomain(other) {
		return doc
	}
	if isEmptyDomain(doc) {
		return other
	}
	return asDict(mergeDomainDicts(other, doc, override, ps))
}

// mergeDomainDicts is Domain.merge_domain_dicts: what combined already has wins unless override is set, and what
// only other has comes first. Other keys than those of a domain stay as combined has them.
func mergeDomainDicts(other, combined *yamlNode, override bool, ps *Problems) *yamlNode {
	if len(other.Entries) == 0 {
		return combined
	}
	if len(combined.Entries) == 0 {
		return other
	}
	if override {
		for _, e := range other.get("config").entries() {
			config := combined.get("config")
			if config == nil {
				config = &yamlNode{Kind: yamlMap, At: e.KeyNode.At}
			}
			combined = combined.with("config", config.with(e.Key, e.Val))
		}
	}
	theirs := other.get("session_config")
	if override || isDefaultSession(combined.get("session_config")) {
		if !isDefaultSession(theirs) {
			combined = combined.with("session_config", theirs)
		}
	}
	actions := withoutForms(other.get("actions"), combined.get("forms"))
	for _, key := range []string{"intents", "entities", "actions"} {
		n := other.get(key)
		if key == "actions" {
			n = actions
		}
		combined = combined.with(key, mergeLists(key, combined.get(key), n, override, ps))
	}
	combined = combined.with("e2e_actions", mergeTexts(combined.get("e2e_actions"), other.get("e2e_actions")))
	for _, key := range []string{"forms", "responses", "slots"} {
		combined = combined.with(key, mergeMaps(key, combined.get(key), other.get(key), override, ps))
	}
	return combined
}

// entries returns the entries of a mapping, nil of anything else.
func (n *yamlNode) entries() []yamlEntry {
	if n == nil {
		return nil
	}
	return n.Entries
}

// items returns the items of a list, nil of anything else.
func (n *yamlNode) items() []*yamlNode {
	if n == nil {
		return nil
	}
	return n.Items
}

func isDefaultSession(n *yamlNode) bool {
	return n.isNull() || value.Equal(n.value(), defaultSession)
}

// withoutForms removes each form once from a list of actions.
func withoutForms(actions, forms *yamlNode) *yamlNode {
	if actions == nil {
		return nil
	}
	items := slices.Clone(actions.Items)
	for _, form := range forms.entries() {
		i := slices.IndexFunc(items, func(n *yamlNode) bool { s, ok := n.str(); return ok && s == form.Key })
		if i >= 0 {
			items = slices.Delete(items, i, i+1)
		}
	}
	return listOf(actions.At, items)
}

// keyed is an item of a list under the name it is merged by.
type keyed struct {
	key  string
	node *yamlNode
}

func keyedItems(n *yamlNode) []keyed {
	var out []keyed
	for _, item := range n.items() {
		key := itemName(item)
		for _, e := range item.Entries {
			key = min(key, e.Key)
		}
		out = append(out, keyed{key, item})
	}
	return out
}

// overlay lays second over first: order of first, then what only second has; the items of second count.
func overlay(first, second []keyed) []keyed {
	var out []keyed
	index := map[string]int{}
	for _, k := range append(slices.Clone(first), second...) {
		if i, ok := index[k.key]; ok {
			out[i].node = k.node
			continue
		}
		index[k.key] = len(out)
		out = append(out, k)
	}
	return out
}

// merged overlays what was there and what comes along, and warns of what is in both.
func merged(section string, have, come []keyed, override bool, ps *Problems) []keyed {
	if override {
		return overlay(have, come)
	}
	where := map[string]Pos{}
	for _, k := range have {
		where[k.key] = k.node.At
	}
	for _, k := range come {
		if at, ok := where[k.key]; ok {
			ps.Warnf(k.node.At, "%q of %s is also at %s, which counts", k.key, section, at)
		}
	}
	return overlay(come, have)
}

func mergeLists(section string, have, come *yamlNode, override bool, ps *Problems) *yamlNode {
	var items []*yamlNode
	for _, k := range merged(section, keyedItems(have), keyedItems(come), override, ps) {
		items = append(items, k.node)
	}
	return listOf(firstPos(have, come), items)
}

func mergeMaps(section string, have, come *yamlNode, override bool, ps *Problems) *yamlNode {
	keys := map[*yamlNode]*yamlNode{}
	pairs := func(n *yamlNode) []keyed {
		var out []keyed
		for _, e := range n.entries() {
			// The same node may be shared by aliases, so each entry gets a node of its own.
			val := *e.Val
			keys[&val] = e.KeyNode
			out = append(out, keyed{e.Key, &val})
		}
		return out
	}
	out := &yamlNode{Kind: yamlMap, At: firstPos(have, come)}
	for _, k := range merged(section, pairs(have), pairs(come), override, ps) {
		out.Entries = append(out.Entries, yamlEntry{k.key, keys[k.node], k.node})
	}
	return out
}

// mergeTexts joins two lists of texts, sorted and without repetitions.
func mergeTexts(have, come *yamlNode) *yamlNode {
	all := keyedItems(have)
	all = append(all, keyedItems(come)...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].key < all[j].key })
	var items []*yamlNode
	for i, k := range all {
		if i == 0 || all[i-1].key != k.key {
			items = append(items, k.node)
		}
	}
	return listOf(firstPos(have, come), items)
}

func firstPos(a, b *yamlNode) Pos {
	if a != nil {
		return a.At
	}
	if b != nil {
		return b.At
	}
	return Pos{}
}

package rule

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// lookup is what the policy learned, in the form in which Rasa stores it.
type lookup struct {
	// rules and unhappy map keys to actions, unhappy to what they say of the active loop.
	rules, unhappy entries
	// notInStories are sources of predictions that occur in no story.
	notInStories                 []string
	ruleOnlySlots, ruleOnlyLoops []string
}

// entries is a map that keeps its order.
type entries struct {
	keys    []string
	actions map[string]string
	// sources say where an entry comes from.
	sources map[string]string
}

func newEntries() entries {
	return entries{actions: map[string]string{}, sources: map[string]string{}}
}

func (e *entries) set(key, action, source string) {
	if _, ok := e.actions[key]; !ok {
		e.keys = append(e.keys, key)
	}
	e.actions[key], e.sources[key] = action, source
}

func (e *entries) remove(key string) {
	delete(e.actions, key)
	delete(e.sources, key)
	e.keys = slices.DeleteFunc(e.keys, func(k string) bool { return k == key })
}

func (e *entries) compile() ([]*compiled, error) {
	out := make([]*compiled, 0, len(e.keys))
	for _, key := range e.keys {
		c, err := compile(key, e.actions[key], e.sources[key])
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (e *entries) asMap() *value.Map {
	m := value.NewMap()
	for _, key := range e.keys {
		m.Set(key, e.actions[key])
	}
	return m
}

func entriesOf(m, sources *value.Map) entries {
	e := newEntries()
	for key, action := range m.All() {
		e.set(key, value.Str(action), sources.String(key))
	}
	return e
}

// The files of a trained policy. lookupFile and ruleOnlyFile have Rasa's form, sourcesFile is parley's own.
const (
	lookupFile   = "rule_policy.json"
	ruleOnlyFile = "rule_only_data.json"
	sourcesFile  = "rule_sources.json"
)

// Persist implements policy.Component.
func (p *Policy) Persist(r component.Resource) error {
	l := &p.lookup
	doc := value.NewMap("rules", l.rules.asMap(), "rules_for_loop_unhappy_path", l.unhappy.asMap())
	only := value.NewMap("rule_only_slots", value.Strings(l.ruleOnlySlots), "rule_only_loops", value.Strings(l.ruleOnlyLoops))
	if p.CheckForContradictions {
		doc.Update(only).Set("rules_not_in_stories", value.Strings(l.notInStories))
	}
	sources := value.NewMap()
	for _, key := range l.rules.keys {
		sources.Set(key, l.rules.sources[key])
	}
	for name, v := range map[string]*value.Map{
		lookupFile: value.NewMap("lookup", doc), ruleOnlyFile: only, sourcesFile: sources,
	} {
		if err := r.Put(name, value.Encode(v, value.JSON)); err != nil {
			return fmt.Errorf("storing %s: %w", name, err)
		}
	}
	return nil
}

// Load implements policy.Component. It also reads what Rasa stored, which has no sources.
func (p *Policy) Load(d *project.Domain, r component.Resource) error {
	p.domain = d
	doc, err := component.ReadObject(r, lookupFile)
	if err == nil && doc == nil {
		err = fmt.Errorf("reading rules: %s: %w", lookupFile, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	sources, err := component.ReadObject(r, sourcesFile)
	if err != nil {
		return err
	}
	l := doc.Map("lookup")
	p.lookup = lookup{
		rules:         entriesOf(l.Map("rules"), sources),
		unhappy:       entriesOf(l.Map("rules_for_loop_unhappy_path"), nil),
		notInStories:  stringsOf(l.List("rules_not_in_stories")),
		ruleOnlySlots: stringsOf(l.List("rule_only_slots")),
		ruleOnlyLoops: stringsOf(l.List("rule_only_loops")),
	}
	return p.index()
}

func stringsOf(list []any) []string {
	var out []string
	for _, v := range list {
		out = append(out, value.Str(v))
	}
	return out
}

// index makes the lookup ready for prediction.
func (p *Policy) index() error {
	rules, err := p.lookup.rules.compile()
	if err != nil {
		return err
	}
	unhappy, err := p.lookup.unhappy.compile()
	if err != nil {
		return err
	}
	p.rules, p.unhappy = newIndex(rules), newIndex(unhappy)
	p.hide()
	return nil
}

// hide indexes the sources that are in no story.
func (p *Policy) hide() {
	p.hidden, p.hiddenStarts, p.longestStart = map[string]bool{}, map[string]bool{}, 0
	for _, source := range p.lookup.notInStories {
		p.hidden[source] = true
		c, err := compile(source, "", "")
		if err != nil {
			continue // no key but the name of a default action or loop
		}
		if c.states[len(c.states)-1].prev.Name == "" {
			p.hiddenStarts[source] = true
			p.longestStart = max(p.longestStart, len(c.states))
		}
	}
}

package project

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// Project is everything a model is trained on. It is complete (retrieval intents and end-to-end actions are in the
// domain, retrieval responses of the domain are in the NLU data) and is never changed once it is loaded.
type Project struct {
	Domain  *Domain
	NLU     *NLUData
	Stories Stories
	// TestStories are those of files called test_*; they are among Stories too, as in Rasa, when they lie in the
	// folders of the training data.
	TestStories Stories
	Config      *Config
	// Problems are all problems found, warnings included.
	Problems Problems
}

// syncResponses adds to the domain what the NLU data says of retrieval intents: the mark on the intents, their
// responses, an action utter_INTENT for each (rasa/shared/importers/importer.py ResponsesSyncImporter, 3.6.21).
func syncResponses(doc *yamlNode, d *Domain, nlu *NLUData) *yamlNode {
	var names []string
	for _, ex := range nlu.Examples {
		if ex.ResponseKey != "" && !slices.Contains(names, ex.Intent) {
			names = append(names, ex.Intent)
		}
	}
	slices.Sort(names)
	at := doc.At
	var intents, actions []*yamlNode
	for _, name := range names {
		item := &yamlNode{Kind: yamlMap, At: at}
		intents = append(intents, item.with(name, retrievalProperties(doc, d, name)))
		actions = append(actions, nodeOf("utter_"+name, at))
	}
	responses := &yamlNode{Kind: yamlMap, At: at}
	for _, r := range nlu.Responses {
		variations := make([]*yamlNode, len(r.Variations))
		for i, v := range r.Variations {
			variations[i] = nodeOf(v.Raw, v.Pos)
		}
		responses = responses.with(r.Name, listOf(r.Pos, variations))
	}
	extra := (&yamlNode{Kind: yamlMap, At: at}).with("intents", listOf(at, intents)).
		with("responses", responses).with("actions", listOf(at, actions))
	var ignored Problems
	return mergeDomains(doc, asDict(extra), true, &ignored)
}

// retrievalProperties are the properties of a retrieval intent. use_entities and ignore_entities have become
// used_entities here, which Rasa does not read again: all entities count after a retrieval intent.
func retrievalProperties(doc *yamlNode, d *Domain, name string) *yamlNode {
	props := &yamlNode{Kind: yamlMap, At: doc.At}
	for _, item := range doc.get("intents").items() {
		if s, ok := item.str(); ok && s == name {
			props.At = item.At
		}
		for _, e := range item.Entries {
			if e.Key == name {
				props = e.Val.filter(func(e yamlEntry) bool { return e.Key != "use_entities" && e.Key != "ignore_entities" })
			}
		}
	}
	if in, ok := d.Intent(name); ok {
		props = props.with("used_entities", nodeOf(value.Strings(in.UsedEntities), props.At))
	}
	return props.with("is_retrieval_intent", nodeOf(true, props.At))
}

// addE2EActions adds the bot texts of end-to-end stories to the domain (E2EImporter of the same file).
func addE2EActions(doc *yamlNode, stories Stories) *yamlNode {
	var texts []*yamlNode
	for _, s := range stories {
		for _, step := range s.Steps {
			if step.Kind == BotStep && step.Action != "" {
				texts = append(texts, nodeOf(step.Action, step.Pos))
			}
		}
	}
	if texts == nil {
		return doc
	}
	extra := (&yamlNode{Kind: yamlMap, At: doc.At}).with("e2e_actions", mergeTexts(listOf(doc.At, texts), nil))
	var ignored Problems
	return mergeDomains(doc, asDict(extra), false, &ignored)
}

// withDomainResponses adds the retrieval responses of the domain to the NLU data.
func withDomainResponses(nlu *NLUData, d *Domain) {
	for _, r := range d.Responses {
		if !strings.Contains(r.Name, "/") {
			continue
		}
		i := slices.IndexFunc(nlu.Responses, func(have Response) bool { return have.Name == r.Name })
		if i >= 0 {
			nlu.Responses[i] = r
		} else {
			nlu.Responses = append(nlu.Responses, r)
		}
	}
}

// checkMissingResponses warns of actions that need a response and have none (Domain.check_missing_responses).
func checkMissingResponses(doc *yamlNode, d *Domain, ps *Problems) {
	b := domainBuilder{data: doc}
	parents := map[string]bool{}
	for _, name := range d.actionNames {
		if parent, _, ok := strings.Cut(name, "/"); ok && strings.Count(name, "/") == 1 {
			parents[parent] = true
		}
	}
	for _, name := range d.actionNames {
		if !strings.HasPrefix(name, "utter_") || parents[name] {
			continue
		}
		if _, ok := d.Response(name); ok {
			continue
		}
		var known []string
		for _, r := range d.Responses {
			known = append(known, r.Name)
		}
		hint := ""
		if near := nearest(name, known); near != "" {
			hint = "; did you mean " + near + "?"
		}
		ps.Warnf(b.itemPos("actions", name), "action %q has no response of that name%s", name, hint)
	}
}

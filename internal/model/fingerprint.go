package model

import (
	"encoding/json"
	"strconv"

	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// policyFingerprint covers what policy i learns from: its options, the domain without what is only said or only
// times sessions, the stories and, for policies that use them, the rules. It is "" when the stories cannot be hashed.
func (t *trainer) policyFingerprint(e *policy.Ensemble, i int) string {
	stories, err := json.Marshal(relevant(t.p.Stories, e.UsesRules(i)))
	if err != nil {
		return ""
	}
	return archive.Fingerprint(e.Name(i), strconv.Itoa(i), value.CanonicalKey(policyOptions(t.p.Config, i)),
		value.CanonicalKey(dialogueDomain(t.p.Domain)), strconv.Itoa(t.o.Augmentation), string(stories), t.pipelinePrint())
}

// policyOptions returns the options of policy i.
func policyOptions(c *project.Config, i int) *value.Map { return c.Policies[i].Options }

func relevant(stories project.Stories, rules bool) project.Stories {
	if rules {
		return stories
	}
	var out project.Stories
	for _, s := range stories {
		if !s.Rule {
			out = append(out, s)
		}
	}
	return out
}

// dialogueDomain is the domain as policies see it: of responses only the names.
func dialogueDomain(d *project.Domain) *value.Map {
	m := d.AsMap().Clone()
	m.Delete("session_config")
	names := make([]string, len(d.Responses))
	for i := range d.Responses {
		names[i] = d.Responses[i].Name
	}
	return m.Set("responses", value.Strings(names))
}

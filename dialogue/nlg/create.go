package nlg

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/project"
)

// FromEndpoint returns the generator that the section nlg of endpoints.yml asks for. It is nil when there is no such
// section, or one of type "response": then every model generates its own messages. A Python class of the project is an
// error.
func FromEndpoint(e *project.Endpoints) (*Callback, error) {
	section, ok := e.Section("nlg")
	if !ok {
		return nil, nil
	}
	switch typ := endpoint.Type(section); strings.ToLower(typ) {
	case "response":
		return nil, nil
	case "", "callback":
	default:
		return nil, fmt.Errorf("%s: nlg: type %q is a Python class, which parley cannot run; callback and response are known",
			section.OptionPos("type"), typ)
	}
	cfg, err := endpoint.FromEntry(section)
	if err != nil {
		return nil, err
	}
	server, err := endpoint.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: nlg: %w", section.Pos, err)
	}
	return NewCallback(server), nil
}

// isJSON reports whether what stands in braces is no placeholder but an object, as in `/inform{"city": "Rome"}`.
func isJSON(placeholder string) bool { return strings.HasPrefix(placeholder, `"`) }

// Check warns of texts in the responses of d that are not said as they look: placeholders that are no slot, which only
// the arguments of a custom action can fill, and braces that Python's formatter refuses, so that nothing is said.
func Check(d *project.Domain) project.Problems {
	var ps project.Problems
	for i := range d.Responses {
		r := &d.Responses[i]
		for j, v := range newResponse(r, d).variations {
			at := r.Variations[j].Pos
			for _, f := range v.fields {
				f.each(func(t *template) {
					names, err := t.names()
					for _, name := range names {
						if _, ok := d.SlotIndex(name); !ok && name != argResponses && !isJSON(name) {
							ps.Warnf(at, "response %q: {%s} in %s is no slot; unless a custom action gives the value, the text is said as written",
								r.Name, name, f.key)
						}
					}
					if err != nil {
						ps.Warnf(at, "response %q: %s cannot be filled in and is never said: %v; write {{ and }} for braces",
							r.Name, f.key, err)
					}
				})
			}
		}
	}
	return ps
}

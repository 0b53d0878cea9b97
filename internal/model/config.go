package model

import (
	"fmt"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// configFile holds what of config.yml a model needs to be built again.
const configFile = "config.json"

// encodeConfig writes the pipeline and policies with the places they were written at, so that a problem found when
// the model is loaded still names config.yml:line:column.
func encodeConfig(c *project.Config) []byte {
	m := value.NewMap("file", c.File, "language", c.Language, "assistant_id", c.AssistantID,
		"filled", value.Strings(c.Filled), "pipeline", entryMaps(c.Pipeline), "policies", entryMaps(c.Policies))
	return value.Encode(m, value.Unicode|value.Indent2)
}

func entryMaps(entries []project.Entry) []any {
	out := make([]any, len(entries))
	for i, e := range entries {
		at := &value.Map{}
		for key := range e.Options.All() {
			if p, ok := e.At[key]; ok {
				at.Set(key, posMap(p))
			}
		}
		options := e.Options
		if options == nil {
			options = &value.Map{}
		}
		out[i] = value.NewMap("name", e.Name, "options", options, "pos", posMap(e.Pos), "at", at)
	}
	return out
}

func posMap(p project.Pos) []any { return []any{p.File, int64(p.Line), int64(p.Col)} }

// decodeConfig is the inverse of encodeConfig.
func decodeConfig(data []byte) (*project.Config, error) {
	m, err := value.DecodeObject(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", configFile, err)
	}
	c := &project.Config{File: m.String("file"), Language: m.String("language"), AssistantID: m.String("assistant_id"),
		Pipeline: entries(m.List("pipeline")), Policies: entries(m.List("policies"))}
	for _, v := range m.List("filled") {
		if s, ok := v.(string); ok {
			c.Filled = append(c.Filled, s)
		}
	}
	return c, nil
}

func entries(list []any) []project.Entry {
	var out []project.Entry
	for _, v := range list {
		m, ok := v.(*value.Map)
		if !ok {
			continue
		}
		e := project.Entry{Name: m.String("name"), Options: m.Map("options"), Pos: pos(m.Value("pos")), At: map[string]project.Pos{}}
		for key, at := range m.Map("at").All() {
			e.At[key] = pos(at)
		}
		out = append(out, e)
	}
	return out
}

func pos(v any) project.Pos {
	list, ok := v.([]any)
	if !ok || len(list) != 3 {
		return project.Pos{}
	}
	file, _ := list[0].(string)
	line, _ := list[1].(int64)
	col, _ := list[2].(int64)
	return project.Pos{File: file, Line: int(line), Col: int(col)}
}

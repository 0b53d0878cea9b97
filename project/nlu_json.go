package project

import (
	"fmt"
	"os"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// readNLUJSON reads Rasa's old JSON format (rasa/shared/nlu/training_data/formats/rasa.py, 3.6.21). Lookup tables may
// name a file with one element a line, relative to the current folder.
func readNLUJSON(root *value.Map, file string, ps *Problems) *NLUData {
	r := jsonReader{file: file, ps: ps}
	for key := range root.All() {
		if key != "rasa_nlu_data" {
			r.errorf("unknown key %q beside rasa_nlu_data", key)
		}
	}
	ps.Warnf(Pos{File: file}, "the JSON format of NLU data is deprecated; use YAML")
	data, ok := root.Value("rasa_nlu_data").(*value.Map)
	if !ok {
		r.errorf("rasa_nlu_data must be an object")
		return &r.data
	}
	for i, m := range r.objects(data, "common_examples") {
		r.example(m, fmt.Sprintf("common_examples[%d]", i))
	}
	for i, m := range r.objects(data, "regex_features") {
		path := fmt.Sprintf("regex_features[%d]", i)
		name, pattern := r.text(m, "name", path, true), r.text(m, "pattern", path, true)
		r.data.Regexes = append(r.data.Regexes, Regex{name, pattern, Pos{File: file}})
	}
	for i, m := range r.objects(data, "lookup_tables") {
		path := fmt.Sprintf("lookup_tables[%d]", i)
		r.data.Lookups = append(r.data.Lookups, Lookup{r.text(m, "name", path, true), r.elements(m, path), Pos{File: file}})
	}
	for i, m := range r.objects(data, "entity_synonyms") {
		r.synonyms(m, fmt.Sprintf("entity_synonyms[%d]", i))
	}
	r.data.tidy()
	return &r.data
}

type jsonReader struct {
	data NLUData
	file string
	ps   *Problems
}

func (r *jsonReader) errorf(format string, args ...any) {
	r.ps.Errorf(Pos{File: r.file}, format, args...)
}

// objects returns the objects of a list; anything else is an error.
func (r *jsonReader) objects(m *value.Map, key string) []*value.Map {
	v, present := m.Get(key)
	list, ok := v.([]any)
	if present && !ok {
		r.errorf("%s must be a list", key)
	}
	var out []*value.Map
	for i, item := range list {
		one, ok := item.(*value.Map)
		if !ok {
			r.errorf("%s[%d] must be an object", key, i)
			continue
		}
		out = append(out, one)
	}
	return out
}

// text returns a string; when it is absent and required, or no string, that is an error.
func (r *jsonReader) text(m *value.Map, key, path string, required bool) string {
	v, present := m.Get(key)
	s, ok := v.(string)
	if present && !ok || required && !present {
		r.errorf("%s: %q must be a text", path, key)
	}
	return s
}

func (r *jsonReader) example(m *value.Map, path string) {
	e := Example{Text: r.text(m, "text", path, false), Metadata: m.Map("metadata"), Pos: Pos{File: r.file}}
	intent := r.text(m, "intent", path, false)
	base, key, err := splitIntent(intent)
	if err != nil {
		r.errorf("%s: %v", path, err)
	}
	if e.Intent = value.Strip(base); key != "" {
		e.ResponseKey = intent
	}
	for i, ent := range r.objects(m, "entities") {
		e.Entities = append(e.Entities, r.entity(ent, fmt.Sprintf("%s.entities[%d]", path, i)))
	}
	r.data.Examples = append(r.data.Examples, e)
}

func (r *jsonReader) entity(m *value.Map, path string) EntityAnnotation {
	e := EntityAnnotation{
		Entity: r.text(m, "entity", path, true),
		Role:   r.text(m, "role", path, false), Group: r.text(m, "group", path, false),
		Start: r.offset(m, "start", path), End: r.offset(m, "end", path),
	}
	if v, ok := m.Get("value"); ok {
		if !isTextOrNumber(v) {
			r.errorf(`%s: "value" must be a text or a number`, path)
		}
		e.Value = v
	}
	return e
}

func (r *jsonReader) offset(m *value.Map, key, path string) int {
	i, ok := m.Value(key).(int64)
	if !ok {
		r.errorf("%s: %q must be an integer", path, key)
	}
	return int(i)
}

// elements returns the elements of a lookup table, from its file when a file is named.
func (r *jsonReader) elements(m *value.Map, path string) []string {
	var out []string
	switch v := m.Value("elements").(type) {
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				r.errorf("%s: elements must be texts", path)
			}
			out = append(out, s)
		}
	case string:
		content, err := os.ReadFile(v)
		if err != nil {
			r.errorf("%s: read lookup table: %v", path, err)
		}
		for _, l := range strings.FieldsFunc(string(content), func(c rune) bool { return c == '\n' || c == '\r' }) {
			if element := value.Strip(l); element != "" {
				out = append(out, element)
			}
		}
	default:
		r.errorf("%s: elements must be a list of texts or the name of a file", path)
	}
	return out
}

// synonyms reads {"value": ..., "synonyms": [...]}.
func (r *jsonReader) synonyms(m *value.Map, path string) {
	if !m.Has("value") || !m.Has("synonyms") {
		return
	}
	list, ok := m.Value("synonyms").([]any)
	if !ok {
		r.errorf("%s: synonyms must be a list", path)
	}
	for _, s := range list {
		synonym := Synonym{value.Str(s), value.Str(m.Value("value")), Pos{File: r.file}}
		r.data.addSynonym(synonym, r.ps)
	}
}

package project

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// schemaKind is the type a schema asks for.
type schemaKind int

const (
	anyKind schemaKind = iota
	strKind
	boolKind
	numberKind
	textKind // a string or a number
	mapKind
	seqKind
)

// schema describes what a YAML value may be. It means what the same schema means to pykwalify 1.8, which Rasa
// checks its files with: a null is refused only where a mapping is asked for, or where it is required.
type schema struct {
	kind schemaKind
	// required refuses null, and an absent key of the mapping this is a field of. notNull refuses null only.
	required, notNull bool
	// fields are the known keys of a mapping; when patterns are given every other key must match one of them;
	// otherwise open allows any other key. A mapping without fields and patterns takes everything.
	fields   []schemaField
	patterns []schemaPattern
	open     bool
	// items are the alternatives for the items of a list.
	items []*schema
	// min is the smallest number allowed.
	min *float64
	// check looks at the value as a whole.
	check func(n *yamlNode, path string, ps *Problems)
}

type schemaField struct {
	key  string
	rule *schema
}

// schemaPattern is a rule for all keys that match anywhere.
type schemaPattern struct {
	match *regexp.Regexp
	// wants says in words what a key needs.
	wants string
	rule  *schema
}

// validate reports everything in n that s does not allow. path says where n is, in words of the file.
func (s *schema) validate(n *yamlNode, path string, ps *Problems) {
	if n.isNull() && (s.required || s.notNull) {
		ps.Errorf(n.At, "%s is empty; %s is needed", placeName(path), s.wanted())
		return
	}
	switch s.kind {
	case mapKind:
		s.validateMap(n, path, ps)
	case seqKind:
		s.validateList(n, path, ps)
	default:
		if n.isNull() {
			return
		}
		if !s.allows(n) {
			ps.Errorf(n.At, "%s must be %s, not %s%s", placeName(path), s.wanted(), n.kindName(), quoteHint(s, n))
			return
		}
		s.validateMin(n, path, ps)
	}
}

// quoteHint tells how to write as a text what YAML reads as something else.
func quoteHint(s *schema, n *yamlNode) string {
	if s.kind != strKind || n.Kind != yamlScalar {
		return ""
	}
	if n.Env {
		return " with an environment variable"
	}
	return `; write it in quotes: "` + value.Str(n.Scalar) + `"`
}

// validateMin compares a number with min. The number may be written as a text, whose length then counts.
func (s *schema) validateMin(n *yamlNode, path string, ps *Problems) {
	if s.min == nil {
		return
	}
	if f, ok := value.ToFloat(n.Scalar); ok && f < *s.min {
		ps.Errorf(n.At, "%s must not be less than %v", path, *s.min)
	}
}

// wanted names what s asks for.
func (s *schema) wanted() string {
	switch s.kind {
	case strKind:
		return "a text"
	case boolKind:
		return "true or false"
	case numberKind:
		return "a number"
	case textKind:
		return "a text or a number"
	case mapKind:
		return "a mapping"
	case seqKind:
		return "a list"
	}
	return "a value"
}

// allows reports whether scalar type and kind of n are what s asks for.
func (s *schema) allows(n *yamlNode) bool {
	if s.kind == anyKind {
		return true
	}
	if n.Kind != yamlScalar || n.Env || n.Date {
		return false
	}
	text, isText := n.Scalar.(string)
	_, isBool := n.Scalar.(bool)
	switch s.kind {
	case strKind:
		return isText
	case boolKind:
		return isBool
	case textKind:
		return !isBool
	case numberKind:
		if isText {
			_, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return err == nil
		}
		return !isBool
	}
	return false
}

func (s *schema) validateMap(n *yamlNode, path string, ps *Problems) {
	if n.Kind != yamlMap {
		ps.Errorf(n.At, "%s must be a mapping, not %s", placeName(path), n.kindName())
		return
	}
	if s.fields == nil && s.patterns == nil {
		return
	}
	if s.check != nil {
		s.check(n, path, ps)
	}
	for _, f := range s.fields {
		if f.rule.required && !n.has(f.key) {
			ps.Errorf(n.At, "%s: key %q is missing%s", placeName(path), f.key, s.misspelt(n, f.key))
		}
	}
	for _, e := range n.Entries {
		if rule := s.field(e.Key); rule != nil {
			rule.validate(e.Val, join(path, e.Key), ps)
			continue
		}
		if s.patterns != nil {
			s.validatePattern(e, path, ps)
			continue
		}
		s.unknownKey(n, e, path, ps)
	}
}

// validatePattern checks an entry whose key is not fixed.
func (s *schema) validatePattern(e yamlEntry, path string, ps *Problems) {
	matched := false
	for _, p := range s.patterns {
		if p.match.MatchString(e.Key) {
			matched = true
			p.rule.validate(e.Val, join(path, e.Key), ps)
		}
	}
	if !matched {
		ps.Errorf(e.KeyNode.At, "%q under %s needs %s", e.Key, placeName(path), s.patterns[0].wants)
	}
}

// unknownKey reports a key that is not known: an error where only known keys are allowed, elsewhere a warning when
// it looks like a known key that is missing.
func (s *schema) unknownKey(n *yamlNode, e yamlEntry, path string, ps *Problems) {
	if !s.open {
		ps.Errorf(e.KeyNode.At, "unknown key %q in %s%s", e.Key, placeName(path), didYouMean(e.Key, s.keys()))
		return
	}
	if near := nearest(e.Key, s.keys()); near != "" && !n.has(near) {
		ps.Warnf(e.KeyNode.At, "unknown key %q in %s; did you mean %q?", e.Key, placeName(path), near)
	}
}

// misspelt returns a half-sentence that names a key of n which may have been meant as want.
func (s *schema) misspelt(n *yamlNode, want string) string {
	for _, e := range n.Entries {
		if s.field(e.Key) == nil && nearest(e.Key, []string{want}) != "" {
			return "; is it " + strconv.Quote(e.Key) + " in line " + strconv.Itoa(e.KeyNode.At.Line) + "?"
		}
	}
	return ""
}

func (s *schema) field(key string) *schema {
	for i := range s.fields {
		if s.fields[i].key == key {
			return s.fields[i].rule
		}
	}
	return nil
}

func (s *schema) keys() []string {
	keys := make([]string, len(s.fields))
	for i := range s.fields {
		keys[i] = s.fields[i].key
	}
	return keys
}

func (s *schema) validateList(n *yamlNode, path string, ps *Problems) {
	if n.isNull() {
		return
	}
	if n.Kind != yamlList {
		ps.Errorf(n.At, "%s must be a list, not %s", placeName(path), n.kindName())
		return
	}
	if s.check != nil {
		s.check(n, path, ps)
	}
	for _, rule := range s.items {
		// pykwalify gives up on a list whose items may be any mapping: nothing in it is checked.
		if rule.kind == mapKind && rule.fields == nil && rule.patterns == nil {
			return
		}
	}
	for i, item := range n.Items {
		s.validateItem(item, join(path, strconv.Itoa(i+1)), ps)
	}
}

// validateItem reports what is wrong with an item by the alternative it comes nearest to.
func (s *schema) validateItem(item *yamlNode, path string, ps *Problems) {
	var best Problems
	found := false
	for _, rule := range s.items {
		var tried Problems
		rule.validate(item, path, &tried)
		if !tried.HasErrors() {
			*ps = append(*ps, tried...)
			return
		}
		if fits := rule.kind == mapKind && item.Kind == yamlMap || rule.kind == seqKind && item.Kind == yamlList; fits &&
			(!found || len(tried) < len(best)) {
			best, found = tried, true
		}
	}
	if found || len(s.items) == 1 {
		if !found {
			s.items[0].validate(item, path, &best)
		}
		*ps = append(*ps, best...)
		return
	}
	var names []string
	for _, rule := range s.items {
		if w := rule.wanted(); len(names) == 0 || names[len(names)-1] != w {
			names = append(names, w)
		}
	}
	ps.Errorf(item.At, "%s must be %s, not %s", placeName(path), strings.Join(names, " or "), item.kindName())
}

// placeName names a path in messages; "" is the whole file.
func placeName(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// join extends a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fields pairs keys and rules: fields("a", x, "b", y).
func fields(pairs ...any) []schemaField {
	out := make([]schemaField, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, schemaField{pairs[i].(string), pairs[i+1].(*schema)})
	}
	return out
}

package project

import (
	"errors"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// ParseNLU reads the NLU data of one file, YAML or JSON (`rasa_nlu_data`), as Rasa's readers do
// (rasa/shared/nlu/training_data/formats/{rasa_yaml,rasa}.py, 3.6.21). What Rasa refuses is an error, what it skips or
// wonders at a warning.
func ParseNLU(data []byte, file string) (*NLUData, Problems) {
	if js, err := value.Decode(data); err == nil {
		if m, ok := js.(*value.Map); ok && m.Has("rasa_nlu_data") {
			var ps Problems
			return readNLUJSON(m, file, &ps), ps
		}
	}
	root, ps := parseYAML(data, file)
	if root == nil {
		return &NLUData{}, ps
	}
	nlu := readNLU(root, &ps)
	return nlu, ps
}

// readNLU reads `nlu` and `responses` of a parsed file.
func readNLU(root *yamlNode, ps *Problems) *NLUData {
	var found Problems
	r := &nluReader{ps: &found}
	if root.Kind != yamlMap {
		ps.Errorf(root.At, "a file with NLU data must be a mapping, not %s", root.kindName())
		return &r.data
	}
	valid := conforms(nluSchema, root, ps)
	if !checkFormatVersion(root, ps) {
		return &r.data
	}
	defer func() { ps.add(found, valid) }()
	for _, item := range items(root.get("nlu")) {
		r.item(item)
	}
	r.data.Responses = buildResponses(root.get("responses"))
	r.data.tidy()
	return &r.data
}

// conforms validates root and reports whether no error was found.
func conforms(s *schema, root *yamlNode, ps *Problems) bool {
	var found Problems
	s.validate(root, "", &found)
	*ps = append(*ps, found...)
	return !found.HasErrors()
}

// add adds found; warnings only when the file is otherwise valid, since they may be about what was not understood.
func (ps *Problems) add(found Problems, valid bool) {
	for _, p := range found {
		if valid || p.Severity == Error {
			*ps = append(*ps, p)
		}
	}
}

// nluReader collects NLU data. The schema has reported values of wrong types before; they are passed over.
type nluReader struct {
	data NLUData
	ps   *Problems
}

// item reads one item of `nlu`.
func (r *nluReader) item(n *yamlNode) {
	if n.Kind != yamlMap {
		return
	}
	for _, kind := range []string{"intent", "synonym", "regex", "lookup"} {
		if !n.has(kind) {
			continue
		}
		name, isText := n.get(kind).str()
		switch {
		case !isText && !n.get(kind).isNull():
		case name == "":
			r.ps.Warnf(n.keyPos(kind), "the %s has no name and is skipped", kind)
		case kind == "intent":
			r.intent(n, name)
		default:
			r.lines(n, kind, name)
		}
		return
	}
	r.ps.Warnf(n.At, "an item without intent, synonym, regex or lookup is skipped")
}

// line is one example with the place where it is written.
type line struct {
	text string
	at   Pos
}

// lines reads the examples of a synonym, regex or lookup table.
func (r *nluReader) lines(n *yamlNode, kind, name string) {
	examples := n.get("examples")
	if !examples.truthy() {
		r.ps.Warnf(n.At, "%s %q has no examples and is skipped", kind, name)
		return
	}
	for _, l := range r.split(examples, kind, name) {
		switch kind {
		case "synonym":
			r.data.addSynonym(Synonym{l.text, name, l.at}, r.ps)
		case "regex":
			r.data.Regexes = append(r.data.Regexes, Regex{name, l.text, l.at})
		case "lookup":
			r.lookup(name, l.text, n.At)
		}
	}
}

func (r *nluReader) lookup(name, element string, at Pos) {
	for i := range r.data.Lookups {
		if r.data.Lookups[i].Name == name {
			r.data.Lookups[i].Elements = append(r.data.Lookups[i].Elements, element)
			return
		}
	}
	r.data.Lookups = append(r.data.Lookups, Lookup{name, []string{element}, at})
}

// intent reads an intent with its examples.
func (r *nluReader) intent(n *yamlNode, name string) {
	base, key, err := splitIntent(name)
	e := Example{Intent: value.Strip(base)}
	if key != "" {
		e.ResponseKey = name
	}
	if m := n.get("metadata"); !m.isNull() {
		e.Metadata = value.NewMap("intent", m.value())
	}
	before := len(r.data.Examples)
	r.intentExamples(n, e, name)
	// Rasa looks at the name only when there is an example for it.
	if err != nil && len(r.data.Examples) > before {
		r.ps.Errorf(n.get("intent").At, "%v", err)
	}
}

// intentExamples adds the examples of the intent called name; e is what they have in common.
func (r *nluReader) intentExamples(n *yamlNode, e Example, name string) {
	examples := n.get("examples")
	if n.has("examples") && examples.isNull() {
		r.ps.Warnf(n.keyPos("examples"), "intent %q has no examples", name)
		return
	}
	if examples != nil && examples.Kind == yamlList {
		r.exampleList(examples, e, name)
		return
	}
	if _, isText := examples.str(); examples != nil && !isText {
		return
	}
	found := r.split(examples, "intent", name)
	if len(found) == 0 {
		r.ps.Warnf(n.At, "intent %q has no examples", name)
	}
	for _, l := range found {
		r.example(l.text, l.at, examples.Block > 0, e)
	}
}

// exampleList reads examples in the long form: mappings with text and metadata.
func (r *nluReader) exampleList(list *yamlNode, e Example, name string) {
	if len(list.Items) == 0 {
		r.ps.Warnf(list.At, "intent %q has no examples", name)
	}
	for _, item := range list.Items {
		if item.Kind != yamlMap || len(item.Entries) == 0 {
			continue
		}
		node, one := item.get("text"), e
		text, isText := node.str()
		switch {
		case node == nil:
			r.ps.Warnf(item.At, "the example has no text")
		case node.isNull():
			r.ps.Errorf(node.At, "the text of the example is empty")
			continue
		case !isText:
			continue
		}
		if m := item.get("metadata"); !m.isNull() {
			one.Metadata = e.Metadata.Clone().Set("example", m.value())
		}
		at := item.At
		if node != nil {
			at = node.At
		}
		r.example(strings.Trim(text, "\n\r "), at, false, one)
	}
}

// example adds an example of annotated text with the rest of e. inBlock tells that the text begins exactly at at.
func (r *nluReader) example(annotated string, at Pos, inBlock bool, e Example) {
	text, entities, err := parseMarkup(annotated)
	if err != nil {
		var markup *MarkupError
		if errors.As(err, &markup) && inBlock {
			at.Col += markup.Offset
		}
		r.ps.Errorf(at, "%v", err)
		return
	}
	e.Text, e.Entities, e.Pos = text, entities, at
	runes := []rune(text)
	for _, ent := range entities {
		covered := slice(runes, ent.Start, ent.End)
		if !value.Equal(ent.Value, covered) {
			r.data.addSynonym(Synonym{covered, value.Str(ent.Value), at}, r.ps)
		}
	}
	r.data.Examples = append(r.data.Examples, e)
}

// split takes a text apart into the lines that begin with a dash.
func (r *nluReader) split(n *yamlNode, kind, name string) []line {
	text, _ := n.str()
	var out []line
	breaks := 0
	for _, l := range splitLines(text) {
		at := n.At
		if n.Block > 0 {
			at.Line, at.Col = n.At.Line+1+breaks, n.Block
		}
		if l.newline {
			breaks++
		}
		if !strings.HasPrefix(l.text, "-") {
			r.ps.Warnf(at, "an example of %s %q does not begin with a dash (-) and is skipped: %q", kind, name, l.text)
			continue
		}
		text := strings.TrimLeft(l.text[1:], "\n\r ")
		if n.Block > 0 {
			at.Col += len(l.text) - len(text)
		}
		out = append(out, line{strings.TrimRight(text, "\n\r "), at})
	}
	return out
}

// textLine is a line of Python's str.splitlines; newline tells that it ended with \n.
type textLine struct {
	text    string
	newline bool
}

// splitLines is Python's str.splitlines.
func splitLines(s string) []textLine {
	var out []textLine
	for s != "" {
		end := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if end < 0 {
			return append(out, textLine{s, false})
		}
		size := 1
		switch rest := s[end:]; {
		case strings.HasPrefix(rest, "\r\n"), strings.HasPrefix(rest, "\u0085"):
			size = 2
		case strings.HasPrefix(rest, "\u2028"), strings.HasPrefix(rest, "\u2029"):
			size = 3
		}
		out = append(out, textLine{s[:end], s[end+size-1] == '\n'})
		s = s[end+size:]
	}
	return out
}

// addSynonym adds s; a text that is there already gets the new value in its old place, as in Python's dict.
func (d *NLUData) addSynonym(s Synonym, ps *Problems) {
	i, ok := d.synonymIndex[s.Text]
	if !ok {
		if d.synonymIndex == nil {
			d.synonymIndex = map[string]int{}
		}
		d.synonymIndex[s.Text] = len(d.Synonyms)
		d.Synonyms = append(d.Synonyms, s)
		return
	}
	if have := d.Synonyms[i]; have.Value != s.Value {
		ps.Warnf(s.Pos, "%q is a synonym for %q here and for %q in %v; this one counts", s.Text, s.Value, have.Value, have.Pos)
		d.Synonyms[i].Value, d.Synonyms[i].Pos = s.Value, s.Pos
	}
}

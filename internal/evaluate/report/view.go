package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// storyView is a story step by step.
type storyView struct {
	Name, File string
	Steps      []stepView
	Wrong      int
}

// stepView is one step; Note is what was predicted instead.
type stepView struct{ Kind, Text, Note string }

func viewStory(s *evaluate.Story) storyView {
	v := storyView{Name: s.Name, File: s.File}
	for i, step := range s.Steps {
		one := viewStep(&step)
		if text := s.Annotated[i]; text != "" {
			one.Text = viewMessage(step.User, text)
		}
		if one.Text == "action_listen" && one.Note == "" {
			continue
		}
		if one.Note != "" {
			v.Wrong++
		}
		v.Steps = append(v.Steps, one)
	}
	return v
}

func viewStep(s *project.Step) stepView {
	v := stepView{Text: s.Action, Note: strings.TrimPrefix(s.Comment, "predicted: ")}
	switch s.Kind {
	case project.UserStep:
		v.Kind, v.Text = "user", viewMessage(s.User, s.User.Text)
		for _, note := range s.User.EntityComments {
			if note != "" {
				v.Note = strings.TrimPrefix(v.Note+"; "+strings.TrimPrefix(note, "predicted: "), "; ")
			}
		}
	case project.ActionStep:
		v.Kind = "action"
	case project.BotStep:
		v.Kind = "bot"
	case project.SlotStep:
		v.Kind = "slot"
		var slots []string
		for _, slot := range s.Slots {
			slots = append(slots, slot.Name+" = "+string(value.Encode(slot.Value, value.Unicode)))
		}
		v.Text = strings.Join(slots, ", ")
	case project.LoopStep:
		v.Kind, v.Text = "loop", cmp.Or(s.Loop, "none")
	}
	return v
}

func viewMessage(m *project.StoryMessage, text string) string {
	intent := cmp.Or(m.FullIntent, m.Intent)
	switch {
	case text == "":
		return intent
	case intent == "":
		return "“" + text + "”"
	}
	return intent + ": “" + text + "”"
}

// entityView is the section about entities.
type entityView struct {
	Errors     []entityError
	Left       int
	Types      []rowView
	Extractors []extractorView
}

type extractorView struct {
	Name string
	Rows []rowView
}

// entityError is a message as it was annotated, and as each extractor understood it.
type entityError struct {
	Expected  []segment
	Predicted []understanding
}

// understanding is what one extractor found; By is "predicted" where there is only one.
type understanding struct {
	By       string
	Segments []segment
}

// segment is a part of a text; Label is "" outside of entities. Class is ok, missed or extra.
type segment struct{ Text, Label, Class string }

func (r *Report) viewEntities() *entityView {
	v := &entityView{}
	for _, one := range r.results.Entities {
		if e, wrong := marked(one, len(r.entities) > 1); wrong {
			v.Errors = append(v.Errors, e)
		}
	}
	v.Left = max(0, len(v.Errors)-shown)
	v.Errors = v.Errors[:len(v.Errors)-v.Left]
	for _, name := range slices.Sorted(maps.Keys(r.spans.Types)) {
		s := r.spans.Types[name]
		v.Types = append(v.Types, rowView{name, s.Precision(), s.Recall(), s.F1(), int64(s.Expected)})
	}
	slices.SortStableFunc(v.Types, func(a, b rowView) int { return cmp.Compare(a.F1, b.F1) })
	for _, e := range r.entities {
		v.Extractors = append(v.Extractors, extractorView{e.Extractor, rows(e.Metrics)})
	}
	return v
}

// mark is an entity in a text.
type mark struct {
	start, end int64
	label      string
}

// marked returns the text of r with the entities expected and with those predicted, by each extractor if there are
// several, and whether they differ.
func marked(r evaluate.EntityResult, several bool) (e entityError, wrong bool) {
	wanted, found := marks(r.Targets), marks(r.Predictions)
	text := []rune(value.Str(r.Text))
	e.Expected = segments(text, wanted, func(m mark) string { return classOf(slices.Contains(found, m), "missed") })
	add := func(by string, list []mark) {
		e.Predicted = append(e.Predicted, understanding{by, segments(text, list, func(m mark) string { return classOf(slices.Contains(wanted, m), "extra") })})
	}
	if several && len(found) > 0 {
		for _, name := range evaluate.Extractors([]evaluate.EntityResult{r}) {
			add(name, marks(slices.DeleteFunc(slices.Clone(r.Predictions), func(item any) bool {
				p, _ := item.(*value.Map)
				return p.String("extractor") != name
			})))
		}
	} else {
		add("predicted", found)
	}
	has := func(list []mark, other []mark) bool {
		return !slices.ContainsFunc(list, func(m mark) bool { return !slices.Contains(other, m) })
	}
	return e, !has(wanted, found) || !has(found, wanted)
}

func classOf(ok bool, otherwise string) string {
	if ok {
		return "ok"
	}
	return otherwise
}

func marks(entities []any) []mark {
	var out []mark
	for _, item := range entities {
		e, ok := item.(*value.Map)
		if !ok {
			continue
		}
		m := mark{label: value.Str(e.Value("entity"))}
		m.start, _ = e.Value("start").(int64)
		m.end, _ = e.Value("end").(int64)
		for _, key := range []string{"role", "group"} {
			if v := e.Value(key); value.Truthy(v) {
				m.label += " · " + value.Str(v)
			}
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b mark) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	return out
}

// segments cuts text at the marks. A mark inside of another one is shown behind it with the same text again.
func segments(text []rune, list []mark, class func(mark) string) []segment {
	var out []segment
	pos := int64(0)
	n := int64(len(text))
	for _, m := range list {
		start, end := min(max(m.start, 0), n), min(max(m.end, 0), n)
		if start > pos {
			out = append(out, segment{Text: string(text[pos:start])})
		}
		out = append(out, segment{string(text[start:max(start, end)]), m.label, class(m)})
		pos = max(pos, end)
	}
	if pos < n {
		out = append(out, segment{Text: string(text[pos:])})
	}
	return out
}

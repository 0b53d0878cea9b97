package report

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"os"
	"slices"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/value"
)

//go:embed page.html
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"percent": func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
	"score":   func(v float64) string { return fmt.Sprintf("%.3f", v) },
}).ParseFS(pageFiles, "page.html"))

// shown is how many errors of a kind the page lists; the JSON files have all.
const shown = 1000

// picture is a chart; the page holds it in itself.
type picture struct {
	Title, Name string
	Data        template.URL
}

// pageData is what the page shows.
type pageData struct {
	Title, Model string
	Tiles        []tile
	Stories      []storyView
	Warned       []storyView
	Labels       []labelView
	Entities     *entityView
	Pictures     []picture
}

// tile is a figure at the top.
type tile struct{ Name, Value, Note, Class string }

// labelView is the section about intents or responses.
type labelView struct {
	Name, One string
	Pairs     []pairView
	Errors    []predictionView
	Left      int
	Rows      []rowView
}

// pairView counts how often one label was predicted for another.
type pairView struct {
	Target, Label string
	Count         int
	Example       string
}

type predictionView struct {
	Text, Target, Label string
	Confidence          float64
	HasConfidence       bool
}

// rowView is a label's line in a classification report.
type rowView struct {
	Label                 string
	Precision, Recall, F1 float64
	Support               int64
}

func (r *Report) page() error {
	d := pageData{Title: r.Title, Model: r.Model, Tiles: r.tiles()}
	for i := range r.stories {
		if s := &r.stories[i]; s.Failed {
			d.Stories = append(d.Stories, viewStory(s))
		} else if s.Warned {
			d.Warned = append(d.Warned, viewStory(s))
		}
	}
	if r.intents != nil {
		d.Labels = append(d.Labels, viewLabels("Intents", "intent", r.intents))
	}
	if r.responses != nil {
		d.Labels = append(d.Labels, viewLabels("Responses", "response", r.responses))
	}
	if r.spans != nil {
		d.Entities = r.viewEntities()
	}
	for _, p := range r.pictures {
		data, err := os.ReadFile(r.path(p.Name))
		if err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
		p.Data = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data))
		d.Pictures = append(d.Pictures, p)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, d); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return r.write(PageFile, b.Bytes())
}

func (r *Report) tiles() []tile {
	var out []tile
	add := func(name string, v float64, note string, args ...any) {
		class := "good"
		switch {
		case v < 0.7:
			class = "bad"
		case v < 0.9:
			class = "fair"
		}
		out = append(out, tile{name, fmt.Sprintf("%.1f %%", 100*v), fmt.Sprintf(note, args...), class})
	}
	if n := len(r.stories); n > 0 {
		right, warned := r.counts()
		note := fmt.Sprintf("%d of %d right", right, n)
		if warned > 0 {
			note += fmt.Sprintf(", %d with warnings", warned)
		}
		add("Stories", float64(right)/float64(n), "%s", note)
		add("Actions and messages in stories", r.storyMetrics.F1, "weighted F1; accuracy %.3f", r.storyMetrics.Accuracy)
	}
	if e := r.intents; e != nil {
		add("Intents", e.F1, "weighted F1; accuracy %.3f on %d messages", e.Accuracy, len(e.Predictions))
	}
	if e := r.responses; e != nil {
		add("Responses", e.F1, "weighted F1; accuracy %.3f on %d messages", e.Accuracy, len(e.Predictions))
	}
	if r.spans != nil {
		add("Entities", r.spans.All.F1(), "F1 of exact spans; %d of %d found, %d too many", r.spans.All.Correct, r.spans.All.Expected,
			r.spans.All.Predicted-r.spans.All.Correct)
	}
	return out
}

func viewLabels(name, one string, e *evaluate.Evaluation) labelView {
	v := labelView{Name: name, One: one}
	pairs := map[[2]string]*pairView{}
	for _, p := range e.Predictions {
		if p.Target == p.Label {
			continue
		}
		text := value.Str(p.Text)
		key := [2]string{p.Target, p.Label}
		if pairs[key] == nil {
			pairs[key] = &pairView{Target: p.Target, Label: p.Label, Example: text}
		}
		pairs[key].Count++
		c, ok := p.Confidence.(float64)
		v.Errors = append(v.Errors, predictionView{text, p.Target, p.Label, c, ok})
	}
	for _, p := range pairs {
		v.Pairs = append(v.Pairs, *p)
	}
	slices.SortFunc(v.Pairs, func(a, b pairView) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Label, b.Label))
	})
	// What the model is surest of comes first: either the model or the annotation is very wrong there.
	slices.SortStableFunc(v.Errors, func(a, b predictionView) int { return cmp.Compare(b.Confidence, a.Confidence) })
	v.Left = max(0, len(v.Errors)-shown)
	v.Errors = v.Errors[:len(v.Errors)-v.Left]
	v.Rows = rows(e.Metrics)
	return v
}

// rows are the labels of a report, the worst first.
func rows(m evaluate.Metrics) []rowView {
	var out []rowView
	for label, v := range m.Report.All() {
		entry, ok := v.(*value.Map)
		if !ok || slices.Contains([]string{"micro avg", "macro avg", "weighted avg", "conversation_accuracy"}, label) {
			continue
		}
		row := rowView{Label: label}
		row.Precision, _ = entry.Value("precision").(float64)
		row.Recall, _ = entry.Value("recall").(float64)
		row.F1, _ = entry.Value("f1-score").(float64)
		row.Support, _ = entry.Value("support").(int64)
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b rowView) int { return cmp.Compare(a.F1, b.F1) })
	return out
}

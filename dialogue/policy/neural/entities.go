package neural

import (
	"context"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/internal/value"
)

// tagsOf numbers the tags of entities (_create_entity_tag_specs of single_state_featurizer.py). Names with a role or
// group have tags, too, though no text has them.
func tagsOf(entities map[string]int, bilou bool) []string {
	prefixes := []string{""}
	if bilou {
		prefixes = tagging.Prefixes
	}
	tags := make([]string, 1+len(entities)*len(prefixes))
	tags[0] = tagging.Outside
	for name, i := range entities {
		for j, prefix := range prefixes {
			tags[1+i*len(prefixes)+j] = prefix + name
		}
	}
	return tags
}

// tagText returns the numbers of the tags of a text's tokens, and whether one is an entity's.
func (l *learner) tagText(u *tracker.UserUttered, f *Features) (tags []int, some bool) {
	numbers := map[string]int{}
	for i, tag := range l.spec.Tags {
		numbers[tag] = i
	}
	tokens := spansOf(f)
	var entities []tagging.Entity
	for _, v := range u.Entities {
		m, _ := v.(*value.Map)
		start, ok := m.Value("start").(int64)
		end, also := m.Value("end").(int64)
		if ok && also {
			entities = append(entities, tagging.Entity{Span: tagging.Span{Start: int(start), End: int(end)}, Name: m.String("entity")})
		}
	}
	tags = make([]int, len(tokens))
	if l.Options.BILOU {
		for i, tag := range tagging.BILOU(tokens, entities) {
			tags[i] = numbers[tag]
		}
	} else {
		for i, token := range tokens {
			if e := tagging.Covering(token, entities); e >= 0 {
				tags[i] = numbers[entities[e].Name]
			}
		}
	}
	for _, tag := range tags {
		some = some || tag > 0
	}
	return tags, some
}

func spansOf(f *Features) []tagging.Span {
	spans := make([]tagging.Span, len(f.tokens))
	for i, t := range f.tokens {
		spans[i] = tagging.Span{Start: t.Start, End: t.End}
	}
	return spans
}

// prepareTags tags the texts that examples end with. Without any entity nothing is learnt of entities.
func (l *learner) prepareTags() {
	if !l.Options.EntityRecognition || l.spec.Inputs[Text] == nil || !l.spec.reversed() || len(l.Tables[Entities]) == 0 {
		return
	}
	l.spec.Tags = tagsOf(l.Tables[Entities], l.Options.BILOU)
	any := false
	for i := range l.lessons {
		x, texts := &l.lessons[i], l.Examples[i].Texts
		f := x.turns[len(x.turns)-1][Text]
		if f == nil || len(texts) == 0 || texts[0] == nil || len(f.Sequence) != len(f.tokens) {
			continue
		}
		tags, some := l.tagText(texts[0], f)
		x.tags, any = tags, any || some
	}
	if !any {
		l.spec.Tags = nil
		for i := range l.lessons {
			l.lessons[i].tags = nil
		}
	}
	l.spec.Options.EntityRecognition = any
}

// entityLoss is the loss of the tags of the texts that the examples of a batch end with.
func (s *session) entityLoss(t *nn.Tape, examples []int, p passed) float32 {
	var turns []Turn
	var rows []int
	var tags []int
	lengths := nn.Offsets{0}
	for i, e := range examples {
		x := &s.lessons[e]
		if len(x.tags) == 0 {
			continue
		}
		turns = append(turns, x.turns[len(x.turns)-1])
		tags = append(tags, x.tags...)
		lengths = append(lengths, len(tags))
		for range x.tags {
			rows = append(rows, i)
		}
	}
	if len(turns) == 0 {
		return 0
	}
	return s.net.crf.Loss(t, s.net.tagLogits(t, &s.batch, turns, rows, p), lengths, tags)
}

// tagLogits returns a row for each token of the texts of turns; rows says which of the rows of p is the one of each
// token's dialogue.
func (n *network) tagLogits(t *nn.Tape, b *batch, turns []Turn, rows []int, p passed) *nn.Tensor {
	place := b.collect(t, turns, Text, t.Training() && n.dropsInput(Text))
	embedded := b.sequences(t, n.turns[Text], nil)
	tokens := t.Ints(len(rows))[:0]
	for _, at := range place {
		from, to := embedded.Offsets.Bounds(at)
		for r := from; r < to-1; r++ { // the last row stands for the whole text
			tokens = append(tokens, r)
		}
	}
	x := nn.Concat(t, nn.Gather(t, embedded.Embedded, tokens), nn.Gather(t, p.transformed, rows))
	return n.logits.Forward(t, x)
}

// Entities returns the entities in the last message of the dialogue, which has text. It is nil when none are found, or the
// network has not learnt any.
func (m *Model) Entities(ctx context.Context, states []state.State, text string) ([]*value.Map, error) {
	if m.net.crf == nil || len(states) == 0 {
		return nil, nil
	}
	r := m.runs.Get().(*run)
	defer m.runs.Put(r)
	p, err := m.pass(ctx, r, states)
	if err != nil {
		return nil, err
	}
	last := r.turns[len(states)-1]
	f := last[Text]
	if f == nil || len(f.Sequence) == 0 || len(f.tokens) != len(f.Sequence) {
		return nil, nil
	}
	n := len(f.Sequence)
	logits := m.net.tagLogits(r.tape, &r.batch, []Turn{last}, make([]int, n), p)
	numbers, confidences := make([]int, n), make([]float32, n)
	m.net.crf.Decode(r.tape, logits, nn.Lengths(n), numbers, confidences)
	tags := tagging.Tags{Names: make([]string, n), Confidences: make([]float64, n)}
	found := false
	for i, tag := range numbers {
		tags.Names[i], tags.Confidences[i] = m.spec.Tags[tag], float64(confidences[i])
		found = found || tag > 0
	}
	if !found {
		return nil, nil
	}
	if m.spec.Options.BILOU {
		tagging.Repair(tags.Names, tags.Confidences)
	}
	return tagging.Entities(text, spansOf(f), tagging.Predicted{Entity: tags}, tagging.ParseSplitting(m.spec.Options.SplitByComma)), nil
}

package neural

import (
	"context"
	"fmt"
	"strconv"

	"github.com/parleybot/parley/dialogue/policy/state"
)

// encoder turns states into features (rasa/core/featurizers/single_state_featurizer.py). It is immutable.
type encoder struct {
	inputs   [attributeCount]*Size
	endToEnd [attributeCount]bool
	tables   *Tables
	// known are the features of every intent, action and loop.
	known [attributeCount]map[string]*Features
	texts *Texts
}

func newEncoder(s *Spec) *encoder {
	e := &encoder{inputs: s.Inputs, endToEnd: s.EndToEnd, tables: &s.Tables}
	for _, a := range []Attribute{Intent, ActionName, ActiveLoop} {
		e.known[a] = make(map[string]*Features, len(s.Tables[a]))
		for name, i := range s.Tables[a] {
			e.known[a][name] = oneHot(i)
		}
	}
	return e
}

// encode sets t to what the network sees of s. Of the user's text and intent only one may be there.
func (e *encoder) encode(ctx context.Context, s *state.State, t *Turn) error {
	*t = Turn{}
	if s.Prev.Name != "" {
		a := ActionName
		if s.Prev.IsText {
			a = ActionText
		}
		if err := e.name(ctx, a, s.Prev.Name, t); err != nil {
			return err
		}
	}
	if u := s.User; u != nil && s.Prev.IsListen() {
		if err := e.name(ctx, Intent, u.Intent, t); err != nil {
			return err
		}
		if err := e.name(ctx, Text, u.Text, t); err != nil {
			return err
		}
		if len(u.Entities) > 0 && e.inputs[Entities] != nil {
			t[Entities] = e.entities(u.Entities)
		}
	}
	if len(s.Slots) > 0 && e.inputs[Slots] != nil {
		t[Slots] = e.slotFeatures(s.Slots)
	}
	if s.Loop != "" && e.inputs[ActiveLoop] != nil {
		t[ActiveLoop] = e.of(ActiveLoop, s.Loop)
	}
	return nil
}

// name sets the features of an intent, action or text, "" for none.
func (e *encoder) name(ctx context.Context, a Attribute, name string, t *Turn) error {
	if name == "" || e.inputs[a] == nil {
		return nil
	}
	if e.endToEnd[a] {
		f, err := e.texts.features(ctx, a, name)
		if err != nil {
			return fmt.Errorf("featurizing %s: %w", a, err)
		}
		t[a] = f
		return nil
	}
	if !a.sequential() {
		t[a] = e.of(a, name)
	}
	return nil
}

func (e *encoder) of(a Attribute, name string) *Features {
	if f := e.known[a][name]; f != nil {
		return f
	}
	return zero
}

func (e *encoder) entities(labels []string) *Features {
	f := &Features{}
	for _, l := range labels {
		if i, ok := e.tables[Entities][l]; ok {
			f.Sentence.Cols = append(f.Sentence.Cols, int32(i))
			f.Sentence.Values = append(f.Sentence.Values, 1)
		}
	}
	return f
}

func (e *encoder) slotFeatures(slots []state.Slot) *Features {
	f := &Features{}
	for _, s := range slots {
		for i, v := range s.Feature.Values() {
			col, ok := e.tables[Slots][s.Name+"_"+strconv.Itoa(i)]
			if ok && v != 0 {
				f.Sentence.Cols = append(f.Sentence.Cols, int32(col))
				f.Sentence.Values = append(f.Sentence.Values, float32(v))
			}
		}
	}
	return f
}

package nlu

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/internal/value"
)

// Parse returns the parse data of a user's text, with the keys and the order of Rasa's: text, intent, entities, then
// text_tokens, intent_ranking and response_selector as far as components add them. An intent message has no
// text_tokens but always an intent_ranking. The result's values are shared and must not be changed; the map itself
// belongs to the caller.
func (p *Pipeline) Parse(ctx context.Context, text string) (*value.Map, error) {
	text = value.Strip(text)
	// Rasa reads intent messages after all components and throws away what these found.
	if data, ok := p.intentMessages.Parse(text); ok {
		return data, nil
	}
	if p.steady {
		if found := p.remembered.get(text); found != nil {
			return found, nil
		}
	}
	m := NewMessage(text)
	if err := p.Process(ctx, m); err != nil {
		return nil, err
	}
	found := m.ParseData()
	if p.steady {
		p.remembered.put(text, found)
	}
	return found, nil
}

// Process runs all components on a message.
func (p *Pipeline) Process(ctx context.Context, m *Message) error {
	m.SkipSequence = p.skipSequence
	for _, s := range p.steps {
		if err := s.component.Process(ctx, m); err != nil {
			return fmt.Errorf("processing a message by %s: %w", s.spec.Name, err)
		}
	}
	return nil
}

// ParseData returns what the components found in the form of Rasa's parse_data.
func (m *Message) ParseData() *value.Map {
	predicted := Prediction{}
	if m.Predicted != nil {
		predicted = *m.Predicted
	}
	entities := make([]any, len(m.Entities))
	for i, e := range m.Entities {
		entities[i] = e
	}
	data := value.NewMap("text", m.Value(Text), "intent", predicted.Map(), "entities", entities)
	if tokens := m.Tokens(Text); tokens != nil {
		data.Set("text_tokens", tokenSpans(tokens))
	}
	if m.rankingShown {
		ranking := make([]any, len(m.Ranking))
		for i, r := range m.Ranking {
			ranking[i] = r.Map()
		}
		data.Set("intent_ranking", ranking)
	}
	if m.ResponseSelector != nil {
		data.Set("response_selector", m.ResponseSelector)
	}
	return data
}

func tokenSpans(tokens []Token) []any {
	spans := make([]any, len(tokens))
	pairs := make([]any, 2*len(tokens))
	for i, t := range tokens {
		pair := pairs[2*i : 2*i+2 : 2*i+2]
		pair[0], pair[1] = int64(t.Start), int64(t.End)
		spans[i] = pair
	}
	return spans
}

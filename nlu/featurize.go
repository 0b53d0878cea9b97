package nlu

import (
	"context"
	"fmt"
)

// Featurize lets the tokenizers and featurizers look at m as they look at training examples. It is for messages that are
// not parsed: what stories and the domain name, for policies that learn end to end.
func (p *Pipeline) Featurize(ctx context.Context, m *Message) error {
	for _, s := range p.steps {
		if !s.spec.Has(RoleTokenizer) && !s.spec.Has(RoleFeaturizer) {
			continue
		}
		process := s.component.Process
		if pre, ok := s.component.(Preprocessor); ok {
			process = pre.ProcessExample
		}
		if err := process(ctx, m); err != nil {
			return fmt.Errorf("featurizing by %s: %w", s.spec.Name, err)
		}
	}
	return nil
}

package nlu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/parleybot/parley/internal/value"
)

// Fingerprints returns for each component a fingerprint of everything its training depends on: its name, position and
// options, those of the tokenizers and featurizers before it, and the parts of the data it and they read. Equal
// fingerprints mean equal trained components. The id of the i-th is that of Train's reuse function.
func (p *Pipeline) Fingerprints(data *TrainingData) []string {
	parts := data.digests()
	upstream := sha256.New()
	out := make([]string, len(p.steps))
	for i, s := range p.steps {
		var reads DataParts
		if t, ok := s.component.(Trainable); ok {
			reads = t.DependsOn()
		}
		all := sha256.New()
		all.Write(upstream.Sum(nil))
		all.Write(s.digest(i, reads, parts))
		out[i] = hex.EncodeToString(all.Sum(nil))
		if s.spec.Has(RoleTokenizer) || s.spec.Has(RoleFeaturizer) {
			upstream.Write(s.digest(i, reads&^StoryLabels, parts))
		}
	}
	return out
}

// digest covers the step itself and the parts of the data that it reads.
func (s *step) digest(index int, reads DataParts, parts []partDigest) []byte {
	h := sha256.New()
	s.describe(h, index)
	for _, part := range parts {
		if reads&part.part != 0 {
			h.Write(part.sum)
		}
	}
	return h.Sum(nil)
}

func (s *step) describe(w io.Writer, index int) {
	fmt.Fprintf(w, "%s\x00%d\x00", s.spec.Name, index)
	for _, f := range s.spec.Fields {
		v, given := s.entry.Options.Get(f.Name)
		if !given {
			v = f.Default
		}
		fmt.Fprintf(w, "%s=%s\x00", f.Name, value.CanonicalKey(v))
	}
}

type partDigest struct {
	part DataParts
	sum  []byte
}

func (t *TrainingData) digests() []partDigest {
	texts, entities, synonyms, regexes, lookups := sha256.New(), sha256.New(), sha256.New(), sha256.New(), sha256.New()
	labels := sha256.New()
	for _, m := range t.Examples {
		to := texts
		if m.FromCore() && !m.has[Text] {
			to = labels
		}
		for a := range m.values {
			fmt.Fprintf(to, "%t%s\x00", m.has[a], m.values[a])
		}
		for _, e := range m.Annotations {
			fmt.Fprintf(entities, "%d-%d %q %s %q %q in %q\x00", e.Start, e.End, e.Entity, value.CanonicalKey(e.Value), e.Role,
				e.Group, m.Value(Text))
		}
	}
	for _, s := range t.Synonyms {
		fmt.Fprintf(synonyms, "%q=%q\x00", s.Text, s.Value)
	}
	for _, r := range t.Regexes {
		fmt.Fprintf(regexes, "%q=%q\x00", r.Name, r.Pattern)
	}
	for _, l := range t.Lookups {
		fmt.Fprintf(lookups, "%q=%q\x00", l.Name, l.Elements)
	}
	responses := sha256.New()
	for _, r := range t.Responses {
		fmt.Fprintf(responses, "%q\x00", r.Name)
		for _, v := range r.Variations {
			fmt.Fprintf(responses, "%s\x00", value.CanonicalKey(v.Raw))
		}
	}
	return []partDigest{
		sum(ExampleTexts, texts), sum(StoryLabels|StoryVocabulary, labels), sum(ExampleEntities, entities), sum(SynonymData, synonyms), sum(RegexData, regexes),
		sum(LookupData, lookups), sum(ResponseData, responses),
	}
}

func sum(part DataParts, h hash.Hash) partDigest { return partDigest{part, h.Sum(nil)} }

package nlu_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

var benchDomain = mustDomain(`
version: "3.1"
intents: [greet, inform]
entities: [city, number]
`)

func mustDomain(text string) *project.Domain {
	d, problems := project.ParseDomain([]byte(text), "domain.yml")
	if problems.HasErrors() {
		panic(problems)
	}
	return d
}

func entries(names ...string) []project.Entry {
	list := make([]project.Entry, len(names))
	for i, n := range names {
		list[i] = project.Entry{Name: n, Pos: project.Pos{File: "config.yml", Line: i + 2, Col: 3}}
	}
	return list
}

// manyExamples has n examples in 20 intents.
func manyExamples(n int) *project.NLUData {
	data := &project.NLUData{}
	for i := range n {
		data.Examples = append(data.Examples, project.Example{
			Text: fmt.Sprintf("please do thing number %c%c%c now", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26), Intent: fmt.Sprintf("intent_%02d", i%20)})
	}
	return data
}

func BenchmarkParse(b *testing.B) {
	keywords := trained(b, nlu.Config{Entries: entries("WhitespaceTokenizer", "KeywordIntentClassifier"), Domain: benchDomain},
		nlu.NewTrainingData(manyExamples(2000), nil))
	regression := trained(b, nlu.Config{
		Entries: entries("WhitespaceTokenizer", "RegexFeaturizer", "LexicalSyntacticFeaturizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier"),
		Domain:  benchDomain,
	}, nlu.NewTrainingData(manyExamples(200), nil))
	cases := []struct {
		name string
		p    *nlu.Pipeline
		text string
	}{
		{"intent", keywords, "/greet"},
		{"intent with entities", keywords, `/inform{"city": "Zürich", "number": 3}`},
		{"keyword", keywords, "could you please do thing number abc now or later"},
		{"no keyword", keywords, "what is the weather like in the mountains tomorrow"},
		{"logistic regression", regression, "could you please do thing number abc now or later"},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.p.Parse(context.Background(), c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

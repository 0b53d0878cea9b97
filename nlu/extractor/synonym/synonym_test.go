package synonym

import (
	"context"
	"testing"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

func TestMapper(t *testing.T) {
	data := nlu.NewTrainingData(&project.NLUData{
		Synonyms: []project.Synonym{{Text: "Big Apple", Value: "New York"}, {Text: "two", Value: "2"}},
		Examples: []project.Example{{Text: "to Zürich HB", Intent: "go",
			Entities: []project.EntityAnnotation{{Start: 3, End: 12, Entity: "city", Value: "Zürich"}}}},
	}, nil)
	trained, err := nlu.Components.Build(component.Config{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	mapper := trained.(*Mapper)
	if err := mapper.Train(context.Background(), data); err != nil {
		t.Fatal(err)
	}
	store := &component.MemoryResource{}
	if err := mapper.Persist(store); err != nil {
		t.Fatal(err)
	}
	if err := mapper.Load(store); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name        string
		value, want any
		mapped      bool
	}{
		{"synonym", "big apple", "New York", true},
		{"the value in other letters", "NEW YORK", "New York", true},
		{"annotated", "zürich hb", "Zürich", true},
		{"a number", int64(2), "2", true},
		{"unknown", "Bern", "Bern", false},
		{"null", nil, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := nlu.NewMessage("x")
			m.Entities = []*value.Map{value.NewMap("entity", "city", "value", c.value, "processors", []any{"Other"})}
			if err := mapper.Process(context.Background(), m); err != nil {
				t.Fatal(err)
			}
			want := []any{"Other"}
			if c.mapped {
				want = append(want, name)
			}
			if e := m.Entities[0]; !value.Equal(e.Value("value"), c.want) || !value.Equal(e.List("processors"), want) {
				t.Errorf("entity is %s", value.Repr(e))
			}
		})
	}
}

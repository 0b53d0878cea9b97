package nlu_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// counter names the intent of a message by how many it has seen.
type counter struct{ seen int }

func (c *counter) Process(_ context.Context, m *nlu.Message) error {
	c.seen++
	m.Predicted = &nlu.Prediction{Name: fmt.Sprint(c.seen), Confidence: 1}
	return nil
}

// clock is a counter that may count anew.
type clock struct{ counter }

func (*clock) Unsteady() {}

func TestPipelineRemembersTexts(t *testing.T) {
	long := strings.Repeat("long ", 20)
	for name, c := range map[string]struct {
		component nlu.Component
		texts     []string
		want      string
	}{
		"short texts":        {&counter{}, []string{"a", "b", "a", " b ", "a"}, "1 2 1 2 1"},
		"long texts":         {&counter{}, []string{long, long}, "1 2"},
		"unsteady component": {&clock{}, []string{"a", "a"}, "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := component.NewRegistry[nlu.Component]("component")
			registry.Register(component.Spec{Name: "Counter"}, func(component.Config) (nlu.Component, error) { return c.component, nil })
			p, err := nlu.NewPipeline(nlu.Config{Entries: []project.Entry{{Name: "Counter"}}, Registry: registry})
			require.NoError(t, err)
			var got []string
			for _, text := range c.texts {
				found, err := p.Parse(t.Context(), text)
				require.NoError(t, err)
				got = append(got, found.Map("intent").String("name"))
				found.Set("intent", nil) // the map is the caller's
			}
			require.Equal(t, c.want, strings.Join(got, " "))
		})
	}
}

func TestPipelineForgetsTexts(t *testing.T) {
	c := &counter{}
	registry := component.NewRegistry[nlu.Component]("component")
	registry.Register(component.Spec{Name: "Counter"}, func(component.Config) (nlu.Component, error) { return c, nil })
	p, err := nlu.NewPipeline(nlu.Config{Entries: []project.Entry{{Name: "Counter"}}, Registry: registry})
	require.NoError(t, err)
	for range 2 {
		for i := range 5000 {
			_, err := p.Parse(t.Context(), fmt.Sprint("text ", i))
			require.NoError(t, err)
		}
	}
	require.Greater(t, c.seen, 5000, "not everything is remembered")
}

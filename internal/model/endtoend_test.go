package model_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TestEndToEnd: stories with texts are learnt with the features of the pipeline, and the model reads texts itself.
func TestEndToEnd(t *testing.T) {
	const bot = "../../dialogue/policy/neural/testdata/bot"
	p, err := project.Load(project.LoadOptions{Config: filepath.Join(bot, "config_e2e.yml"), Domain: []string{filepath.Join(bot, "domain.yml")},
		Data: []string{filepath.Join(bot, "data"), filepath.Join(bot, "e2e")}})
	require.NoError(t, err)
	for i := range p.Config.Policies {
		p.Config.Policies[i].Options.Set("random_seed", int64(1)).Set("connection_density", 1.0)
	}
	o := model.Options{NLU: true, Core: true}
	a, report := train(t, p, o)
	assert.Contains(t, report.Trained, "TEDPolicy")
	m, err := model.Load(a, "x.tar.gz", component.Env{})
	require.NoError(t, err)
	x := m.Trackers.New("x")
	x.Update(&tracker.ActionExecuted{Name: tracker.ActionListen})
	x.Update(tracker.NewUserUttered("hello my friend", value.NewMap("intent", value.NewMap("name", nil), "entities", []any{}), "", "", nil))
	got, err := m.Policies.Predict(context.Background(), x)
	require.NoError(t, err)
	i, _ := got.Max()
	assert.Equal(t, "good to see you", m.Domain.ActionNames()[i])
	assert.True(t, got.EndToEnd)

	o.Previous = archive.Of(a)
	_, report = train(t, p, o)
	assert.Empty(t, report.Trained, "nothing changed")
}

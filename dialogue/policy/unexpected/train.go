package unexpected

import (
	"context"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/project"
)

// Train implements policy.Component.
func (p *Policy) Train(_ context.Context, data *training.Data) error { return p.use(data.Domain, nil) }

// Persist implements policy.Component.
func (p *Policy) Persist(component.Resource) error { return nil }

// Load implements policy.Component.
func (p *Policy) Load(d *project.Domain, _ component.Resource) error { return p.use(d, nil) }

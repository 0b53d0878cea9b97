package diet

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/nn"
	"github.com/parleybot/parley/internal/ml/weights"
)

// checkpoint is the best state of a network so far.
type checkpoint struct {
	set     *weights.Set
	figures map[string]float64
}

// keepBest keeps the variables when no accuracy on the held out examples is worse than the best so far and one is better
// (rasa/utils/tensorflow/callback.py RasaModelCheckpoint).
func (tr *trainer) keepBest(held []component.Metric) error {
	now := map[string]float64{}
	for _, m := range held {
		if strings.HasSuffix(m.Name, "_acc") || strings.HasSuffix(m.Name, "_f1") {
			now[m.Name] = m.Value
		}
	}
	if tr.best != nil {
		better := false
		for name, v := range now {
			if v < tr.best.figures[name] {
				return nil
			}
			better = better || v > tr.best.figures[name]
		}
		if !better {
			return nil
		}
	}
	set, err := snapshot(tr.params)
	if err != nil {
		return err
	}
	tr.best = &checkpoint{set: set, figures: now}
	return nil
}

// snapshot copies the variables of a network.
func snapshot(p *nn.Params) (*weights.Set, error) {
	set := weights.New()
	return set, p.Save(copier{set})
}

// copier puts copies into a set.
type copier struct{ set *weights.Set }

func (c copier) PutFloat32(name string, data []float32, shape ...int) error {
	return c.set.PutFloat32(name, slices.Clone(data), shape...)
}

package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Adam moves the variables of a network against their gradients, as RasaModel.train_step does with Keras' Adam
// (models.py; keras.optimizers.Adam 2.12).
type Adam struct {
	params *Params
	rule   f32.Adam
	step   int
}

// NewAdam returns an optimiser that starts without momentum. Rasa's learning rate is 0.001 and stays constant.
func NewAdam(p *Params, learningRate float64) *Adam {
	return &Adam{params: p, rule: f32.NewAdam(learningRate)}
}

// Steps returns how many steps were made.
func (a *Adam) Steps() int { return a.step }

// Step moves every variable that has, or ever had, a gradient. The gradient of the regularisation counts only where the one
// of the loss is positive: Rasa's way to spare variables that the loss doesn't reach (models.py train_step).
func (a *Adam) Step() {
	a.step++
	for _, v := range a.params.vars {
		if v.grad == nil || !v.touched && v.m == nil {
			continue
		}
		if v.m == nil {
			v.m, v.v = make([]float32, len(v.Value)), make([]float32, len(v.Value))
		}
		g := v.gradient()
		a.rule.StepGatedL2(v.Value, g, v.m, v.v, a.step, 2*v.l2)
		if v.mask != nil {
			f32.Mul(v.Value, v.Value, v.mask)
		}
		v.touched = false
	}
}

// Regularization returns what the regularised variables add to the loss.
func (p *Params) Regularization() float32 {
	var loss float32
	for _, v := range p.vars {
		if v.l2 > 0 {
			loss += v.l2 * f32.SumSquares(v.Value)
		}
	}
	return loss
}

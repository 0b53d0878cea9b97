package f32

import "math"

// Adam is the optimiser of Kingma and Ba (arXiv:1412.6980) with Keras' arithmetic (keras.optimizers.Adam 2.12): epsilon
// is added to the square root of the uncorrected second moment. It holds no state and may be shared.
type Adam struct {
	LearningRate, Beta1, Beta2, Epsilon float64
}

// NewAdam returns an optimiser with Keras' defaults beside the learning rate.
func NewAdam(learningRate float64) Adam {
	return Adam{LearningRate: learningRate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// Step moves param against grad and updates the moments m and v, which start as zeros. t counts steps from 1.
func (a Adam) Step(param, grad, m, v []float32, t int) {
	a.step(param, grad, m, v, t, 0, false)
}

// StepL2 is Step for the gradient grad + l2*param: what a term l2/2 * sum of param² in the loss adds.
func (a Adam) StepL2(param, grad, m, v []float32, t int, l2 float32) {
	a.step(param, grad, m, v, t, l2, false)
}

// StepGatedL2 is StepL2 that adds l2*param only where grad is positive.
func (a Adam) StepGatedL2(param, grad, m, v []float32, t int, l2 float32) {
	a.step(param, grad, m, v, t, l2, true)
}

func (a Adam) step(param, grad, m, v []float32, t int, l2 float32, gated bool) {
	sameLen("Adam", len(param), len(grad))
	sameLen("Adam", len(param), len(m))
	sameLen("Adam", len(param), len(v))
	alpha := a.LearningRate * math.Sqrt(1-math.Pow(a.Beta2, float64(t))) / (1 - math.Pow(a.Beta1, float64(t)))
	c := adamConst{alpha: float32(alpha), oneMinusBeta1: float32(1 - a.Beta1), oneMinusBeta2: float32(1 - a.Beta2),
		epsilon: float32(a.Epsilon), l2: l2, gate: float32(math.Inf(-1))}
	if gated {
		c.gate = 0
	}
	vecAdam(param, grad, m, v, &c)
}

// adamConst is read by assembly: keep the order of the fields. Gradients above gate get the share of l2.
type adamConst struct {
	alpha, oneMinusBeta1, oneMinusBeta2, epsilon, l2, gate float32
}

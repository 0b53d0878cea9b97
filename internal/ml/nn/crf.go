package nn

import "github.com/parleybot/parley/internal/ml/f32"

// CRF is a linear-chain conditional random field over the rows of sequences, without states for start and end
// (layers.py CRF, crf.py). Its variable is path/transitions: [from, to].
type CRF struct {
	transitions *Variable
	scaleLoss   bool
	// Tags is the number of tags.
	Tags int
}

// NewCRF creates or reads the layer at path.
func NewCRF(p *Params, path string, tags int, l2 float64, scaleLoss bool) *CRF {
	return &CRF{transitions: p.variable(path+"/transitions", glorot, l2, tags, tags), scaleLoss: scaleLoss, Tags: tags}
}

// Transitions returns the score of each tag (column) after each other (row).
func (c *CRF) Transitions() f32.Mat { return c.transitions.mat() }

// Loss returns the negative log-likelihood of tags, one a row of logits, as a mean over the sequences, and puts the gradient
// into logits.
func (c *CRF) Loss(t *Tape, logits *Tensor, offsets Offsets, tags []int) float32 {
	n := offsets.Len()
	if n == 0 {
		return 0
	}
	w := c.newPass(t, logits, offsets, tags)
	losses, scale := t.floats.take(n), t.floats.take(n)
	w.forward(losses)
	for s := range scale {
		scale[s] = 1
	}
	if c.scaleLoss {
		scaleFactors(scale, losses)
	}
	var loss float32
	for s, x := range losses {
		scale[s] /= float32(n)
		loss += scale[s] * x
	}
	if t.training && (logits.needs || c.transitions.grad != nil) {
		w.backward(t, logits, scale)
	}
	for _, m := range []f32.Mat{w.unary, w.alpha, w.beta, w.next} {
		t.spares.put(m.Data)
	}
	return loss
}

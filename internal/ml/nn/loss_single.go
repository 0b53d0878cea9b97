package nn

import "github.com/parleybot/parley/internal/ml/f32"

// SingleLabelLoss compares each input with its label, with labels drawn at random and with inputs drawn at random
// (layers.py SingleLabelDotProductLoss; StarSpace, arXiv:1709.03856).
type SingleLabelLoss struct{ LossOptions }

// The similarities of a row: with its label, then of its input and its label with what was drawn.
const (
	inputLabel = iota // il: input with drawn labels
	labelLabel        // ll: label with drawn labels
	inputInput        // ii: input with drawn inputs
	labelInput        // li: label with drawn inputs
	kinds
)

// comparing is one evaluation of the loss. sims has 1+kinds*negatives numbers a row, and so has dSims.
type comparing struct {
	*SingleLabelLoss
	inputs, labels, all    *Tensor
	negInputs, negLabels   []int
	sims, dSims            []float32
	losses, weights, scale []float32
}

// Forward returns loss and accuracy, and puts the gradient into inputs, labels and all. Row i of inputs belongs to row i of
// labels, whose identity is ids[i]; rows are drawn from all, whose identities are allIDs, and from inputs. weights say how
// much each row counts; nil for the mean. Without rows the loss is 0.
func (l *SingleLabelLoss) Forward(t *Tape, inputs, labels *Tensor, ids []int, all *Tensor, allIDs []int, weights []float32) (
	loss, accuracy float32) {
	n := inputs.Rows
	if n == 0 {
		return 0, 0
	}
	negInputs, negLabels := t.indices.take(n*l.Negatives), t.indices.take(n*l.Negatives)
	for i := range negInputs {
		negInputs[i] = t.random.IntN(n)
	}
	for i := range negLabels {
		negLabels[i] = t.random.IntN(all.Rows)
	}
	return l.forward(t, inputs, labels, ids, all, allIDs, weights, negInputs, negLabels)
}

// forward is Forward with what was drawn.
func (l *SingleLabelLoss) forward(t *Tape, inputs, labels *Tensor, ids []int, all *Tensor, allIDs []int, weights []float32,
	negInputs, negLabels []int) (loss, accuracy float32) {
	if l.Cosine {
		same := all == labels
		inputs, labels = normalize(t, inputs), normalize(t, labels)
		if same {
			all = labels
		} else {
			all = normalize(t, all)
		}
	}
	n, width := inputs.Rows, 1+kinds*l.Negatives
	c := comparing{SingleLabelLoss: l, inputs: inputs, labels: labels, all: all, negInputs: negInputs, negLabels: negLabels,
		sims: t.floats.take(n * width), dSims: t.floats.take(n * width), losses: t.floats.take(n), scale: t.floats.take(n),
		weights: weights}
	clear(c.dSims)
	c.compare(ids, allIDs)
	right := 0
	for i := range n {
		c.losses[i] = c.row(i)
		if sims := c.sims[i*width : (i+1)*width]; f32.Max(sims[:1+l.Negatives]) <= sims[0] {
			right++
		}
	}
	if l.ScaleLoss && !l.Margin {
		scaleFactors(c.scale, c.losses)
	} else {
		for i := range c.scale {
			c.scale[i] = 1
		}
	}
	for i, x := range c.losses {
		c.scale[i] *= c.weight(i)
		loss += c.scale[i] * x
	}
	if t.training {
		c.backward(t)
	}
	return loss, float32(right) / float32(n)
}

func (c *comparing) weight(i int) float32 {
	if c.weights == nil {
		return 1 / float32(c.inputs.Rows)
	}
	return c.weights[i]
}

// compare computes the similarities; what was drawn but is the same as the right one is made very unlike.
func (c *comparing) compare(ids, allIDs []int) {
	k := c.Negatives
	width := 1 + kinds*k
	for i := range c.inputs.Rows {
		sims := c.sims[i*width : (i+1)*width]
		input, label := c.inputs.Row(i), c.labels.Row(i)
		sims[0] = f32.Dot(input, label)
		for j := range k {
			drawn := c.negLabels[i*k+j]
			other, bad := c.all.Row(drawn), float32(0)
			if allIDs[drawn] == ids[i] {
				bad = dropped
			}
			sims[1+inputLabel*k+j] = f32.Dot(input, other) + bad
			sims[1+labelLabel*k+j] = f32.Dot(label, other) + bad
			drawn = c.negInputs[i*k+j]
			other, bad = c.inputs.Row(drawn), 0
			if ids[drawn] == ids[i] {
				bad = dropped
			}
			sims[1+inputInput*k+j] = f32.Dot(input, other) + bad
			sims[1+labelInput*k+j] = f32.Dot(label, other) + bad
		}
	}
}

// row returns the loss of row i and sets its derivatives.
func (c *comparing) row(i int) float32 {
	width := 1 + kinds*c.Negatives
	sims, d := c.sims[i*width:(i+1)*width], c.dSims[i*width:(i+1)*width]
	if c.Margin {
		return c.margin(sims, d)
	}
	loss := c.softmax(sims, d)
	if !c.ConstrainSimilarities {
		return loss
	}
	var total float32
	for j, x := range sims {
		label := float32(0)
		if j == 0 {
			label = 1
		}
		part, dx := sigmoidLoss(x, label)
		total += part
		d[j] += dx / float32(width)
	}
	return loss + total/float32(width)
}

// softmax is the cross entropy of the label among what was drawn. Similarities of inputs with inputs and of labels with
// labels take part only if nothing else bounds them.
func (c *comparing) softmax(sims, d []float32) float32 {
	k := c.Negatives
	if !c.ConstrainSimilarities {
		loss := f32.LogSumExp(d, sims) - sims[0]
		d[0]--
		return loss
	}
	// Those that take part lie next to one another while the soft-max is computed: label, il, li.
	li, ll := 1+labelInput*k, 1+labelLabel*k
	logits := d[:1+2*k]
	copy(logits, sims[:1+k])
	copy(logits[1+k:], sims[li:li+k])
	loss := f32.LogSumExp(logits, logits) - sims[0]
	copy(d[li:li+k], logits[1+k:])
	clear(d[ll : ll+k])
	d[0]--
	return loss
}

// margin is the max-margin loss.
func (c *comparing) margin(sims, d []float32) float32 {
	k, muNeg := c.Negatives, float32(c.MuNeg)
	loss := max(0, float32(c.MuPos)-sims[0])
	if loss > 0 {
		d[0] = -1
	}
	part := func(kind int) ([]float32, []float32) {
		return sims[1+kind*k : 1+(kind+1)*k], d[1+kind*k : 1+(kind+1)*k]
	}
	il, dil := part(inputLabel)
	if c.UseMaxNegative {
		loss += marginMax(il, dil, muNeg, 1)
	} else {
		for j, x := range il {
			if muNeg+x > 0 {
				loss += muNeg + x
				dil[j] = 1
			}
		}
	}
	for _, kind := range [...]int{labelLabel, inputInput, labelInput} {
		x, dx := part(kind)
		loss += marginMax(x, dx, muNeg, float32(c.NegLambda))
	}
	return loss
}

// marginMax returns factor*max(0, mu+max(x)); equal maxima share the derivative, as in TensorFlow.
func marginMax(x, dx []float32, mu, factor float32) float32 {
	highest := f32.Max(x)
	if mu+highest <= 0 {
		return 0
	}
	equal := float32(0)
	for _, v := range x {
		if v == highest {
			equal++
		}
	}
	for j, v := range x {
		if v == highest {
			dx[j] = factor / equal
		}
	}
	return factor * (mu + highest)
}

func (c *comparing) backward(t *Tape) {
	sink := func(x *Tensor) f32.Mat {
		if x.needs {
			return t.zeroGradOf(x)
		}
		return t.mat(x.Rows, x.Cols)
	}
	dInputs, dLabels, dAll := sink(c.inputs), sink(c.labels), sink(c.all)
	k := c.Negatives
	width := 1 + kinds*k
	for i := range c.inputs.Rows {
		d := c.dSims[i*width : (i+1)*width]
		f32.Scale(d, c.scale[i], d)
		input, label := c.inputs.Row(i), c.labels.Row(i)
		dInput, dLabel := dInputs.Row(i), dLabels.Row(i)
		f32.Axpy(dInput, d[0], label)
		f32.Axpy(dLabel, d[0], input)
		for j := range k {
			pull(dInput, dLabel, dAll.Row(c.negLabels[i*k+j]), input, label, c.all.Row(c.negLabels[i*k+j]),
				d[1+inputLabel*k+j], d[1+labelLabel*k+j])
			pull(dInput, dLabel, dInputs.Row(c.negInputs[i*k+j]), input, label, c.inputs.Row(c.negInputs[i*k+j]),
				d[1+inputInput*k+j], d[1+labelInput*k+j])
		}
	}
}

// pull adds the gradients of the similarities of input and label with other.
func pull(dInput, dLabel, dOther, input, label, other []float32, byInput, byLabel float32) {
	if byInput != 0 {
		f32.Axpy(dInput, byInput, other)
		f32.Axpy(dOther, byInput, input)
	}
	if byLabel != 0 {
		f32.Axpy(dLabel, byLabel, other)
		f32.Axpy(dOther, byLabel, label)
	}
}

package nlu

// Trainable reports whether the i-th component of the configuration learns from data.
func (p *Pipeline) Trainable(i int) bool {
	_, ok := p.steps[i].component.(Trainable)
	return ok
}

package policy

// UsesRules reports whether policy i learns from rules, too.
func (e *Ensemble) UsesRules(i int) bool { return e.policies[i].UsesRules() }

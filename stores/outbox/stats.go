package outbox

import "time"

// Stats is how an Outbox stands.
type Stats struct {
	// Depth is the number of commits in hand that are not settled, Oldest the time since the first of them was stored, or
	// came where that is not known.
	Depth  int
	Oldest time.Duration
	// Consumers are the timers, if there are any, and the brokers.
	Consumers []ConsumerStats
	// Err is the last error of the store, nil after a success.
	Err error
}

// ConsumerStats is how a consumer stands.
type ConsumerStats struct {
	Name string
	// Queued are the commits that wait for the consumer in memory. More of them are in the store when Behind is true.
	Queued int
	Behind bool
	// Err is the error of the last attempt, nil after a success.
	Err error
	// Dropped counts commits that were given up for want of memory.
	Dropped int
}

// Stats returns how the outbox stands. It looks at every commit in hand.
func (o *Outbox) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := Stats{Depth: len(o.hand), Err: o.settleErr}
	if s.Err == nil {
		s.Err = o.readErr
	}
	for _, e := range o.hand {
		s.Oldest = max(s.Oldest, time.Since(e.since))
		if !e.Time.IsZero() {
			s.Oldest = max(s.Oldest, o.cfg.Now().Sub(e.Time))
		}
	}
	for _, c := range o.consumers {
		s.Consumers = append(s.Consumers, ConsumerStats{
			Name: c.name, Queued: len(c.queue), Behind: len(c.left) > 0, Err: c.err, Dropped: c.dropped})
	}
	return s
}

// Depth returns the number of commits in hand that are not settled.
func (o *Outbox) Depth() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.hand)
}

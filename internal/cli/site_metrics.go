package cli

import (
	"fmt"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/metrics"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/measured"
	"github.com/parleybot/parley/stores/outbox"
)

// counted is what happens at the stores of a site.
type counted struct {
	store   *measured.Tracker
	locks   *measured.Locker
	timers  *measured.Timer
	brokers []*measured.Broker
	inbox   *measured.Inbox // nil without one
}

// count has the processor's way to the stores counted, and the outbox's to brokers, whose names become unique.
func (s *site) count(cfg *dialogue.Config, brokers []outbox.Target) {
	c := &s.counted
	c.store, c.locks, c.timers = measured.Trackers(s.store), measured.Locks(s.locks), measured.Timers(s.timers)
	cfg.Store, cfg.Locks, cfg.Timers = c.store, c.locks, c.timers
	seen := map[string]int{}
	for i := range brokers {
		name := brokers[i].Name
		if seen[name]++; seen[name] > 1 {
			brokers[i].Name = fmt.Sprintf("%s_%d", name, seen[name])
		}
		b := &measured.Broker{Broker: brokers[i].Broker, Name: brokers[i].Name}
		brokers[i].Broker = b
		c.brokers = append(c.brokers, b)
	}
}

// countInbox returns what counts in front of an inbox, nil for none.
func (s *site) countInbox(inbox stores.Inbox) stores.Inbox {
	if inbox == nil {
		return nil
	}
	s.counted.inbox = &measured.Inbox{Inbox: inbox}
	return s.counted.inbox
}

// metrics writes what was counted, and how the outbox stands.
func (s *site) metrics(w *metrics.Writer) {
	c := &s.counted
	c.store.Metrics(w)
	c.locks.Metrics(w)
	c.timers.Metrics(w)
	measured.Brokers(w, c.brokers)
	if c.inbox != nil {
		c.inbox.Metrics(w)
	}
	if s.outbox != nil {
		outboxMetrics(w, s.outbox.Stats())
	}
}

func outboxMetrics(w *metrics.Writer, o outbox.Stats) {
	w.Add(metrics.Gauge, "parley_outbox_commits", "Stored turns on this node of which something has to be delivered or noted as delivered.", float64(o.Depth))
	w.Add(metrics.Gauge, "parley_outbox_oldest_seconds", "Age of the oldest of them.", o.Oldest.Seconds())
	w.Add(metrics.Gauge, "parley_outbox_store_failing", "1 while notes on deliveries cannot be read or written.", truth(o.Err != nil))
	for _, c := range o.Consumers {
		w.Add(metrics.Gauge, "parley_outbox_queued", "Stored turns that wait for the event broker, or for reminders to be set (timers).", float64(c.Queued), "consumer", c.Name)
	}
	for _, c := range o.Consumers {
		w.Add(metrics.Gauge, "parley_outbox_behind", "1 while more of them are in the tracker store than in memory.", truth(c.Behind), "consumer", c.Name)
	}
	for _, c := range o.Consumers {
		w.Add(metrics.Gauge, "parley_outbox_failing", "1 while the last attempt to deliver has failed.", truth(c.Err != nil), "consumer", c.Name)
	}
	for _, c := range o.Consumers {
		w.Add(metrics.Counter, "parley_outbox_dropped_total", "Stored turns that were given up for want of memory.", float64(c.Dropped), "consumer", c.Name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

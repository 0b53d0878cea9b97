package measured

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parleybot/parley/internal/metrics"
	"github.com/parleybot/parley/stores"
)

// late is how long after it was due a timer counts as late.
const late = time.Second

// Timer is a stores.Timers that counts. It is safe for concurrent use.
type Timer struct {
	stores.Timers
	fired, late, again, failed atomic.Int64
}

// Timers returns timers in front of others.
func Timers(t stores.Timers) *Timer { return &Timer{Timers: t} }

// Claim implements stores.Timers.
func (t *Timer) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	list, err := t.Timers.Claim(ctx, now, lease, limit)
	if err != nil {
		t.failed.Add(1)
	}
	for i := range list {
		switch {
		case list[i].Attempt > 1:
			t.again.Add(1)
			continue
		case now.Sub(list[i].Due) > late:
			t.late.Add(1)
		}
		t.fired.Add(1)
	}
	return list, err
}

// Metrics writes the counts.
func (t *Timer) Metrics(w *metrics.Writer) {
	w.Add(metrics.Counter, "parley_timers_fired_total", "Reminders that came due here.", float64(t.fired.Load()))
	w.Add(metrics.Counter, "parley_timers_late_total", "Reminders among them that were more than a second late.", float64(t.late.Load()))
	w.Add(metrics.Counter, "parley_timers_retried_total", "Reminders that were tried again, or taken over from another node.", float64(t.again.Load()))
	w.Add(metrics.Counter, "parley_timer_errors_total", "Times that the store could not be asked for reminders.", float64(t.failed.Load()))
}

// Broker is a stores.Broker that counts.
type Broker struct {
	stores.Broker
	// Name is the broker's in endpoints.yml.
	Name              string
	published, failed atomic.Int64
}

// Publish implements stores.Broker.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	err := b.Broker.Publish(ctx, list)
	if err != nil {
		b.failed.Add(1)
		return err
	}
	for i := range list {
		b.published.Add(int64(len(list[i].Events)))
	}
	return nil
}

// Forget implements stores.Broker.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	err := b.Broker.Forget(ctx, senderID)
	if err != nil {
		b.failed.Add(1)
	}
	return err
}

// Brokers writes the counts of several.
func Brokers(w *metrics.Writer, list []*Broker) {
	for _, b := range list {
		w.Add(metrics.Counter, "parley_broker_events_total", "Events that an event broker has taken.", float64(b.published.Load()), "broker", b.Name)
	}
	for _, b := range list {
		w.Add(metrics.Counter, "parley_broker_errors_total", "Calls of an event broker that failed.", float64(b.failed.Load()), "broker", b.Name)
	}
}

// Inbox is a stores.Inbox that counts. It is safe for concurrent use.
type Inbox struct {
	stores.Inbox
	accepted, duplicates, refused, handled, failed atomic.Int64
}

// Put implements stores.Inbox.
func (i *Inbox) Put(ctx context.Context, m stores.Envelope) (bool, error) {
	duplicate, err := i.Inbox.Put(ctx, m)
	switch {
	case err != nil:
		i.refused.Add(1)
	case duplicate:
		i.duplicates.Add(1)
	default:
		i.accepted.Add(1)
	}
	return duplicate, err
}

// Run implements stores.Inbox.
func (i *Inbox) Run(ctx context.Context, handle func(ctx context.Context, m stores.Envelope) error) error {
	return i.Inbox.Run(ctx, func(ctx context.Context, m stores.Envelope) error {
		err := handle(ctx, m)
		if err != nil {
			i.failed.Add(1)
		} else {
			i.handled.Add(1)
		}
		return err
	})
}

// Metrics writes the counts.
func (i *Inbox) Metrics(w *metrics.Writer) {
	const puts, puthelp = "parley_inbox_messages_total", "Messages for the inbox: accepted, dropped as duplicates, refused by it."
	w.Add(metrics.Counter, puts, puthelp, float64(i.accepted.Load()), "result", "accepted")
	w.Add(metrics.Counter, puts, puthelp, float64(i.duplicates.Load()), "result", "duplicate")
	w.Add(metrics.Counter, puts, puthelp, float64(i.refused.Load()), "result", "error")
	const runs, runhelp = "parley_inbox_handled_total", "Messages of the inbox that were answered, or could not be and come again."
	w.Add(metrics.Counter, runs, runhelp, float64(i.handled.Load()), "result", "ok")
	w.Add(metrics.Counter, runs, runhelp, float64(i.failed.Load()), "result", "error")
}

package dialogue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// missedAfter is how late a reminder may be and still run; it is APScheduler's default.
const missedAfter = time.Second

// reminders triggers intents at later times. A new reminder replaces one of the same name in the same conversation.
// (In Rasa it replaces one of the same name in any conversation, which makes users lose reminders.)
type reminders struct {
	p         *Processor
	ctx       context.Context // ends with close; it belongs to the timers, not to any call
	cancelAll context.CancelFunc

	mu      sync.Mutex
	jobs    map[string]map[string]*reminder // by sender_id and name
	closed  bool
	running sync.WaitGroup
}

type reminder struct {
	event *tracker.ReminderScheduled
	stop  func() bool
}

func newReminders(p *Processor) *reminders {
	r := &reminders{p: p, jobs: make(map[string]map[string]*reminder)}
	r.ctx, r.cancelAll = context.WithCancel(context.Background())
	return r
}

func (r *reminders) close() {
	r.mu.Lock()
	r.closed = true
	for _, jobs := range r.jobs {
		for _, job := range jobs {
			job.stop()
		}
	}
	clear(r.jobs)
	r.mu.Unlock()
	r.cancelAll()
	r.running.Wait()
}

// schedule starts the timer of a reminder. One that is long overdue never runs.
func (r *reminders) schedule(ctx context.Context, e *tracker.ReminderScheduled, sender string, out channels.Output) {
	due, err := parseTime(e.DateTime)
	if err != nil {
		r.p.cfg.Logger.ErrorContext(ctx, "scheduling a reminder", "sender_id", sender, "intent", e.Intent, "err", err)
		return
	}
	delay := due.Sub(r.p.cfg.Now())
	if delay < -missedAfter {
		r.p.cfg.Logger.WarnContext(ctx, "reminder is overdue and will not run", "sender_id", sender, "intent", e.Intent)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if old := r.jobs[sender][e.Name]; old != nil {
		old.stop()
	}
	if r.jobs[sender] == nil {
		r.jobs[sender] = make(map[string]*reminder)
	}
	job := &reminder{event: e}
	r.jobs[sender][e.Name] = job
	job.stop = r.p.cfg.AfterFunc(max(delay, 0), func() { r.fire(job, sender, out) })
}

// forget takes a job off the list and reports whether it was there.
func (r *reminders) forget(job *reminder, sender string) bool {
	jobs := r.jobs[sender]
	if jobs[job.event.Name] != job {
		return false
	}
	delete(jobs, job.event.Name)
	if len(jobs) == 0 {
		delete(r.jobs, sender)
	}
	return true
}

// cancel stops the conversation's reminders that match; what e leaves empty matches all.
func (r *reminders) cancel(e *tracker.ReminderCancelled, sender string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range r.jobs[sender] {
		if e.Name != "" && e.Name != job.event.Name || e.Intent != "" && e.Intent != job.event.Intent {
			continue
		}
		if value.Truthy(e.Entities) && value.Str(e.Entities) != value.Str(job.event.Entities) {
			continue
		}
		job.stop()
		r.forget(job, sender)
	}
}

func (r *reminders) fire(job *reminder, sender string, out channels.Output) {
	r.mu.Lock()
	due := !r.closed && r.forget(job, sender)
	if due {
		r.running.Add(1)
	}
	r.mu.Unlock()
	if !due {
		return
	}
	defer r.running.Done()
	// What goes wrong in a request is caught by its server; here nobody else would.
	defer func() {
		if problem := recover(); problem != nil {
			r.p.cfg.Logger.ErrorContext(r.ctx, "running a reminder", "sender_id", sender, "intent", job.event.Intent,
				"err", fmt.Errorf("panic: %v", problem))
		}
	}()
	if err := r.p.remind(r.ctx, job.event, sender, out); err != nil {
		r.p.cfg.Logger.ErrorContext(r.ctx, "running a reminder", "sender_id", sender, "intent", job.event.Intent, "err", err)
	}
}

// remind triggers the intent of a reminder unless the reminder is outdated; then nothing is stored
// (MessageProcessor.handle_reminder).
func (p *Processor) remind(ctx context.Context, e *tracker.ReminderScheduled, sender string, out channels.Output) error {
	return p.locked(ctx, sender, func(tn *turn) error {
		if out != nil {
			tn.out = out
		}
		if err := tn.updateSession(ctx, nil); err != nil {
			return err
		}
		if e.KillOnUserMessage && messageAfter(tn.tracker, e.Name) || !applies(tn.tracker, e.Name) {
			tn.log.DebugContext(ctx, "dropping an outdated reminder", "sender_id", sender, "intent", e.Intent)
			return nil
		}
		if err := tn.trigger(ctx, e.Intent, e.Entities); err != nil {
			return err
		}
		return p.save(ctx, tn)
	})
}

func isReminder(e tracker.Event, name string) bool {
	r, ok := e.(*tracker.ReminderScheduled)
	return ok && r.Name == name
}

// applies reports whether the reminder counts, which it does not after a restart or a new session.
func applies(t *tracker.Tracker, name string) bool {
	for a := t.Applied(); a != nil; a = a.Prev {
		if isReminder(a.Event, name) {
			return true
		}
	}
	return false
}

// messageAfter reports whether the user wrote after the reminder was made.
func messageAfter(t *tracker.Tracker, name string) bool {
	events := t.Events()
	for i := len(events) - 1; i >= 0; i-- {
		if isReminder(events[i], name) {
			return false
		}
		if u, ok := events[i].(*tracker.UserUttered); ok && u.Text != "" {
			return true
		}
	}
	return true
}

// parseTime reads ISO 8601 as Python prints it. A time without zone is local.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("reading time %q: not in ISO 8601", s)
}

package dialogue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

const (
	// timerLease is how long another node waits for one that claimed a timer.
	timerLease = 30 * time.Second
	// timerPoll is how often timers of other nodes are looked for, and how soon a store that failed is asked again.
	timerPoll = 500 * time.Millisecond
	// timersAtOnce is how many timers a node claims in one go.
	timersAtOnce = 64
	// forgetOutput is how long after a timer was due its output is kept, in case it ran elsewhere.
	forgetOutput = 10 * time.Minute
)

// timers runs reminders when they are due.
type timers struct {
	p         *Processor
	ctx       context.Context // ends with close; it belongs to the timers, not to any call
	cancelAll context.CancelFunc
	running   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	alarm   time.Time // zero while none is set
	stop    func() bool
	outputs map[string]lastOutput // by ID of the timer
}

// lastOutput is where the answers of the turn that made a timer went.
type lastOutput struct {
	out    channels.Output
	forget time.Time
}

func newTimers(p *Processor) *timers {
	r := &timers{p: p, outputs: make(map[string]lastOutput)}
	r.ctx, r.cancelAll = context.WithCancel(context.Background())
	return r
}

func (r *timers) start() {
	if r.p.cfg.Timers != nil {
		r.wakeAt(r.p.cfg.Now())
	}
}

func (r *timers) close() {
	r.mu.Lock()
	r.closed = true
	if r.stop != nil {
		r.stop()
	}
	clear(r.outputs)
	r.mu.Unlock()
	r.cancelAll()
	r.running.Wait()
}

// wakeAt has due timers run at a time, unless that happens earlier anyway.
func (r *timers) wakeAt(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !r.alarm.IsZero() && !r.alarm.After(at) {
		return
	}
	if r.stop != nil {
		r.stop()
	}
	r.alarm = at
	r.stop = r.p.cfg.AfterFunc(max(at.Sub(r.p.cfg.Now()), 0), r.ring)
}

// ring runs what is due and sets the next alarm.
func (r *timers) ring() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.alarm, r.stop = time.Time{}, nil
	r.running.Add(1) // close waits for it
	r.mu.Unlock()
	defer r.running.Done()
	now := r.p.cfg.Now()
	due, err := r.p.cfg.Timers.Claim(r.ctx, now, timerLease, timersAtOnce)
	if err != nil {
		r.p.cfg.Logger.WarnContext(r.ctx, "looking for reminders that are due", "err", err)
	}
	for _, t := range due {
		r.running.Go(func() { r.fire(t) })
	}
	next, ok, err := r.p.cfg.Timers.Next(r.ctx)
	if poll := now.Add(timerPoll); err != nil || r.p.cfg.SharedTimers && (!ok || next.After(poll)) {
		next, ok = poll, true
	}
	if ok {
		r.wakeAt(next)
	}
}

// fire runs a claimed timer and removes it unless it has to be tried again.
func (r *timers) fire(t stores.Timer) {
	log := r.p.cfg.Logger.With("sender_id", t.SenderID, "intent", t.Data.String("intent"))
	// What goes wrong in a request is caught by its server; here nobody else would.
	defer func() {
		if problem := recover(); problem != nil {
			log.ErrorContext(r.ctx, "running a reminder", "err", fmt.Errorf("panic: %v", problem))
			r.remove(t)
		}
	}()
	err := r.p.remind(r.ctx, t)
	if err != nil && (Later(err) || errors.Is(err, ErrNoModel) || r.ctx.Err() != nil) {
		log.WarnContext(r.ctx, "a reminder will be tried again", "err", err)
		return
	}
	if err != nil {
		log.ErrorContext(r.ctx, "running a reminder", "err", err)
	}
	r.remove(t)
}

func (r *timers) remove(t stores.Timer) {
	r.mu.Lock()
	delete(r.outputs, t.ID)
	r.mu.Unlock()
	if _, err := r.p.cfg.Timers.Remove(context.WithoutCancel(r.ctx), t); err != nil {
		r.p.cfg.Logger.WarnContext(r.ctx, "removing a reminder that has run", "sender_id", t.SenderID, "err", err)
	}
}

// remember keeps where the answers of reminders go that this node makes.
func (r *timers) remember(events []tracker.Event, turn *stores.Turn, out channels.Output) {
	for i, e := range events {
		reminder, ok := e.(*tracker.ReminderScheduled)
		if !ok {
			continue
		}
		due, err := parseTime(reminder.DateTime)
		if err != nil {
			continue // is told when the timer is set
		}
		r.mu.Lock()
		for id, o := range r.outputs {
			if o.forget.Before(r.p.cfg.Now()) {
				delete(r.outputs, id)
			}
		}
		if !r.closed {
			r.outputs[timerID(turn.ID, i)] = lastOutput{out, due.Add(forgetOutput)}
		}
		r.mu.Unlock()
	}
}

// channelOf returns the name of the channel that a timer's answers go to, "" when this node did not make it.
func (r *timers) channelOf(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o, ok := r.outputs[id]; ok {
		return o.out.Name()
	}
	return ""
}

// outputOf returns where a timer's answers go, nil when nobody is there.
func (r *timers) outputOf(t stores.Timer) channels.Output {
	r.mu.Lock()
	o, ok := r.outputs[t.ID]
	r.mu.Unlock()
	if ok {
		return o.out
	}
	return r.p.cfg.OutputOf(t.Data.String("channel"))
}

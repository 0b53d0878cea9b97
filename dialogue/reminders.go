package dialogue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// missedAfter is how late a reminder may be asked for and still run; it is APScheduler's default.
const missedAfter = time.Second

// setsTimers reports whether events make or cancel reminders.
func setsTimers(events []tracker.Event) bool {
	for _, e := range events {
		switch e.(type) {
		case *tracker.ReminderScheduled, *tracker.ReminderCancelled:
			return true
		}
	}
	return false
}

// SetTimers makes the timers that a commit asks for and removes those that it cancels. Doing it again changes nothing. It
// is what an outbox does with a commit, beside publishing it. The errors are those of stores.Timers.
//
// A new reminder replaces one of the same name in the same conversation. (In Rasa it replaces one of the same name in any
// conversation, which makes users lose reminders.)
func (p *Processor) SetTimers(ctx context.Context, c stores.Commit) error {
	if p.cfg.Timers == nil || strings.HasPrefix(c.ID, quietCommit) {
		return nil
	}
	for i, e := range c.Events {
		switch e := e.(type) {
		case *tracker.ReminderScheduled:
			if err := p.schedule(ctx, e, timerID(c.ID, i), c); err != nil {
				return fmt.Errorf("setting reminder %q: %w", e.Name, err)
			}
		case *tracker.ReminderCancelled:
			if !c.Fresh {
				p.cfg.Logger.WarnContext(ctx, "a node ended before it cancelled a reminder, and its event does not tell which",
					"sender_id", c.SenderID)
				continue
			}
			if err := p.cancel(ctx, e, c.SenderID); err != nil {
				return fmt.Errorf("cancelling reminders: %w", err)
			}
		}
	}
	return nil
}

// recovered is true for a timer that was set by another node than that of its turn, or late, and may have been set before.
const recovered = "recovered"

// hasRun reports whether u is what a reminder triggered. Rasa's event has nothing to tell, so it is known by what it says
// and when; that is asked only when the reminder may have run.
func hasRun(timer stores.Timer, u *tracker.UserUttered) bool {
	if !u.IsExternal() || u.IntentName() != timer.Data.String("intent") || u.Timestamp < seconds(timer.Due) {
		return false
	}
	entities := u.ParseData.List("entities")
	want, isList := timer.Data.Value("entities").([]any)
	return !isList || value.Equal(entities, want)
}

func timerID(commit string, i int) string { return commit + "-" + strconv.Itoa(i) }

// schedule sets the timer of a reminder. One that was overdue when it was asked for never runs.
func (p *Processor) schedule(ctx context.Context, e *tracker.ReminderScheduled, id string, c stores.Commit) error {
	due, err := parseTime(e.DateTime)
	if err != nil {
		p.cfg.Logger.ErrorContext(ctx, "scheduling a reminder", "sender_id", c.SenderID, "intent", e.Intent, "err", err)
		return nil
	}
	if seconds(due) < e.Timestamp-missedAfter.Seconds() {
		p.cfg.Logger.WarnContext(ctx, "reminder is overdue and will not run", "sender_id", c.SenderID, "intent", e.Intent)
		return nil
	}
	late := p.cfg.Now().Sub(c.Time) > missedAfter // another node may have done this meanwhile
	data := value.NewMap(recovered, !c.Fresh || late, "intent", e.Intent, "entities", e.Entities, "kill_on_user_msg", e.KillOnUserMessage,
		"channel", p.timers.channelOf(id))
	t := stores.Timer{SenderID: c.SenderID, Name: e.Name, ID: id, Due: due.UTC().Truncate(time.Microsecond), Data: data}
	if err := p.cfg.Timers.Set(ctx, t); err != nil {
		return err
	}
	p.timers.wakeAt(due)
	return nil
}

// cancel removes the conversation's reminders that match; what e leaves empty matches all.
func (p *Processor) cancel(ctx context.Context, e *tracker.ReminderCancelled, sender string) error {
	list, err := p.cfg.Timers.List(ctx, sender)
	if err != nil {
		return err
	}
	for _, t := range list {
		if e.Name != "" && e.Name != t.Name || e.Intent != "" && e.Intent != t.Data.String("intent") {
			continue
		}
		if value.Truthy(e.Entities) && value.Str(e.Entities) != value.Str(t.Data.Value("entities")) {
			continue
		}
		if _, err := p.cfg.Timers.Remove(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// remind triggers the intent of a reminder unless the reminder is outdated; then nothing is stored
// (MessageProcessor.handle_reminder). One that has run already is not run again.
func (p *Processor) remind(ctx context.Context, t stores.Timer) error {
	return p.locked(ctx, t.SenderID, func(tn *turn) error {
		if out := p.timers.outputOf(t); out != nil {
			tn.out = out
		}
		tn.id = t.ID
		if t.Attempt > 1 || value.Truthy(t.Data.Value(recovered)) || tn.rerun {
			ran := func(u *tracker.UserUttered) bool { return hasRun(t, u) }
			if done, err := p.repeat(ctx, tn, ran); done || err != nil {
				return err
			}
		}
		if err := tn.updateSession(ctx, nil); err != nil {
			return err
		}
		intent := t.Data.String("intent")
		if value.Truthy(t.Data.Value("kill_on_user_msg")) && messageAfter(tn.tracker, t.Name) || !applies(tn.tracker, t.Name) {
			tn.log.DebugContext(ctx, "dropping an outdated reminder", "sender_id", t.SenderID, "intent", intent)
			return nil
		}
		if err := tn.trigger(ctx, intent, t.Data.Value("entities")); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		return p.save(ctx, tn)
	})
}

// Later reports whether what failed did so because a store or a lock was not to be had: nothing happened, and it may work
// later.
func Later(err error) bool {
	return errors.Is(err, stores.ErrUnavailable) || errors.Is(err, stores.ErrLockNotAcquired) ||
		errors.Is(err, stores.ErrConflict)
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

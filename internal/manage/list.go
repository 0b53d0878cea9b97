package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// maxScan is how many conversations a page looks at: a search for what is rare comes back with what it has so far.
const maxScan = 2000

// Page is part of a list of conversations.
type Page struct {
	Conversations []Summary
	// Next is the id to ask the next page after, "" behind the last. A page may be short, even empty, and have a next one.
	Next string
}

// Summary tells of a conversation.
type Summary struct {
	SenderID string
	// Events is the number of all of them, User and Bot that of the messages.
	Events, User, Bot int
	// First and Last are the times of the first and the last event, in seconds.
	First, Last float64
	// Channels are the input channels of the user's messages, in order of appearance.
	Channels []string
	// Intent is that of the last message, Loop the active one, "" without.
	Intent, Loop string
	// Err is why the conversation cannot be read: nothing else is known of it then.
	Err error
}

// List returns the conversations that a query means, by id, after the id after. A conversation that cannot be read is
// listed with its error when the query is empty. The error wraps stores.ErrUnavailable when the store is out of reach.
func (m *Manager) List(ctx context.Context, q stores.Query, after string, limit int) (Page, error) {
	p := Page{Conversations: []Summary{}}
	f := m.factory(q.Slot)
	if q.Slot == "" {
		f = m.factory()
	}
	scanned := 0
	err := m.ids(ctx, q, after, func(id string) (bool, error) {
		if len(p.Conversations) == limit || scanned == maxScan {
			return false, nil
		}
		scanned++
		p.Next = id
		s, ok, err := m.find(ctx, f, q, id)
		if ok {
			p.Conversations = append(p.Conversations, s)
		}
		return true, err
	})
	if err != nil {
		return Page{}, fmt.Errorf("listing conversations: %w", err)
	}
	if len(p.Conversations) < limit && scanned < maxScan {
		p.Next = ""
	}
	return p, nil
}

// find returns the summary of a conversation if a query means it.
func (m *Manager) find(ctx context.Context, f *tracker.Factory, q stores.Query, id string) (s Summary, ok bool, err error) {
	c, err := stores.LoadKept(ctx, m.cfg.Store, f, id)
	switch {
	case errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil:
		return s, false, err
	case err != nil:
		return Summary{SenderID: id, Err: err}, q.IsEmpty(), nil //nolint:nilerr // it is in the summary
	case c.Tracker == nil || !q.Matches(c.Tracker):
		return s, false, nil
	}
	return summarize(c.Tracker), true, nil
}

func summarize(t *tracker.Tracker) Summary {
	events := t.Events()
	s := Summary{SenderID: t.SenderID, Events: len(events), Loop: t.State().LoopName()}
	if len(events) > 0 {
		s.First, s.Last = events[0].Meta().Timestamp, events[len(events)-1].Meta().Timestamp
	}
	for _, e := range events {
		switch e := e.(type) {
		case *tracker.UserUttered:
			s.User++
			s.Intent = e.IntentName()
			if e.InputChannel != "" && !slices.Contains(s.Channels, e.InputChannel) {
				s.Channels = append(s.Channels, e.InputChannel)
			}
		case *tracker.BotUttered:
			s.Bot++
		}
	}
	return s
}

// JSON returns the summary as an object.
func (s *Summary) JSON() *value.Map {
	if s.Err != nil {
		return value.NewMap("sender_id", s.SenderID, "error", s.Err.Error())
	}
	channels := []any{}
	for _, c := range s.Channels {
		channels = append(channels, c)
	}
	m := value.NewMap("sender_id", s.SenderID, "events", int64(s.Events), "user_messages", int64(s.User),
		"bot_messages", int64(s.Bot), "first_event_time", nil, "last_event_time", nil, "channels", channels,
		"last_intent", nullable(s.Intent), "active_loop", nullable(s.Loop))
	if s.Events > 0 {
		m.Set("first_event_time", s.First).Set("last_event_time", s.Last)
	}
	return m
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ParseTime reads a time as users write it: seconds since 1970, or a date with or without a time of the day (RFC 3339;
// UTC where no zone is given).
func ParseTime(text string) (time.Time, error) {
	if seconds, err := value.ParseFloat(text); err == nil {
		if !(seconds > -maxSeconds && seconds < maxSeconds) {
			return time.Time{}, fmt.Errorf("%s is no time", text)
		}
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a number of seconds since 1970 nor a date like 2026-01-31T12:00:00Z", text)
}

// maxSeconds is in the year 9999.
const maxSeconds = 253402300800

// Load returns a conversation with all its sessions; its slots are those it ever set unless there is a model. It is nil when
// the store has none.
func (m *Manager) Load(ctx context.Context, senderID string) (*tracker.Tracker, error) {
	c, err := stores.LoadKept(ctx, m.cfg.Store, m.factory(), senderID)
	if err != nil || c.Tracker == nil || m.factory() != m.bare {
		return c.Tracker, err
	}
	events := c.Tracker.Events()
	return withSlots(slotsOf(events)...).FromEvents(senderID, events), nil
}

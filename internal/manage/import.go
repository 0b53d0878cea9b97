package manage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// maxProblems is how many mistakes of a file are told at once.
const maxProblems = 20

// ImportOptions say how a file is read.
type ImportOptions struct {
	// Replace writes over conversations that exist with other events.
	Replace bool
	// DryRun checks everything and writes nothing.
	DryRun bool
}

// Imported counts what became of the conversations of a file.
type Imported struct {
	// New were not there before, Replaced were there with other events, Same with the same ones: nothing was done then.
	New, Replaced, Same int
}

// Import reads a file that Export wrote. Nothing is written before every line was checked: its form, its count and hash,
// the totals, and that no conversation is there with other events. Import may be called again after it broke off: what is
// there already is not written again. Errors begin with file:line.
func (m *Manager) Import(ctx context.Context, file string, o ImportOptions) (Imported, error) {
	f, err := os.Open(file) //nolint:gosec // the user names it
	if err != nil {
		return Imported{}, fmt.Errorf("reading conversations: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	in := importing{m: m, o: o, file: file}
	if err := in.check(ctx, f); err != nil || o.DryRun {
		return in.done, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Imported{}, fmt.Errorf("reading conversations again: %w", err)
	}
	in.done = Imported{}
	return in.done, in.each(f, func(c *conversation) error { return in.write(ctx, c) })
}

// importing is one call of Import.
type importing struct {
	m    *Manager
	o    ImportOptions
	file string
	done Imported
}

// conversation is a line of a file.
type conversation struct {
	line   int
	id     string
	hash   string
	events []tracker.Event
	totals *Totals // of the last line
}

func (in *importing) at(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", in.file, line, fmt.Errorf(format, args...))
}

// check reads the whole file and returns what is wrong with it.
func (in *importing) check(ctx context.Context, r io.Reader) error {
	all, lines := newSum(), map[string]int{}
	var problems []error
	var totals *Totals
	last := 0
	err := in.each(r, func(c *conversation) error {
		last = c.line
		if len(problems) == maxProblems {
			return errors.New("there may be more mistakes")
		}
		err := in.checkLine(ctx, c, totals, lines)
		if errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			problems = append(problems, err)
		}
		if c.totals != nil {
			totals = c.totals
			return nil
		}
		all.add(c.id, c.hash, len(c.events))
		return nil
	})
	problems = append(problems, err)
	switch {
	case errors.Join(problems...) != nil:
	case totals == nil:
		problems = append(problems, in.at(last+1, "the last line with the totals is missing: the file is not complete"))
	case *totals != all.totals():
		problems = append(problems, in.at(last, "the totals are %+v, but the file has %+v", *totals, all.totals()))
	}
	return errors.Join(problems...)
}

// checkLine checks a conversation, and what the store has of it.
func (in *importing) checkLine(ctx context.Context, c *conversation, totals *Totals, lines map[string]int) error {
	if totals != nil {
		return in.at(c.line, "something comes after the totals")
	}
	if c.totals != nil {
		return nil
	}
	if first := lines[c.id]; first > 0 {
		return in.at(c.line, "the conversation %q is in line %d already", c.id, first)
	}
	lines[c.id] = c.line
	_, err := in.compare(ctx, c)
	return err
}

// compare reads what the store has of a conversation, counts it, and refuses what must not be replaced.
func (in *importing) compare(ctx context.Context, c *conversation) (there stores.Conversation, err error) {
	there, err = stores.LoadKept(ctx, in.m.cfg.Store, withSlots(slotsOf(c.events)...), c.id)
	if err != nil {
		return there, in.at(c.line, "reading what there is of the conversation %q: %w", c.id, err)
	}
	switch {
	case there.Tracker == nil || len(there.Tracker.Events()) == 0:
		in.done.New++
	case Hash(there.Tracker.Events()) == c.hash:
		in.done.Same++
	case !in.o.Replace:
		return there, in.at(c.line, "the conversation %q is in the store with other events", c.id)
	default:
		in.done.Replaced++
	}
	return there, nil
}

// write stores a conversation and reads it back.
func (in *importing) write(ctx context.Context, c *conversation) error {
	if c.totals != nil {
		return nil
	}
	unlock, err := in.m.lock(ctx, c.id)
	if err != nil && !errors.Is(err, stores.ErrUnavailable) {
		return in.at(c.line, "%w", err)
	}
	defer unlock()
	same := in.done.Same
	there, err := in.compare(ctx, c)
	if err != nil || in.done.Same > same {
		return err
	}
	f := withSlots(slotsOf(c.events)...)
	turn := stores.Turn{Tracker: f.FromEvents(c.id, c.events), At: there.At, Replace: there.Tracker != nil}
	if _, err := in.m.cfg.Store.Save(ctx, turn); err != nil {
		return in.at(c.line, "storing the conversation %q: %w", c.id, err)
	}
	back, err := stores.LoadKept(ctx, in.m.cfg.Store, f, c.id)
	if err != nil {
		return in.at(c.line, "reading the conversation %q back: %w", c.id, err)
	}
	if back.Tracker == nil || Hash(back.Tracker.Events()) != c.hash {
		return in.at(c.line, "the conversation %q is not the same when it is read back", c.id)
	}
	return nil
}

// each calls next with every line that is in order, and returns the first error of it, or else those of the lines.
func (in *importing) each(r io.Reader, next func(c *conversation) error) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	var problems []error
	for n := 1; len(problems) < maxProblems; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading %s: %w", in.file, err)
		}
		ended := err != nil
		if line = bytes.TrimSpace(line); len(line) > 0 {
			c, err := parseLine(line)
			if err != nil {
				problems = append(problems, in.at(n, "%w", err))
			} else {
				c.line = n
				if err := next(c); err != nil {
					return errors.Join(append(problems, err)...)
				}
			}
		}
		if ended {
			break
		}
	}
	return errors.Join(problems...)
}

// parseLine reads a line and checks its count and hash.
func parseLine(line []byte) (*conversation, error) {
	m, err := value.DecodeObject(line)
	if err != nil {
		return nil, fmt.Errorf("this is no JSON object: %w", err)
	}
	if m.Has(keyTotal) {
		conversations, ok1 := m.Value(keyTotal).(int64)
		events, ok2 := m.Value(keyEvents).(int64)
		if !ok1 || !ok2 {
			return nil, errors.New("the totals are no numbers")
		}
		return &conversation{totals: &Totals{int(conversations), int(events), m.String(keyHash)}}, nil
	}
	id, ok := m.Value(keySender).(string)
	list, isList := m.Value(keyEvents).([]any)
	if !ok || !isList {
		return nil, fmt.Errorf("%s or %s is missing", keySender, keyEvents)
	}
	c := &conversation{id: id, hash: m.String(keyHash), events: make([]tracker.Event, 0, len(list))}
	for i, v := range list {
		object, ok := v.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("event %d of %q is no object", i, id)
		}
		e, err := tracker.EventFromMap(object)
		if err != nil {
			return nil, fmt.Errorf("event %d of %q: %w", i, id, err)
		}
		if e == nil {
			return nil, fmt.Errorf("event %d of %q is obsolete", i, id)
		}
		c.events = append(c.events, e)
	}
	if count, _ := m.Value(keyCount).(int64); int(count) != len(list) || count == 0 {
		return nil, fmt.Errorf("%q has %d events, but its count is %s", id, len(list), value.Repr(m.Value(keyCount)))
	}
	if got := Hash(c.events); got != c.hash {
		return nil, fmt.Errorf("the events of %q do not have the sha256 %q, but %q", id, c.hash, got)
	}
	return c, nil
}

// slotsOf returns the slots that events set.
func slotsOf(events []tracker.Event) []string {
	var names []string
	seen := map[string]bool{}
	for _, e := range events {
		if s, ok := e.(*tracker.SlotSet); ok && !seen[s.Key] {
			seen[s.Key] = true
			names = append(names, s.Key)
		}
	}
	return names
}

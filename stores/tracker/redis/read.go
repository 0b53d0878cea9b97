package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, senderID string, since stores.Position, all bool) (eventlog.Tail, error) {
	known, end := placeOf(since), ending(senderID)
	if known.foreign || all {
		known = place{stamp: noStamp}
	}
	tail, behind, err := l.read(ctx, senderID, known, end, all)
	if errors.Is(err, errNotAList) && behind {
		// What the value had at the known place only looked like it.
		tail, _, err = l.read(ctx, senderID, place{stamp: noStamp}, end, all)
	}
	return tail, err
}

// read reads once; behind tells that only what is behind the known place was read.
func (l *Log) read(ctx context.Context, senderID string, known place, end string, all bool) (tail eventlog.Tail, behind bool, err error) {
	answer, err := readScript.Run(ctx, l.client, l.keys.of(senderID), known.length, known.digest, known.stamp, end, flag(all)).Slice()
	if err != nil {
		return tail, false, failure("asking redis", err)
	}
	tail.Unsettled = commitsOf(answer[1])
	if answer[0] == int64(1) {
		known.digest = text(answer[4])
		err = l.readBehind(&tail, known, text(answer[3]), end)
		return tail, true, err
	}
	stored, found := answer[3].(string)
	if !found {
		return tail, false, nil
	}
	p, events, err := l.survey([]byte(stored), end, text(answer[2]), all)
	if err != nil {
		return tail, false, fmt.Errorf("reading key %s: %w", l.keys.conversation(senderID), err)
	}
	if all || p.session.at == 0 {
		if events, err = withSegments(answer[4:], stored, events, p.summary); err != nil {
			return tail, false, fmt.Errorf("reading the segments of key %s: %w", l.keys.conversation(senderID), err)
		}
	}
	tail.Found, tail.Events, tail.At = true, withoutNil(events), p.position()
	return tail, false, nil
}

// readBehind takes the events that stand behind the known place.
func (l *Log) readBehind(tail *eventlog.Tail, p place, added, end string) error {
	tail.Found, tail.Continues = true, true
	base := p.length - len(end)
	if base > len(head) && added != "" {
		if !strings.HasPrefix(added, separator) {
			return errNotAList
		}
		base += len(separator)
		p.length += len(separator)
		added = added[len(separator):]
	}
	list := []byte(added)
	spans, err := split(list)
	if err != nil {
		return err
	}
	if tail.Events, err = decodeSpans(list, spans); err != nil {
		return err
	}
	p.length += len(added)
	p.add(tail.Events, startsOf(spans), base, l.cfg.SegmentEvents/2)
	tail.Events = withoutNil(tail.Events)
	tail.At = p.position()
	return nil
}

// survey returns the place at the end of a value and its events: those of the last session, or all. They may have nils.
func (l *Log) survey(stored []byte, end, stamp string, all bool) (place, []tracker.Event, error) {
	list, ok := inForm(stored, end)
	if !ok {
		return surveyForeign(stored, stamp)
	}
	p := place{length: len(stored), digest: digest(list), stamp: stamp}
	list = list[len(head):]
	spans, err := split(list)
	if err != nil {
		return surveyForeign(stored, stamp)
	}
	for p.summary < len(spans) && isSummaryText(list[spans[p.summary][0]:spans[p.summary][1]]) {
		p.summary++
	}
	first := 0
	if !all {
		if first, err = lastSession(list, spans); err != nil {
			return p, nil, err
		}
	}
	p.events = first
	events, err := decodeSpans(list, spans[first:])
	if err != nil {
		return p, nil, err
	}
	p.add(events, startsOf(spans[first:]), len(head), l.cfg.SegmentEvents/2)
	return p, events, nil
}

// surveyForeign reads a value that someone wrote in another form, as Rasa would.
func surveyForeign(stored []byte, stamp string) (place, []tracker.Event, error) {
	p := place{length: len(stored), digest: sha1Hex(stored), stamp: stamp, foreign: true}
	m, err := value.DecodeObject(stored)
	if err != nil {
		return p, nil, fmt.Errorf("decoding a conversation: %w", err)
	}
	list, ok := m.Value("events").([]any)
	if !ok {
		return p, nil, errNotAList
	}
	var events []tracker.Event
	for _, v := range list {
		m, ok := v.(*value.Map)
		if !ok {
			return p, nil, errNotAList
		}
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return p, nil, fmt.Errorf("decoding an event: %w", err)
		}
		if e != nil {
			events = append(events, e)
		}
	}
	for p.summary < len(events) && isSummary(events[p.summary]) {
		p.summary++
	}
	p.events = len(events)
	return p, events, nil
}

// lastSession returns the index of the last action_session_start, 0 when there is none.
func lastSession(list []byte, spans [][2]int) (int, error) {
	for i := len(spans) - 1; i > 0; i-- {
		raw := list[spans[i][0]:spans[i][1]]
		if !bytes.Contains(raw, []byte(`"`+tracker.ActionSessionStart+`"`)) {
			continue
		}
		e, err := decode(raw)
		if err != nil {
			return 0, err
		}
		if a, ok := e.(*tracker.ActionExecuted); ok && a.Name == tracker.ActionSessionStart {
			return i, nil
		}
	}
	return 0, nil
}

func startsOf(spans [][2]int) []int {
	starts := make([]int, len(spans))
	for i, s := range spans {
		starts[i] = s[0]
	}
	return starts
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// text returns what a script answered as a text.
func text(v any) string {
	s, _ := v.(string)
	return s
}

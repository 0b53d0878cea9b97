package nats

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxDone bounds the ids that a record remembers.
const maxDone = 64

// errLost says that a conversation is another's now.
var errLost = errors.New("another node has taken the conversation over")

// record says how far a conversation is and who is at it. The zero record is that of a conversation nobody knows of.
type record struct {
	// Owner is the claim that handles the conversation, "" when it is free.
	Owner string `json:"owner,omitempty"`
	// Attempt counts the times that the first message was begun, Failures those it is to blame for.
	Attempt  int `json:"attempt,omitempty"`
	Failures int `json:"failures,omitempty"`
	// DoneSeq is the last message that was handled, stored at DoneTime; Done are the ids of those handled lately.
	DoneSeq  uint64    `json:"done_seq,omitempty"`
	DoneTime time.Time `json:"done_time,omitzero"`
	Done     []done    `json:"done,omitempty"`
	// Write numbers the writes of an owner.
	Write int `json:"write,omitempty"`
}

// done is a message that was handled at a time in Unix seconds.
type done struct {
	Key  string `json:"key"`
	Time int64  `json:"time"`
}

func (r *record) did(key string, since time.Time) bool {
	return slices.ContainsFunc(r.Done, func(d done) bool { return d.Key == key && d.Time >= since.Unix() })
}

// has reports whether a message was handled. Somebody may have made the stream anew, with numbers from 1 on: those messages
// are younger.
func (r *record) has(m *jetstream.RawStreamMsg) bool {
	return m.Sequence <= r.DoneSeq && !m.Time.After(r.DoneTime)
}

// finish notes that a message was handled. key is "" if nobody will put it again.
func (r *record) finish(m *jetstream.RawStreamMsg, key string, now time.Time, window time.Duration) {
	r.DoneSeq, r.DoneTime, r.Attempt, r.Failures = m.Sequence, m.Time, 0, 0
	old := now.Add(-window).Unix()
	r.Done = slices.DeleteFunc(r.Done, func(d done) bool { return d.Time < old })
	if key != "" {
		r.Done = append(r.Done, done{key, now.Unix()})
	}
	r.Done = r.Done[max(0, len(r.Done)-maxDone):]
}

// readRecord returns the record of a conversation and its sequence, both zero when there is none.
func (in *Inbox) readRecord(ctx context.Context, s *session, to string) (r record, seq uint64, err error) {
	m, err := s.records.GetLastMsgForSubject(ctx, in.recordSubject(to))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return record{}, 0, nil
	}
	if err != nil {
		return record{}, 0, in.failed("reading who handles a conversation", err)
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		// Nobody wrote that who knows what it is for.
		r = record{}
	}
	return r, m.Sequence, nil
}

// lease is a claim to a conversation. Its owner and the goroutine that keeps it write its record.
type lease struct {
	in *Inbox
	s  *session
	to string

	mu  sync.Mutex
	rec record
	seq uint64
	// confirmed is when the last write that succeeded was begun.
	confirmed time.Time
}

// claim tries to become the owner of a conversation. The lease is nil when another is.
func (in *Inbox) claim(ctx context.Context, s *session, to string, seen *sightings) (*lease, error) {
	r, seq, err := in.readRecord(ctx, s, to)
	if err != nil {
		return nil, err
	}
	if r.Owner != "" {
		if !in.isDead(r.Owner) && !seen.silent(to, seq) {
			return nil, nil
		}
		in.log.Info("taking a conversation over from a node that is silent", "sender_id", to)
		// It may have been the message that ended the node.
		r.Attempt++
		r.Failures++
	}
	l := &lease{in: in, s: s, to: to, rec: r, seq: seq}
	l.rec.Owner, l.rec.Write = in.newClaim(), 0
	if err := l.write(ctx, func(*record) {}); err != nil {
		if errors.Is(err, errLost) {
			return nil, nil
		}
		return nil, err
	}
	seen.forget(to)
	return l, nil
}

// isDead reports whether an owner belongs to an earlier process: an embedded server serves one at a time.
func (in *Inbox) isDead(owner string) bool {
	return in.node.Embedded() && !strings.HasPrefix(owner, process+".")
}

// write changes the record. The error is errLost when the record is not the one that this lease wrote last, or was freed.
func (l *lease) write(ctx context.Context, change func(r *record)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rec.Owner == "" {
		return errLost
	}
	err := l.publish(ctx, change)
	if !isConflict(err) {
		return err
	}
	// The write before this one may have succeeded unheard.
	r, seq, readErr := l.in.readRecord(ctx, l.s, l.to)
	if readErr != nil {
		return readErr
	}
	if r.Owner != l.rec.Owner || r.Write != l.rec.Write+1 {
		return errLost
	}
	l.seq, l.rec.Write = seq, r.Write
	if err = l.publish(ctx, change); isConflict(err) {
		return errLost
	}
	return err
}

func (l *lease) publish(ctx context.Context, change func(r *record)) error {
	next := l.rec
	next.Done = slices.Clone(next.Done)
	next.Write++
	change(&next)
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	began := time.Now()
	ack, err := l.s.js.PublishMsg(ctx, &nats.Msg{Subject: l.in.recordSubject(l.to), Data: data},
		jetstream.WithExpectLastSequencePerSubject(l.seq), jetstream.WithExpectStream(l.in.recordStream()))
	if err != nil {
		return l.in.failed("writing who handles a conversation", err)
	}
	l.rec, l.seq, l.confirmed = next, ack.Sequence, began
	return nil
}

func isConflict(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

func (l *lease) record() record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rec
}

// keep writes the record anew until ctx ends, and calls lost when it could not for so long that another may own the
// conversation soon.
func (l *lease) keep(ctx context.Context, lost func(error)) {
	every := time.NewTicker(l.in.cfg.Lease / 4)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		l.mu.Lock()
		end := l.confirmed.Add(l.in.cfg.Lease * 7 / 10)
		l.mu.Unlock()
		limited, cancel := context.WithDeadline(ctx, end)
		err := l.write(limited, func(*record) {})
		cancel()
		if errors.Is(err, errLost) || err != nil && ctx.Err() == nil && !time.Now().Before(end) {
			lost(errLost)
			return
		}
	}
}

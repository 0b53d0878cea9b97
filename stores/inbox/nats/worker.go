package nats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleybot/parley/stores"
)

// maxUnavailable bounds the wait after a failure that is not the message's own.
const maxUnavailable = 3 * time.Second

// worker handles the messages of one conversation, which it owns.
type worker struct {
	*runner
	s  *session
	to string
	l  *lease
	// ctx is that of handling: it ends with r.handling and when the lease is lost.
	ctx context.Context
}

// conversation handles a conversation's messages if nobody else does. An error is one of the server.
func (r *runner) conversation(to string) error {
	ctx, cancel := context.WithTimeout(r.base, patience)
	defer cancel()
	s, err := r.in.session(ctx)
	if err != nil {
		return err
	}
	l, err := r.in.claim(ctx, s, to, r.seen)
	if err != nil || l == nil {
		return err
	}
	handling, lost := context.WithCancelCause(r.handling)
	kept, release := context.WithCancel(r.base)
	keeping := make(chan struct{})
	go func() {
		defer close(keeping)
		l.keep(kept, lost)
	}()
	defer func() {
		release()
		<-keeping
		lost(nil)
	}()
	w := &worker{runner: r, s: s, to: to, l: l, ctx: handling}
	switch err := w.run(); {
	case errors.Is(err, errLost):
		r.in.log.Warn("a conversation was taken over while its message was handled", "sender_id", to)
		return nil
	case err != nil:
		// If that succeeds, others need not wait for the end of the lease.
		_ = w.free(func(*record) {})
		return err
	}
	return nil
}

func (w *worker) run() error {
	from := uint64(1)
	for {
		if context.Cause(w.ctx) != nil || w.stop.Err() != nil {
			return w.free(func(*record) {})
		}
		m, err := w.next(from)
		if err != nil {
			return err
		}
		if m == nil {
			if err := w.free(func(*record) {}); err != nil {
				return err
			}
			return w.lookAgain()
		}
		if rec := w.l.record(); rec.has(m) {
			// Its owner ended between noting it and removing it.
			from = m.Sequence + 1
			if err := w.remove(m.Sequence); err != nil {
				return err
			}
			continue
		}
		more, err := w.one(m)
		if err != nil || !more {
			return err
		}
	}
}

// one handles the first message. more is false when the conversation is not this node's any more.
func (w *worker) one(m *jetstream.RawStreamMsg) (more bool, err error) {
	envelope, made, err := decode(m.Data)
	if err != nil {
		return w.bury(m, "", err)
	}
	id := key(envelope)
	if made {
		id = ""
	}
	rec := w.l.record()
	if w.spent(rec.Failures) {
		return w.bury(m, id, errors.New("nodes ended while handling it"))
	}
	envelope.Attempt = rec.Attempt + 1
	err = w.call(envelope)
	switch {
	case err == nil:
		return w.finish(m, id)
	case errors.Is(context.Cause(w.ctx), errLost):
		return false, errLost
	case w.stop.Err() != nil:
		return false, w.free(func(r *record) { r.Attempt++ })
	}
	blame := !errors.Is(err, stores.ErrUnavailable) && !errors.Is(err, stores.ErrLockNotAcquired)
	w.in.log.Warn("handling a message failed", "sender_id", envelope.SenderID, "channel", envelope.Channel, "err", err)
	if blame && w.spent(rec.Failures+1) {
		return w.bury(m, id, err)
	}
	return w.later(blame)
}

func (w *worker) spent(failures int) bool {
	return w.in.cfg.MaxAttempts > 0 && failures >= w.in.cfg.MaxAttempts
}

// call has the message handled; a panic is an error of it.
func (w *worker) call(m stores.Envelope) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.handle(w.ctx, m)
}

// later notes a failure and waits for the time of the next attempt, without a slot.
func (w *worker) later(blame bool) (more bool, err error) {
	rec := w.l.record()
	wait := w.in.backoff(rec.Attempt, blame)
	err = w.write(func(r *record) {
		r.Attempt++
		if blame {
			r.Failures++
		}
	})
	if err != nil {
		return false, err
	}
	w.give()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.stop.Done():
	case <-w.ctx.Done():
	}
	w.mu.Lock()
	w.waiting++
	w.mu.Unlock()
	if !w.take() {
		// Whoever called has a slot to give back.
		w.slots <- struct{}{}
	}
	return true, nil
}

// backoff returns how long to wait after a failure that follows others.
func (in *Inbox) backoff(others int, blame bool) time.Duration {
	longest := in.cfg.MaxBackoff
	if !blame {
		longest = min(longest, maxUnavailable)
	}
	wait := min(in.cfg.MinBackoff<<min(others, 20), longest)
	return time.Duration(float64(wait) * (0.8 + 0.2*rand.Float64()))
}

// finish notes that a message was handled and removes it. The conversation is freed with it if there is no other.
func (w *worker) finish(m *jetstream.RawStreamMsg, id string) (more bool, err error) {
	following, err := w.next(m.Sequence + 1)
	if err != nil {
		return false, err
	}
	note := func(r *record) { r.finish(m, id, w.in.now(), w.in.cfg.DuplicateWindow) }
	if following == nil {
		err = w.free(note)
	} else {
		err = w.write(note)
	}
	if err != nil {
		return false, err
	}
	if err := w.remove(m.Sequence); err != nil {
		return false, err
	}
	if following != nil {
		return true, nil
	}
	return false, w.lookAgain()
}

// lookAgain has the conversation looked after again if there is a message: whoever put it may have found the conversation taken.
func (w *worker) lookAgain() error {
	m, err := w.next(w.l.record().DoneSeq + 1)
	if err != nil || m == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[w.to] = true
	return nil
}

// next returns the first message from a sequence on, nil if there is none.
func (w *worker) next(from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(w.base, patience)
	defer cancel()
	m, err := w.s.messages.GetMsg(ctx, from, jetstream.WithGetMsgSubject(w.in.subject(w.to)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, w.in.failed("reading the first message of a conversation", err)
	}
	return m, nil
}

// remove deletes a message that was handled. One that is not there any more, or cannot be removed now, is passed over from
// now on because the record says that it was handled.
func (w *worker) remove(seq uint64) error {
	ctx, cancel := context.WithTimeout(w.base, patience)
	defer cancel()
	err := w.s.messages.DeleteMsg(ctx, seq)
	if err == nil || errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return w.in.failed("removing a message", err)
}

func (w *worker) write(change func(*record)) error {
	ctx, cancel := context.WithTimeout(w.base, patience)
	defer cancel()
	return w.l.write(ctx, change)
}

// free makes the conversation free for others.
func (w *worker) free(change func(*record)) error {
	err := w.write(func(r *record) {
		change(r)
		r.Owner = ""
	})
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

// bury moves a message to the dead letters.
func (w *worker) bury(m *jetstream.RawStreamMsg, id string, cause error) (more bool, err error) {
	ctx, cancel := context.WithTimeout(w.base, patience)
	defer cancel()
	stream := w.in.cfg.DeadStream
	_, err = w.s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: stream, Subjects: []string{stream + ".*"}, Description: "parley: messages that could not be handled",
		Storage: jetstream.FileStorage, Replicas: w.in.cfg.Replicas, MaxAge: deadAge,
	})
	if err != nil {
		return false, w.in.failed("opening the stream "+stream, err)
	}
	letter := nats.NewMsg(stream + "." + w.to)
	letter.Data = m.Data
	letter.Header.Set("Parley-Error", headerText(cause.Error()))
	_, err = w.s.js.PublishMsg(ctx, letter, jetstream.WithMsgID(fmt.Sprintf("%s.%d", w.in.cfg.Stream, m.Sequence)))
	if err != nil {
		return false, w.in.failed("putting a message to the dead letters", err)
	}
	w.in.log.Error("a message is given up; it is among the dead letters", "sender_id", w.to, "err", cause)
	return w.finish(m, id)
}

// headerText returns the beginning of a text as one line.
func headerText(s string) string {
	const most = 1000
	return strings.ToValidUTF8(strings.Join(strings.Fields(s[:min(len(s), most)]), " "), "")
}

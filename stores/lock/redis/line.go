package redis

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// pollEvery and pollJitter say how often those who wait look whether it is their turn.
	pollEvery  = 50 * time.Millisecond
	pollJitter = 25 * time.Millisecond
	// settleTime is how long Rasa takes between writing an empty lock and deleting it, and some more.
	settleTime = 3 * time.Millisecond
	// A Rasa node writes back a ticket that was dropped between its reading and writing. So for watchTime after it was
	// dropped, one is dropped again every watchEvery, if tickets of Rasa's were seen within mixedTime.
	watchTime  = 150 * time.Millisecond
	watchEvery = 50 * time.Millisecond
	mixedTime  = time.Minute
	// maxTexts is how many of its last texts a ticket is known by. A Rasa node can bring one back that is as old as the
	// time between its reading and writing.
	maxTexts = 3
)

type state int

const (
	asked  state = iota // not in Redis yet
	queued              // waits for its turn
	held                // its turn runs
	left                // to be dropped
)

// ticket is one call of Lock. All but ready and gone is guarded by Locks.mu.
type ticket struct {
	state state
	// texts are what the ticket may look like in Redis, the latest first; none before it is there.
	texts []string
	// digits tell it from others when a call is repeated.
	digits int
	// ready is closed when the ticket's turn comes, or when err is set, which is not changed after.
	ready chan struct{}
	err   error
	// since is when it got the lock, by the clock of Redis, in microseconds.
	since int64
	// gone is closed when it was tried to drop the ticket, and tried is set.
	gone  chan struct{}
	tried bool
	// leftAt is when it was given back.
	leftAt time.Time
}

func newTicket() *ticket {
	return &ticket{digits: rand.IntN(1000), ready: make(chan struct{}), gone: make(chan struct{})}
}

// granted tells whether the ticket is ready.
func (t *ticket) granted() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

func (t *ticket) remember(text string) {
	if len(t.texts) > 0 && t.texts[0] == text {
		return
	}
	t.texts = slices.Insert(t.texts, 0, text)
	t.texts = t.texts[:min(len(t.texts), maxTexts)]
}

// fail gives up a ticket that is asked or queued. In Redis it expires.
func (t *ticket) fail(err error) {
	t.state, t.err = left, err
	close(t.ready)
}

// line is this node's queue for one conversation. What changes is guarded by Locks.mu. One goroutine at a time serves it,
// except while its only ticket holds the lock; without tickets it ends.
type line struct {
	locks         *Locks
	senderID, key string
	wake          chan struct{}
	// tickets are in the order of asking, which is that of their numbers unless some were lost.
	tickets []*ticket
	// served tells whether somebody serves the line. Otherwise rest has it served when the ticket is to be renewed.
	served bool
	rest   *time.Timer
	// busy tells that a call is under way, whose answer may know less than what happened meanwhile.
	busy bool
	// answered is when Redis answered last.
	answered time.Time
}

// signal has the line look what there is to do.
func (n *line) signal() {
	if !n.served {
		n.start(0)
		return
	}
	select {
	case n.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// start has a goroutine serve the line, after a pause.
func (n *line) start(pause time.Duration) {
	if n.rest != nil {
		n.rest.Stop()
	}
	n.served = true
	n.locks.running.Go(func() { n.run(pause) })
}

// resume serves a line that was left alone.
func (n *line) resume() {
	l := n.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if !n.served && len(n.tickets) > 0 {
		n.start(0)
	}
}

// drop makes a ticket one to be dropped, and reports whether it was none yet.
func (n *line) drop(t *ticket) bool {
	if t.state == left {
		return false
	}
	t.state, t.leftAt = left, time.Now()
	return true
}

// close fails those who wait and drops all.
func (n *line) close() {
	for _, t := range n.tickets {
		switch t.state {
		case asked, queued:
			t.fail(notAcquired(n.senderID, errClosed))
		case held:
			t.state = left
		}
	}
}

// once does what there is to do in the goroutine of a caller, and leaves the line to another if that was not all.
func (n *line) once(limit time.Duration) {
	pause := time.Duration(0)
	if b, ok := n.gather(); ok {
		a, err := n.locks.send(n, b, limit)
		pause = n.settle(b, a, err)
	}
	l := n.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(n.tickets) == 0:
		n.end()
	case len(n.tickets) == 1 && n.tickets[0].state == held && len(n.wake) == 0 && !l.closed:
		n.served = false
		n.rest = time.AfterFunc(pause, n.resume)
	default:
		n.start(pause)
	}
}

// run serves the line: it gathers what there is to do, has it done, hands out the outcome and waits for more.
func (n *line) run(pause time.Duration) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if pause > 0 {
			timer.Reset(pause)
			select {
			case <-n.wake:
			case <-timer.C:
			case <-n.locks.closing:
			}
		}
		b, ok := n.gather()
		if !ok {
			return
		}
		a, err := n.locks.send(n, b, n.locks.callLimit)
		pause = n.settle(b, a, err)
	}
}

// end takes the line down.
func (n *line) end() {
	if n.locks.lines[n.key] == n {
		delete(n.locks.lines, n.key)
	}
}

// batch is what is done about a line at once.
type batch struct {
	issue, drop, keep []*ticket
	// holder is the index in keep of the ticket that holds the lock, -1 when none does.
	holder int
}

// gather returns what there is to do. Without any tickets the line is taken down.
func (n *line) gather() (b batch, ok bool) {
	l := n.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	n.tickets = slices.DeleteFunc(n.tickets, func(t *ticket) bool { return t.state == left && len(t.texts) == 0 })
	if len(n.tickets) == 0 {
		n.end()
		return b, false
	}
	b.holder = -1
	for _, t := range n.tickets {
		if t.state == held {
			b.holder = len(b.keep)
		}
		switch t.state {
		case asked:
			b.issue = append(b.issue, t)
		case left:
			b.drop = append(b.drop, t)
		default:
			b.keep = append(b.keep, t)
		}
	}
	n.busy = true
	return b, true
}

// settle notes the outcome of a call and returns how long there is nothing to do.
func (n *line) settle(b batch, a answer, err error) time.Duration {
	l := n.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	n.busy = false
	for _, t := range b.drop {
		if !t.tried {
			t.tried = true
			close(t.gone)
		}
	}
	if err != nil {
		n.withdraw(b, err)
		if !isUnavailable(err) {
			return retryEvery
		}
		return l.gate.pause()
	}
	n.answered = time.Now()
	if a.rasa {
		l.rasaSeen = n.answered
	}
	mixed := !l.closed && time.Since(l.rasaSeen) < mixedTime
	n.forget(b.drop, func(t *ticket) bool { return !mixed || time.Since(t.leftAt) > watchTime })
	for i, t := range b.keep {
		n.renewed(t, a.kept[i], a.lost[i])
	}
	for i, t := range b.issue {
		t.remember(a.issued[i])
		if t.state == asked {
			t.state = queued
		}
	}
	return n.next(&a)
}

func (n *line) renewed(t *ticket, text string, lost bool) {
	t.remember(text)
	if lost && t.state == held {
		n.locks.log.Warn("a conversation's lock was lost while it was held; other turns may have run meanwhile", "sender_id", n.senderID)
	}
}

// forget takes those tickets of a list out of the line that are done.
func (n *line) forget(list []*ticket, done func(*ticket) bool) {
	if len(list) > 0 {
		n.tickets = slices.DeleteFunc(n.tickets, func(t *ticket) bool { return slices.Contains(list, t) && done(t) })
	}
}

// next grants the lock if it is somebody's turn, and returns when to look again.
func (n *line) next(a *answer) time.Duration {
	if len(n.tickets) == 0 {
		return 0
	}
	var holder, waiting, first *ticket
	pause := n.locks.lease / 3
	for _, t := range n.tickets {
		switch t.state {
		case left:
			pause = min(pause, watchEvery)
		case held:
			holder = t
		case queued:
			waiting = t
			if t.texts[0] == a.first {
				first = t
			}
		}
	}
	if holder == nil && first != nil && !a.pending {
		first.state, first.since = held, a.now
		close(first.ready)
		holder = first
	}
	switch {
	case holder != nil || waiting == nil:
		return pause
	case first != nil:
		return settleTime
	}
	poll := pollEvery + rand.N(pollJitter)
	return min(pause, poll, a.firstLasts+time.Millisecond)
}

// withdraw gives up what failed: new tickets at once, those who wait when nothing was heard for a lease, by when their
// tickets have expired. What is held goes on.
func (n *line) withdraw(b batch, err error) {
	l := n.locks
	for _, t := range b.issue {
		if t.state == asked {
			t.fail(err)
		}
	}
	n.forget(b.issue, func(*ticket) bool { return true })
	mute := time.Since(n.answered) > l.lease
	for _, t := range b.keep {
		if t.state == queued && (mute || !isUnavailable(err)) {
			t.fail(err)
		}
	}
	n.tickets = slices.DeleteFunc(n.tickets, func(t *ticket) bool {
		return t.state == left && (l.closed || !isUnavailable(err) || time.Since(t.leftAt) > l.lease)
	})
}

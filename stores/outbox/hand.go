package outbox

import (
	"slices"
	"time"

	"github.com/parleybot/parley/stores"
)

// entry is a commit in hand: from Deliver, or from the store, until it is settled. Its fields are guarded by Outbox.mu.
type entry struct {
	stores.Commit // without Events in a stub
	size          int
	since         time.Time
	// missing are commits of the conversation that have to be released before this one.
	missing []string
	parked  bool
	gone    bool // not in hand any more
	stub    bool // in no queue though some consumer has not taken it; the events are in the store only
	// pending are the consumers that have not taken it, queued those in whose queue it is, left those for which it has to
	// be read from the store.
	pending, queued, left consumers
}

func (e *entry) ref() stores.CommitRef { return stores.CommitRef{SenderID: e.SenderID, ID: e.ID} }

// consumers is a set of them, a bit each.
type consumers uint64

// waiting is what is parked of one conversation.
type waiting struct {
	entries []*entry
	// poll is when the store is asked next, pause the time between.
	poll  time.Time
	pause time.Duration
}

// take puts a commit in hand and releases it unless one of after is neither on its way from here nor settled.
func (o *Outbox) take(e *entry, after []string) {
	if o.hand[e.ref()] != nil || o.settled.has(e.ref()) {
		return
	}
	for _, id := range after {
		ref := stores.CommitRef{SenderID: e.SenderID, ID: id}
		before := o.hand[ref]
		if id != e.ID && (before == nil && !o.settled.has(ref) || before != nil && before.parked) {
			e.missing = append(e.missing, id)
		}
	}
	if len(e.missing) > 0 && o.parkedLen >= o.cfg.MaxCommits {
		return // the store has it; it is swept up later
	}
	o.hand[e.ref()] = e
	o.inHand[e.SenderID]++
	if len(e.missing) == 0 {
		o.release(e)
		return
	}
	o.park(e)
}

func (o *Outbox) park(e *entry) {
	e.parked = true
	o.parkedLen++
	w := o.parked[e.SenderID]
	if w == nil {
		w = &waiting{poll: time.Now().Add(firstPoll), pause: firstPoll}
		o.parked[e.SenderID] = w
	}
	w.entries = append(w.entries, e)
	o.keeperWake.set()
}

// release queues a commit, and those that waited for it.
func (o *Outbox) release(e *entry) {
	for i := range o.consumers {
		e.pending |= 1 << i
	}
	if o.gated {
		o.enqueue(o.consumers[0], e)
	} else {
		o.enqueueAll(e)
	}
	o.sort(e)
	o.resolve(e.SenderID, time.Now(), func(id string) bool { return id == e.ID })
}

// resolve releases the parked commits of a conversation that wait for nothing but what is over. What is known about that
// was true at a time, and says nothing of commits that came later.
func (o *Outbox) resolve(senderID string, at time.Time, over func(id string) bool) {
	w := o.parked[senderID]
	if w == nil {
		return
	}
	var ready []*entry
	for _, e := range w.entries {
		if e.since.After(at) {
			continue
		}
		if e.missing = slices.DeleteFunc(e.missing, over); len(e.missing) == 0 {
			ready = append(ready, e)
		}
	}
	for _, e := range ready {
		o.unpark(e)
	}
}

// unpark releases a commit that is parked. It may have been released by one that was unparked before it.
func (o *Outbox) unpark(e *entry) {
	if e.parked {
		o.leave(e)
		o.release(e)
	}
}

// leave takes a commit out of those that are parked.
func (o *Outbox) leave(e *entry) {
	e.parked = false
	o.parkedLen--
	w := o.parked[e.SenderID]
	if w.entries = slices.DeleteFunc(w.entries, func(p *entry) bool { return p == e }); len(w.entries) == 0 {
		delete(o.parked, e.SenderID)
	}
}

// took notes that a consumer has the commit for good.
func (o *Outbox) took(c *consumer, e *entry) {
	if e.gone {
		return
	}
	e.pending &^= c.bit
	c.unqueue(e)
	if o.gated && c == o.consumers[0] {
		o.enqueueAll(e)
	}
	o.sort(e)
}

func (o *Outbox) enqueueAll(e *entry) {
	for _, c := range o.consumers {
		if e.pending&c.bit != 0 {
			o.enqueue(c, e)
		}
	}
}

// sort puts a commit where it belongs after its consumers changed.
func (o *Outbox) sort(e *entry) {
	switch {
	case e.gone:
	case e.pending == 0 && o.store == nil:
		o.drop(e)
	case e.pending == 0:
		e.Events = nil
		o.done = append(o.done, e)
		o.settleWake.set()
	case e.queued == 0 && !e.stub:
		e.Events = nil
		o.stubs.add(e)
	}
}

// trim forgets the oldest commits of which only the store has the events, if there are too many. It is called when whoever
// holds the lock needs none of them any more.
func (o *Outbox) trim() {
	for o.stubs.n > o.remembered {
		if oldest := o.stubs.list[0]; oldest.stub {
			// What comes after it and is in hand already must not overtake it.
			for _, c := range o.consumers {
				if oldest.left&c.bit != 0 {
					c.lost[oldest.SenderID] = true
				}
			}
			o.drop(oldest)
		}
		o.stubs.list = o.stubs.list[1:]
	}
	for len(o.done) > o.remembered {
		o.drop(o.done[0])
		o.done = o.done[1:]
	}
}

// drop forgets a commit.
func (o *Outbox) drop(e *entry) {
	if e.gone {
		return
	}
	e.gone = true
	delete(o.hand, e.ref())
	if o.inHand[e.SenderID]--; o.inHand[e.SenderID] == 0 {
		delete(o.inHand, e.SenderID)
		for _, c := range o.consumers {
			delete(c.lost, e.SenderID)
		}
	}
	o.stubs.remove(e)
	for _, c := range o.consumers {
		c.unqueue(e)
		c.found(e)
	}
	e.pending, e.Events = 0, nil
	if e.parked {
		o.leave(e)
	}
}

// stubs are the entries that are stubs, oldest first.
type stubs struct {
	list []*entry // some may be stubs no more
	n    int
}

func (s *stubs) add(e *entry) {
	e.stub = true
	s.n++
	if len(s.list) > 2*s.n+1024 {
		s.list = slices.DeleteFunc(s.list, func(e *entry) bool { return !e.stub })
	}
	s.list = append(s.list, e)
}

func (s *stubs) remove(e *entry) {
	if e.stub {
		e.stub = false
		s.n--
	}
}

// recent remembers the commits that were settled last, so that what was read of the store before is not taken for news.
type recent struct {
	refs map[stores.CommitRef]struct{}
	ring []stores.CommitRef
	next int
}

func (r *recent) has(ref stores.CommitRef) bool {
	_, ok := r.refs[ref]
	return ok
}

func (r *recent) add(ref stores.CommitRef) {
	const kept = 1 << 13
	if r.refs == nil {
		r.refs = make(map[stores.CommitRef]struct{})
	}
	if r.has(ref) {
		return
	}
	r.refs[ref] = struct{}{}
	if len(r.ring) < kept {
		r.ring = append(r.ring, ref)
		return
	}
	delete(r.refs, r.ring[r.next])
	r.ring[r.next] = ref
	r.next = (r.next + 1) % kept
}

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// settings say how large a run is.
type settings struct {
	seed                       uint64
	frontends, users, messages int
	// lockless keeps the lock store away for the whole run.
	lockless bool
}

// run is one fleet, its users and what happens to it.
type run struct {
	settings
	nodes     []*node
	users     []*sender
	callbacks *callbacks
	client    *http.Client
	faults    []fault
	log       func(text ...any)
	// posted counts posts, refused those after which a message was posted again.
	posted, refused atomic.Int64
}

// fault is something that breaks and is mended.
type fault struct {
	name string
	// brk breaks and returns what mends. It is called by one goroutine at a time for each fault.
	brk func(r *rand.Rand) (mend func())
	// lasts bounds how long it is left broken.
	least, most time.Duration
}

// newUsers makes the users: every fourth is hasty, every fifth writes by the callback channel.
func (x *run) newUsers() {
	for i := range x.settings.users {
		x.users = append(x.users, &sender{
			id: fmt.Sprintf("user-%d-%d", x.seed, i), number: i, messages: x.messages / x.settings.users, hasty: i%4 == 3,
			callback: i%5 == 4, rand: rand.New(rand.NewPCG(x.seed, uint64(i))), run: x, answers: map[string][]string{},
		})
	}
}

// talk lets all users talk while things break, and returns when all is said and mended.
func (x *run) talk(ctx context.Context) error {
	breaking, stop := context.WithCancel(ctx)
	var chaos sync.WaitGroup
	chaos.Go(func() { x.breakThings(breaking) })
	errs := make([]error, len(x.users))
	var talking sync.WaitGroup
	for i, u := range x.users {
		talking.Go(func() { errs[i] = u.talk(ctx) })
	}
	talking.Wait()
	stop()
	chaos.Wait()
	return errors.Join(errs...)
}

// breakThings breaks one or two things at a time until ctx ends.
func (x *run) breakThings(ctx context.Context) {
	var at sync.WaitGroup
	for lane := range 2 {
		r := rand.New(rand.NewPCG(x.seed, 1000+uint64(lane)))
		at.Go(func() {
			for ctx.Err() == nil {
				pause(ctx, time.Duration(300+r.IntN(1500))*time.Millisecond)
				f := x.faults[(r.IntN(len(x.faults)/2))*2+lane] // a thing is broken by one lane only
				x.log("chaos: " + f.name)
				mend := f.brk(r)
				pause(ctx, f.least+time.Duration(r.Int64N(int64(f.most-f.least)+1)))
				mend()
			}
		})
	}
	at.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

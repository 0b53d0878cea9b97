package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/stores"
)

//go:embed step.lua
var stepSource string

//go:embed delete.lua
var deleteSource string

var (
	stepScript   = redis.NewScript(stepSource)
	deleteScript = redis.NewScript(deleteSource)
)

// answer is what the script step.lua returns.
type answer struct {
	// now is the time of Redis in microseconds.
	now int64
	// first is the text of the ticket whose turn it is, firstLasts how long it lasts.
	first      string
	firstLasts time.Duration
	// pending tells that a Rasa node may be about to delete the lock.
	pending bool
	// rasa tells that there are tickets of Rasa's.
	rasa bool
	// kept are the texts of the tickets kept; those lost had expired or were gone.
	kept   []string
	lost   []bool
	issued []string
}

var errShape = errors.New("the script returned something else than expected")

// send has a batch done within a limit. A call whose connection broke is repeated once. The error names the conversation.
func (l *Locks) send(n *line, b batch, limit time.Duration) (a answer, err error) {
	if err := l.gate.enter(); err != nil {
		return a, unavailable("locking", n.senderID, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// The client of a Cluster repeats commands by itself: a ticket issued twice stays in the way for a lease there.
	for _, again := range []bool{false, true} {
		a, err = l.call(ctx, n, b, again)
		if err == nil || ctx.Err() != nil || !redisclient.Unavailable(err) {
			break
		}
	}
	switch {
	case err == nil:
		l.gate.opened()
		return a, nil
	case redisclient.Unavailable(err):
		if ctx.Err() == nil || limit >= l.callLimit { // otherwise it had too little time to say
			l.gate.shut(err)
		}
		return a, unavailable("locking", n.senderID, err)
	}
	return a, fmt.Errorf("locking %q: %w", n.senderID, err)
}

// errLate says that the script came to be run after the time it was given.
var errLate = errors.New("redis answered too late")

func (l *Locks) call(ctx context.Context, n *line, b batch, again bool) (a answer, err error) {
	began := time.Now()
	values, err := stepScript.Run(ctx, l.client, []string{n.key}, l.arguments(n, b, again)...).Slice()
	if err != nil {
		return a, err
	}
	if len(values) == 0 {
		return a, errShape
	}
	now, ok := values[0].(int64)
	if !ok {
		return a, errShape
	}
	l.clock.set(began, time.Now(), now)
	if len(values) == 1 {
		return a, errLate
	}
	a, err = parseAnswer(values, len(b.keep), len(b.issue))
	a.now = now
	return a, err
}

func (l *Locks) arguments(n *line, b batch, again bool) []any {
	repeated := "0"
	if again {
		repeated = "1"
	}
	args := make([]any, 0, 7+len(b.issue)+len(b.drop)+len(b.keep))
	args = append(args, conversationID(n.senderID), l.lease.Microseconds(), l.channel, l.clock.in(l.callLimit), repeated, len(b.issue), len(b.drop))
	for _, t := range b.issue {
		args = append(args, t.digits)
	}
	for _, t := range b.drop {
		args = append(args, strings.Join(t.texts, "|"))
	}
	for i, t := range b.keep {
		mark := ""
		if i == b.holder {
			mark = "*"
		}
		args = append(args, mark+strings.Join(t.texts, "|"))
	}
	return args
}

func parseAnswer(values []any, kept, issued int) (a answer, err error) {
	const head = 5
	if len(values) != head+kept+issued {
		return a, errShape
	}
	lasts, ok := values[2].(int64)
	a.first, _ = values[1].(string)
	a.firstLasts = time.Duration(lasts) * time.Microsecond
	a.pending, a.rasa = values[3] == int64(1), values[4] == int64(1)
	texts := make([]string, kept+issued)
	for i, v := range values[head:] {
		s, isText := v.(string)
		texts[i], ok = s, ok && isText
	}
	if !ok {
		return a, errShape
	}
	a.kept, a.issued = texts[:kept], texts[kept:]
	a.lost = make([]bool, kept)
	for i, s := range a.kept {
		a.kept[i], a.lost[i] = strings.CutPrefix(s, "!")
	}
	return a, nil
}

func isUnavailable(err error) bool { return errors.Is(err, stores.ErrUnavailable) }

// clock knows the time of Redis.
type clock struct {
	log *slog.Logger

	mu     sync.Mutex
	at     time.Time // of this node, monotonic
	redis  int64     // then, in microseconds
	warned bool
}

// maxSkew is how far this node's clock may be from that of Redis without a warning.
const maxSkew = time.Second

// set notes what Redis said between began and ended.
func (c *clock) set(began, ended time.Time, redis int64) {
	middle := began.Add(ended.Sub(began) / 2)
	skew := time.UnixMicro(redis).Sub(middle.Round(0))
	far := skew.Abs() > maxSkew+ended.Sub(began)/2
	c.mu.Lock()
	c.at, c.redis = ended, redis // no later than it was, so that nothing is done after its caller gave up
	warn := far && !c.warned
	c.warned = far
	c.mu.Unlock()
	if warn {
		c.log.Warn("the clocks of this node and of Redis differ; nodes of a pool should have the same time",
			"duration", (-skew).Round(time.Millisecond).String())
	}
}

// in returns what time Redis has after d, in microseconds, "0" when that is not known.
func (c *clock) in(d time.Duration) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.redis == 0 {
		return "0"
	}
	return strconv.FormatInt(c.redis+(time.Since(c.at)+d).Microseconds(), 10)
}

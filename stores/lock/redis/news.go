package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// listen wakes those whose turn comes because another node unlocked. It ends when news is closed. The subscription
// is renewed by the library when its connection breaks; what is missed is found by looking.
func (l *Locks) listen(news *redis.PubSub) {
	ctx, cancel := context.WithTimeout(context.Background(), l.callLimit)
	err := news.Subscribe(ctx, l.channel)
	cancel()
	if err != nil {
		l.log.Debug("subscribing to unlocked conversations", "err", err)
	}
	for m := range news.Channel() {
		what, key, _ := strings.Cut(m.Payload, "\n")
		if deleted, err := strconv.ParseInt(what, 10, 64); err == nil {
			l.disown(key, deleted)
		} else {
			l.hear(what, key)
		}
	}
}

// hear has a line look whether it is its turn when the ticket with that text may be one of its own.
func (l *Locks) hear(text, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lines[key]
	if n == nil {
		return
	}
	own := func(t *ticket) bool { return t.state == queued && slices.Contains(t.texts, text) }
	if n.busy || slices.ContainsFunc(n.tickets, own) {
		n.signal()
	}
}

// disown drops the ticket that held a lock when it was deleted, and has those who wait issued new ones.
func (l *Locks) disown(key string, deleted int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lines[key]
	if n == nil {
		return
	}
	for _, t := range n.tickets {
		if t.state == held && t.since <= deleted {
			l.log.Info("a conversation's lock was deleted while it was held", "sender_id", n.senderID)
			n.drop(t)
		}
	}
	n.signal()
}

package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/stores"
)

// listing is a list of all conversations.
type listing struct {
	ids []string
	at  time.Time
}

// listingStays is how long who asks page by page gets the pages of one list. Each list costs a SCAN of all keys.
const listingStays = time.Minute

// scanCount is how many keys a server looks at in one step of a SCAN; it serves nobody else meanwhile.
const scanCount = 1000

// IDs implements stores.TrackerStore. The keys of a server are walked by SCAN, in small steps, for a first page; the
// pages behind it are of the same list for a minute.
func (l *Log) IDs(ctx context.Context, _ stores.Query, after string, limit int) ([]string, error) {
	l.mu.Lock()
	kept := l.listing
	l.mu.Unlock()
	if after == "" || time.Since(kept.at) > listingStays {
		ids, err := l.scan(ctx)
		if err != nil {
			return nil, failure("asking redis for its keys", err)
		}
		kept = listing{ids, time.Now()}
		if limit > 0 && limit < len(ids) {
			l.mu.Lock()
			l.listing = kept
			l.mu.Unlock()
		}
	}
	ids := kept.ids
	if after != "" {
		i, found := slices.BinarySearch(ids, after)
		if found {
			i++
		}
		ids = ids[i:]
	}
	if limit > 0 && limit < len(ids) {
		ids = ids[:limit]
	}
	return slices.Clone(ids), nil
}

// scan returns the ids of all conversations, sorted.
func (l *Log) scan(ctx context.Context) ([]string, error) {
	var mu sync.Mutex
	var ids []string
	prefix := l.keys.conversation("")
	node := func(ctx context.Context, c redis.Cmdable) error {
		for cursor := uint64(0); ; {
			page, next, err := c.Scan(ctx, cursor, prefix+"*", scanCount).Result()
			if err != nil {
				return err
			}
			mu.Lock()
			for _, key := range page {
				ids = append(ids, strings.TrimPrefix(key, prefix))
			}
			mu.Unlock()
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	var err error
	if cluster, ok := l.client.UniversalClient.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return node(ctx, c) })
	} else {
		err = node(ctx, l.client)
	}
	slices.Sort(ids)
	return slices.Compact(ids), err // SCAN may return a key twice
}

// Delete implements stores.TrackerStore. It removes the conversation, its segments and its notes.
func (l *Log) Delete(ctx context.Context, senderID string) (int, error) {
	answer, err := l.write(ctx, deleteScript, l.keys.of(senderID), senderID)
	if err != nil {
		return 0, failure("asking redis to delete a conversation", err)
	}
	archived, err := strconv.Atoi(text(answer[1]))
	if err != nil {
		return 0, fmt.Errorf("counting the events of deleted segments: %w", err)
	}
	stored, found := answer[0].(string)
	if !found {
		return archived, nil
	}
	p, _, err := l.survey([]byte(stored), ending(senderID), noStamp, true)
	if err != nil {
		return archived, nil //nolint:nilerr // it is deleted; of a damaged value nobody can tell how many events it had
	}
	return archived + p.events - p.summary, nil
}

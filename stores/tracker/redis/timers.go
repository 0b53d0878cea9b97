package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// timers are the stores.Timers of a Log, see scripts/timers.lua.
type timers struct{ log *Log }

// Timers implements stores.TimerStore.
func (l *Log) Timers() stores.Timers { return timers{l} }

func (t timers) run(ctx context.Context, step string, args ...any) (any, error) {
	answer, err := timersScript.Run(ctx, t.log.client, t.log.keys.timers(), args...).Result()
	if err != nil {
		return nil, failure(step, err)
	}
	return answer, nil
}

// member is what a timer is known by. The length in front keeps conversations apart whose ids begin alike.
func member(senderID, name string) string {
	return fmt.Sprintf("%d:%s%s", len(senderID), senderID, name)
}

// Set implements stores.Timers.
func (t timers) Set(ctx context.Context, tm stores.Timer) error {
	data := value.NewMap("sender_id", tm.SenderID, "name", tm.Name, "id", tm.ID, "due", tm.Due.UnixMicro(), "data", orNull(tm.Data))
	text := fmt.Sprintf("0:%d:%s%s", len(tm.ID), tm.ID, value.Encode(data, value.JSON))
	_, err := t.run(ctx, "asking redis to set a timer", "set", member(tm.SenderID, tm.Name), tm.Due.UnixMicro(), text)
	return err
}

func orNull(m *value.Map) any {
	if m == nil {
		return nil
	}
	return m
}

// List implements stores.Timers.
func (t timers) List(ctx context.Context, senderID string) ([]stores.Timer, error) {
	// No name has the byte 0xff: they are UTF-8.
	answer, err := t.run(ctx, "asking redis for timers", "list", member(senderID, ""), member(senderID, "\xff"))
	if err != nil {
		return nil, err
	}
	return timersIn(answer)
}

// Remove implements stores.Timers.
func (t timers) Remove(ctx context.Context, tm stores.Timer) (bool, error) {
	answer, err := t.run(ctx, "asking redis to remove a timer", "remove", member(tm.SenderID, tm.Name), tm.ID)
	return answer == int64(1), err
}

// Claim implements stores.Timers.
func (t timers) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	answer, err := t.run(ctx, "asking redis for due timers", "claim", now.UnixMicro(), now.Add(lease).UnixMicro(), limit)
	if err != nil {
		return nil, err
	}
	return timersIn(answer)
}

// Next implements stores.Timers.
func (t timers) Next(ctx context.Context) (due time.Time, ok bool, err error) {
	first, err := t.log.client.ZRangeWithScores(ctx, t.log.keys.timers()[0], 0, 0).Result()
	if err != nil {
		return due, false, failure("asking redis for the next timer", err)
	}
	if len(first) == 0 {
		return due, false, nil
	}
	return time.UnixMicro(int64(first[0].Score)), true, nil
}

func timersIn(answer any) ([]stores.Timer, error) {
	list, _ := answer.([]any)
	var found []stores.Timer
	for _, v := range list {
		tm, err := decodeTimer(text(v))
		if err != nil {
			return nil, err
		}
		found = append(found, tm)
	}
	return found, nil
}

func decodeTimer(s string) (tm stores.Timer, err error) {
	attempts, rest, _ := strings.Cut(s, ":")
	if tm.Attempt, err = strconv.Atoi(attempts); err != nil {
		return tm, fmt.Errorf("decoding a timer: %w", err)
	}
	length, rest, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(rest) {
		return tm, fmt.Errorf("decoding a timer: its id is %s bytes long", length)
	}
	m, err := value.DecodeObject([]byte(rest[n:]))
	if err != nil {
		return tm, fmt.Errorf("decoding a timer: %w", err)
	}
	tm.SenderID, tm.Name, tm.ID = m.String("sender_id"), m.String("name"), m.String("id")
	if micros, ok := m.Value("due").(int64); ok {
		tm.Due = time.UnixMicro(micros)
	}
	tm.Data, _ = m.Value("data").(*value.Map)
	return tm, nil
}

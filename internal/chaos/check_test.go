package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// event is an event of a conversation as JSON.
type event map[string]any

func (e event) text(key string) string { s, _ := e[key].(string); return s }

// canonical is the event as text, by which it is recognised.
func (e event) canonical() string {
	data, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// tracker reads a conversation from a node.
func tracker(ctx context.Context, n *node, user string) ([]event, error) {
	status, body, err := get(ctx, n.url+"/conversations/"+user+"/tracker?include_events=ALL")
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("reading %s from %s: status %d: %w", user, n.name, status, err)
	}
	var t struct {
		Events []event `json:"events"`
	}
	return t.Events, json.Unmarshal(body, &t)
}

// verdict collects what is wrong.
type verdict struct{ problems []string }

func (v *verdict) add(format string, args ...any) {
	if len(v.problems) < 100 {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

// judge checks everything of a user.
func (x *run) judge(ctx context.Context, v *verdict, u *sender, published func() map[string][]delivery) {
	events, err := x.settled(ctx, u)
	if err != nil {
		v.add("%v", err)
		return
	}
	for _, n := range x.nodes {
		others, err := tracker(ctx, n, u.id)
		if err != nil {
			v.add("%v", err)
		} else if !slices.EqualFunc(events, others, func(a, b event) bool { return a.canonical() == b.canonical() }) {
			v.add("%s: %s sees another conversation", u.id, n.name)
		}
	}
	u.judgeMessages(v, events)
	u.judgeReminders(v, events)
	judgeBroker(v, u.id, events, published()[u.id])
}

// settled reads a conversation when its reminders have run.
func (x *run) settled(ctx context.Context, u *sender) ([]event, error) {
	until := time.Now().Add(patience)
	for {
		events, err := tracker(ctx, x.nodes[0], u.id)
		if err != nil {
			return nil, err
		}
		asked, run := 0, 0
		for _, e := range events {
			if e.text("event") == "reminder" {
				asked++
			}
			if e.text("text") == "EXTERNAL: remind" {
				run++
			}
		}
		if run >= asked || time.Now().After(until) {
			return events, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// judgeMessages checks that each message is there once, in order, counted and answered.
func (u *sender) judgeMessages(v *verdict, events []event) {
	seen, last, count := map[string]int{}, 0, 0
	said := map[string]bool{}
	for _, e := range events {
		number, ok := strings.CutPrefix(e.text("text"), `/say{"n": "`)
		number = strings.TrimSuffix(number, `"}`)
		switch {
		case e.text("event") == "user" && ok:
			seen[number]++
			count++
			k := 0
			_, _ = fmt.Sscanf(number[strings.IndexByte(number, '.')+1:], "%d", &k)
			if !u.hasty && k != last+1 {
				v.add("%s: message %d follows message %d", u.id, k, last)
			}
			last = k
		case e.text("event") == "bot":
			said[e.text("text")] = true
		case e.text("event") == "slot" && e.text("name") == "count":
			if n, _ := e["value"].(float64); int(n) != count {
				v.add("%s: the bot counted %v where there were %d messages: it read another past", u.id, e["value"], count)
			}
		}
	}
	for k := 1; k <= u.messages; k++ {
		number := fmt.Sprintf("%d.%d", u.number, k)
		if n := seen[number]; n != 1 {
			v.add("%s: message %s is there %d times", u.id, number, n)
		}
		u.judgeAnswers(v, number, said)
	}
	if len(seen) != u.messages {
		v.add("%s: %d different messages, %d were sent", u.id, len(seen), u.messages)
	}
}

// judgeAnswers checks that the answers to a message are the stored one.
func (u *sender) judgeAnswers(v *verdict, number string, said map[string]bool) {
	answers := u.answers[number]
	if u.callback {
		answers = nil
		for text := range said {
			if ids := u.run.callbacks.ids[u.id+" "+text]; strings.HasPrefix(text, "echo "+number+" as ") && len(ids) > 0 {
				answers = append(answers, text)
				if len(ids) > 1 {
					v.add("%s: answer %q came under %d ids", u.id, text, len(ids))
				}
			}
		}
	}
	if len(answers) == 0 {
		v.add("%s: message %s was accepted and not answered", u.id, number)
	}
	for _, text := range answers {
		if !said[text] {
			v.add("%s: was told %q, which its conversation does not have", u.id, text)
		}
		if text != answers[0] {
			v.add("%s: message %s was answered %q and %q", u.id, number, answers[0], text)
		}
	}
}

// judgeReminders checks that each reminder ran once.
func (u *sender) judgeReminders(v *verdict, events []event) {
	run := map[string]int{}
	for _, e := range events {
		if e.text("event") == "bot" && strings.HasPrefix(e.text("text"), "reminded of ") {
			run[strings.TrimPrefix(e.text("text"), "reminded of ")]++
		}
	}
	for k := 1; k <= u.messages; k++ {
		number, want := fmt.Sprintf("%d.%d", u.number, k), 0
		if wantsReminder(number) {
			want = 1
		}
		if run[number] != want {
			v.add("%s: the reminder of message %s ran %d times, want %d", u.id, number, run[number], want)
		}
	}
}

// delivery is an event as the broker got it.
type delivery struct {
	id, body string
	at       time.Time
}

// judgeBroker checks that each event reached the broker, the first time in order, always under one id.
func judgeBroker(v *verdict, user string, events []event, got []delivery) {
	first, ids := map[string]int{}, map[string]string{}
	for i, d := range got {
		if _, ok := first[d.body]; !ok {
			first[d.body] = i
			ids[d.body] = d.id
		}
		if ids[d.body] != d.id {
			v.add("%s: an event was published under ids %s and %s", user, ids[d.body], d.id)
		}
	}
	missing, last := 0, -1
	for _, e := range events {
		at, ok := first[e.canonical()]
		switch {
		case !ok:
			missing++
		case at < last:
			v.add("%s: event %s %q of %s was published at %s, before %s at %s", user, e.text("event"), e.text("text"), got[at].id,
				got[at].at.Format(time.StampMilli), got[last].id, got[last].at.Format(time.StampMilli))
		default:
			last = at
		}
	}
	if missing > 0 {
		v.add("%s: %d of %d events did not reach the broker", user, missing, len(events))
	}
	if len(first) > len(events)-missing {
		v.add("%s: the broker knows %d events that the conversation does not have", user, len(first)-len(events)+missing)
	}
}

package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// everyReminder is how many messages pass between two that ask for a reminder.
	everyReminder = 10
	// reminderAfter is when they want it.
	reminderAfter = time.Second
)

// actionServer is the bot's: it echoes, counts, and is slow at times.
type actionServer struct {
	url string
	l   net.Listener
}

type actionCall struct {
	NextAction string `json:"next_action"`
	Tracker    struct {
		Slots   map[string]any `json:"slots"`
		Message struct {
			Entities []struct {
				Entity string `json:"entity"`
				Value  any    `json:"value"`
			} `json:"entities"`
		} `json:"latest_message"`
	} `json:"tracker"`
}

func startActions() (*actionServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &actionServer{url: "http://" + l.Addr().String() + "/webhook", l: l}
	go func() { _ = http.Serve(l, http.HandlerFunc(s.serve)) }()
	return s, nil
}

func (s *actionServer) close() { _ = s.l.Close() }

func (s *actionServer) serve(w http.ResponseWriter, r *http.Request) {
	var call actionCall
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	number := ""
	for _, e := range call.Tracker.Message.Entities {
		if e.Entity == "n" {
			number = fmt.Sprint(e.Value)
		}
	}
	answer := map[string]any{"events": []any{}, "responses": []any{}}
	switch call.NextAction {
	case "action_echo":
		if rand.IntN(20) == 0 {
			time.Sleep(time.Duration(200+rand.IntN(800)) * time.Millisecond)
		}
		count, _ := call.Tracker.Slots["count"].(float64)
		events := []any{slotSet("last", number), slotSet("count", count+1)}
		if wantsReminder(number) {
			events = append(events, map[string]any{
				"event": "reminder", "intent": "remind", "name": "r" + number, "kill_on_user_msg": false,
				"entities":  []any{map[string]any{"entity": "n", "value": number}},
				"date_time": time.Now().Add(reminderAfter).Format("2006-01-02T15:04:05.000000-07:00"),
			})
		}
		answer["events"] = events
		answer["responses"] = []any{map[string]any{"text": echo(number, int(count)+1)}}
	case "action_reminded":
		answer["responses"] = []any{map[string]any{"text": "reminded of " + number}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func slotSet(name string, v any) any {
	return map[string]any{"event": "slot", "name": name, "value": v}
}

// echo is what the bot says to a message, the count-th of its conversation.
func echo(number string, count int) string { return fmt.Sprintf("echo %s as %d", number, count) }

// wantsReminder reports whether a message asks for a reminder.
func wantsReminder(number string) bool {
	_, last, _ := strings.Cut(number, ".")
	n, err := strconv.Atoi(last)
	return err == nil && n%everyReminder == 0
}

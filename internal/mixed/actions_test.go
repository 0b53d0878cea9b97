//go:build mixed

package mixed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startActions serves the custom actions of a bot and returns their URL.
func startActions(t *testing.T, python, bot string) string {
	t.Helper()
	for _, name := range []string{"actions", "actions.py"} {
		if _, err := os.Stat(filepath.Join(bot, name)); err == nil {
			return startSDK(t, python, bot)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(answerAction))
	t.Cleanup(s.Close)
	return s.URL + "/webhook"
}

// startSDK runs a bot's own actions, which are imported from its folder.
func startSDK(t *testing.T, python, bot string) string {
	t.Helper()
	port := freePort(t)
	p := start(t, "rasa_sdk", python, "-c", "import os, sys; os.chdir(sys.argv.pop(1)); sys.path.insert(0, os.getcwd()); "+
		"from rasa_sdk.__main__ import main; main()", bot, "--port", port, "--actions", "actions")
	p.ready(t, "http://127.0.0.1:"+port+"/health")
	return "http://127.0.0.1:" + port + "/webhook"
}

// actionCall is what an action server is asked.
type actionCall struct {
	Action  string `json:"next_action"`
	Tracker struct {
		Slots  map[string]any `json:"slots"`
		Latest struct {
			Entities []struct {
				Entity string `json:"entity"`
				Value  any    `json:"value"`
			} `json:"entities"`
		} `json:"latest_message"`
	} `json:"tracker"`
}

// answerAction runs the actions of the bot in testdata.
func answerAction(w http.ResponseWriter, r *http.Request) {
	var call actionCall
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	events, responses := []any{}, []any{}
	set := func(name string, value any) {
		events = append(events, map[string]any{"event": "slot", "name": name, "value": value, "timestamp": nil})
	}
	say := func(response map[string]any) { responses = append(responses, response) }
	slots := call.Tracker.Slots
	switch call.Action {
	case "action_place_order":
		orders, _ := slots["orders"].(float64)
		set("orders", orders+1)
		say(map[string]any{"response": "utter_placed", "orders": orders + 1, "channel": "any"})
		say(map[string]any{"text": fmt.Sprintf("Hurry: %v.", slots["hurry"]), "buttons": []any{}, "custom": map[string]any{"size": slots["size"]}})
		for _, name := range []string{"size", "topping", "hurry"} {
			set(name, nil)
		}
	case "action_note":
		notes, _ := slots["notes"].([]any)
		for _, e := range call.Tracker.Latest.Entities {
			if e.Entity == "n" {
				notes = append(notes, e.Value)
			}
		}
		set("notes", notes)
		say(map[string]any{"text": fmt.Sprintf("%d notes.", len(notes))})
	case "action_count":
		say(map[string]any{"text": fmt.Sprintf("%v orders, notes %v.", slots["orders"], slots["notes"])})
	case "validate_order_form":
		if topping, _ := slots["topping"].(string); strings.Contains(topping, "pineapple") {
			set("topping", nil)
			say(map[string]any{"text": "Not on a pizza."})
		}
	default:
		http.Error(w, "no action "+call.Action, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"events": events, "responses": responses}) // the caller has gone
}

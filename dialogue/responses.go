package dialogue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// response says a response of the domain (ActionBotResponse), then does what after says.
type response struct {
	actionName, response string
	// optional tells that the response may be missing.
	optional bool
	after    func(tn *turn) []tracker.Event
}

func (a response) name() string { return a.actionName }

func (a response) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	events, err := tn.utter(ctx, a.response, t, a.optional)
	if err != nil {
		return nil, err
	}
	if a.after != nil {
		events = append(events, a.after(tn)...)
	}
	return events, nil
}

// utter returns the event of saying a response, none when it is missing.
func (tn *turn) utter(ctx context.Context, name string, t *tracker.Tracker, optional bool) ([]tracker.Event, error) {
	message, err := tn.generate(ctx, name, t, nil)
	if err != nil {
		return nil, err
	}
	if message == nil {
		if !optional {
			tn.log.ErrorContext(ctx, "no message for response", "sender_id", t.SenderID, "action", name)
		}
		return nil, nil
	}
	return []tracker.Event{tn.botUttered(message.Set("utter_action", name))}, nil
}

func (tn *turn) generate(ctx context.Context, name string, t *tracker.Tracker, args *value.Map) (*value.Map, error) {
	if tn.env.NLG == nil {
		return nil, nil
	}
	message, err := tn.env.NLG.Generate(ctx, name, t, tn.out.Name(), args, tn.env.Random)
	if err != nil {
		return nil, fmt.Errorf("generating response %q: %w", name, err)
	}
	return message, nil
}

// textAction says the text of an end-to-end action.
type textAction struct{ text string }

func (a textAction) name() string { return a.text }

func (a textAction) run(_ context.Context, tn *turn, _ *tracker.Tracker) ([]tracker.Event, error) {
	return []tracker.Event{tn.botUttered(value.NewMap("text", a.text))}, nil
}

// retrievalResponse says the response that the response selector chose for the latest message.
type retrievalResponse struct{ actionName string }

func (a retrievalResponse) name() string { return a.actionName }

func (a retrievalResponse) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	parse := t.State().LatestMessage.ParseData
	if !parse.Has("response_selector") {
		return nil, errors.New("the latest message has no response_selector in its parse data")
	}
	selectors := parse.Map("response_selector")
	key := retrievalIntent(a.actionName)
	if !selectors.Has(key) {
		key = "default"
	}
	if !selectors.Has(key) {
		tn.log.ErrorContext(ctx, "no response selected", "sender_id", t.SenderID, "action", a.actionName)
		return nil, nil
	}
	name, ok := selectors.Map(key).Map("response").Value("utter_action").(string)
	if !ok {
		return nil, fmt.Errorf("response selector %q names no utter_action", key)
	}
	return tn.utter(ctx, name, t, false)
}

// remoteAction is a custom action.
type remoteAction struct{ actionName string }

func (a remoteAction) name() string { return a.actionName }

func (a remoteAction) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	if tn.env.Actions == nil {
		return nil, fmt.Errorf("%w: no endpoint is configured to run %q", actions.ErrUnavailable, a.actionName)
	}
	result, err := tn.env.Actions.Run(ctx, a.actionName, t)
	if err != nil {
		return nil, fmt.Errorf("running custom action %q: %w", a.actionName, err)
	}
	events := make([]tracker.Event, 0, len(result.Responses)+len(result.Events))
	for _, r := range result.Responses {
		message, err := tn.draft(ctx, r, t)
		if err != nil {
			return nil, err
		}
		if message != nil {
			events = append(events, tn.botUttered(message))
		}
	}
	for _, e := range result.Events {
		tn.datedIfMissing(e)
		events = append(events, e)
	}
	return events, nil
}

// draft makes the message of what an action server wants said: a response of the domain, if one is named, under the
// fields given (RemoteAction._utter_responses). nil means nothing is said.
func (tn *turn) draft(ctx context.Context, r *value.Map, t *tracker.Tracker) (*value.Map, error) {
	named := r.Value("response")
	r.Delete("response")
	message := &value.Map{}
	if value.Truthy(named) {
		name := value.Str(named)
		generated, err := tn.generate(ctx, name, t, r)
		if errors.Is(err, nlg.ErrUnavailable) {
			// To whoever ran the action it is the action that failed.
			err = fmt.Errorf("%w: %w", actions.ErrUnavailable, err)
		}
		if err != nil || generated.Len() == 0 {
			return nil, err
		}
		message = generated.Set("utter_action", name)
	}
	buttons := r.Value("buttons")
	if list, ok := buttons.([]any); ok && len(list) > 0 {
		message.Set("buttons", append(append([]any(nil), message.List("buttons")...), list...))
	}
	for k, v := range r.All() {
		if k != "buttons" && value.Truthy(v) {
			message.Set(k, v)
		}
	}
	return message, nil
}

// dataKeys are the fields of a message that a bot event keeps in its data, in Rasa's order.
var dataKeys = [...]string{"elements", "quick_replies", "buttons", "attachment", "image", "custom"}

// textOnly is the data of a message that has nothing but text. Most have, so they share it.
var textOnly = botData(&value.Map{})

func botData(message *value.Map) *value.Map {
	data := value.NewMap(
		dataKeys[0], message.Value(dataKeys[0]), dataKeys[1], message.Value(dataKeys[1]), dataKeys[2], message.Value(dataKeys[2]),
		dataKeys[3], message.Value(dataKeys[3]), dataKeys[4], message.Value(dataKeys[4]), dataKeys[5], message.Value(dataKeys[5]),
	)
	if !value.Truthy(data.Value("attachment")) {
		data.Set("attachment", data.Value("image"))
	}
	return data
}

// botUttered makes the event of a bot message; what has no place in its data becomes metadata (create_bot_utterance).
func (tn *turn) botUttered(message *value.Map) *tracker.BotUttered {
	e := &tracker.BotUttered{Base: tn.now(), Data: textOnly}
	for _, key := range dataKeys {
		if message.Value(key) != nil {
			e.Data = botData(message)
			break
		}
	}
	switch text := message.Value("text").(type) {
	case nil:
		e.NoText = true
	case string:
		e.Text = text
	default:
		e.Text = value.Str(text)
	}
	for k, v := range message.All() {
		if k == "text" || slices.Contains(dataKeys[:], k) {
			continue
		}
		if e.Metadata == nil {
			e.Metadata = &value.Map{}
		}
		e.Metadata.Set(k, v)
	}
	return e
}

package channels

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/internal/value"
)

// Sender shows the parts of a bot message in a channel's own way. Absent parts are nil.
type Sender interface {
	Text(ctx context.Context, recipientID, text string) error
	// Buttons shows buttons or quick replies below a text.
	Buttons(ctx context.Context, recipientID string, text any, buttons []any) error
	Image(ctx context.Context, recipientID string, image any) error
	Attachment(ctx context.Context, recipientID string, attachment any) error
	Elements(ctx context.Context, recipientID string, elements []any) error
	Custom(ctx context.Context, recipientID string, custom any) error
}

// Dispatch sends the parts of a bot message one by one (rasa/core/channels/channel.py, send_response): quick replies
// take the place of buttons, a text with either is one part; then come custom, image, attachment and elements. The
// first part that fails ends it. The message is not changed.
func Dispatch(ctx context.Context, s Sender, recipientID string, message *value.Map) error {
	if err := dispatchText(ctx, s, recipientID, message); err != nil {
		return err
	}
	if v := message.Value("custom"); value.Truthy(v) {
		if err := s.Custom(ctx, recipientID, v); err != nil {
			return err
		}
	}
	if v := message.Value("image"); value.Truthy(v) {
		if err := s.Image(ctx, recipientID, v); err != nil {
			return err
		}
	}
	if v := message.Value("attachment"); value.Truthy(v) {
		if err := s.Attachment(ctx, recipientID, v); err != nil {
			return err
		}
	}
	if v := message.Value("elements"); value.Truthy(v) {
		list, err := asList("elements", v)
		if err != nil {
			return err
		}
		return s.Elements(ctx, recipientID, list)
	}
	return nil
}

func dispatchText(ctx context.Context, s Sender, recipientID string, message *value.Map) error {
	for _, key := range []string{"quick_replies", "buttons"} {
		v := message.Value(key)
		if !value.Truthy(v) {
			continue
		}
		list, err := asList(key, v)
		if err != nil {
			return err
		}
		return s.Buttons(ctx, recipientID, message.Value("text"), list)
	}
	switch text := message.Value("text").(type) {
	case string:
		if text != "" {
			return s.Text(ctx, recipientID, text)
		}
	default:
		if value.Truthy(text) {
			return fmt.Errorf("sending a message: text is a %s", value.TypeName(text))
		}
	}
	return nil
}

func asList(key string, v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("sending a message: %s is a %s", key, value.TypeName(v))
	}
	return list, nil
}

// ElementsAsButtons shows each element as "title : subtitle" with its buttons: the way of channels without cards.
func ElementsAsButtons(ctx context.Context, s Sender, recipientID string, elements []any) error {
	for _, e := range elements {
		m, ok := e.(*value.Map)
		if !ok {
			return fmt.Errorf("sending a message: an element is a %s", value.TypeName(e))
		}
		buttons := []any{}
		if v, given := m.Get("buttons"); given {
			list, isList := v.([]any)
			if !isList && v != nil {
				return fmt.Errorf("sending a message: buttons is a %s", value.TypeName(v))
			}
			buttons = list
		}
		text := textOf(m, "title") + " : " + textOf(m, "subtitle")
		if err := s.Buttons(ctx, recipientID, text, buttons); err != nil {
			return err
		}
	}
	return nil
}

func textOf(m *value.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return value.Str(v)
}

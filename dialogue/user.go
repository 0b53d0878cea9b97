package dialogue

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// logMessage starts a session where one is due and adds the user message (MessageProcessor.log_message).
func (tn *turn) logMessage(ctx context.Context, msg *channels.UserMessage) error {
	if err := tn.updateSession(ctx, msg.Metadata); err != nil {
		return err
	}
	parse := msg.ParseData
	if parse.Len() == 0 {
		var err error
		if parse, err = tn.model.parse(ctx, tn.log, msg.Text); err != nil {
			return err
		}
	}
	e := tracker.NewUserUttered(msg.Text, parse, msg.InputChannel, msg.MessageID, msg.Metadata)
	e.Timestamp = tn.env.Now()
	tn.tracker.Update(e)
	return nil
}

// parse understands a text (MessageProcessor.parse_message).
func (m *Model) parse(ctx context.Context, log *slog.Logger, text string) (*value.Map, error) {
	parse, err := m.NLU.Parse(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("parsing a message: %w", err)
	}
	addRetrievalIntent(parse)
	if log.Enabled(ctx, slog.LevelDebug) {
		log.DebugContext(ctx, "parsed message", "text", text, "intent", parse.Map("intent").String("name"))
	}
	m.warnUnseen(ctx, log, parse)
	return parse, nil
}

// addRetrievalIntent completes a retrieval intent with the key that the response selector chose.
func addRetrievalIntent(parse *value.Map) {
	selector := parse.Map("response_selector")
	if selector == nil {
		return
	}
	intent := parse.Map("intent")
	name := intent.String("name")
	for _, r := range selector.List("all_retrieval_intents") {
		if name != "" && value.Equal(r, name) {
			full := selector.Map(name).Map("response").Value("intent_response_key")
			parse.Set("intent", intent.Clone().Set("full_retrieval_intent_name", full))
			return
		}
	}
}

// warnUnseen says once a model what the domain does not know of a message.
func (m *Model) warnUnseen(ctx context.Context, log *slog.Logger, parse *value.Map) {
	warn := func(kind, name string) {
		if _, said := m.warned.LoadOrStore(kind+" "+name, true); !said && !m.Domain.IsEmpty() {
			log.WarnContext(ctx, "message has what the domain does not define", kind, name)
		}
	}
	if name := parse.Map("intent").String("name"); name != "" {
		if _, ok := m.Domain.Intent(name); !ok {
			warn("intent", name)
		}
	}
	for _, e := range parse.List("entities") {
		entity, _ := e.(*value.Map)
		if name := entity.String("entity"); name != "" {
			if _, ok := m.Domain.Entity(name); !ok {
				warn("entity", name)
			}
		}
	}
}

// trigger answers an intent from outside (MessageProcessor.trigger_external_user_uttered).
func (tn *turn) trigger(ctx context.Context, intent string, entities any) error {
	e := tracker.NewExternal(intent, tn.entityList(ctx, entities), tn.tracker.LatestInputChannel())
	e.Timestamp = tn.env.Now()
	tn.tracker.Update(e)
	if err := tn.extractSlots(ctx); err != nil {
		return err
	}
	return tn.predictionLoop(ctx)
}

// entityList accepts entities as a list, or shorter as a map from entity to value.
func (tn *turn) entityList(ctx context.Context, entities any) []any {
	switch entities := entities.(type) {
	case []any:
		return entities
	case *value.Map:
		list := make([]any, 0, entities.Len())
		for name, v := range entities.All() {
			list = append(list, value.NewMap("entity", name, "value", v))
		}
		return list
	}
	if value.Truthy(entities) {
		tn.log.WarnContext(ctx, "ignoring entities that are neither a list nor a map", "sender_id", tn.tracker.SenderID)
	}
	return nil
}

// updateSession starts a session when the conversation has no events that count or its session expired. Metadata of the
// message that causes it is put into the slot session_started_metadata first.
func (tn *turn) updateSession(ctx context.Context, metadata *value.Map) error {
	if tn.tracker.Applied() != nil && !tn.expired() {
		return nil
	}
	if metadata.Len() > 0 {
		tn.tracker.Update(&tracker.SlotSet{Base: tn.now(), Key: "session_started_metadata", Value: metadata})
	}
	i, ok := tn.model.Domain.ActionIndex(tracker.ActionSessionStart)
	if !ok {
		return fmt.Errorf("%w %q", ErrUnknownAction, tracker.ActionSessionStart)
	}
	pred := tn.model.forAction(i, "", 1)
	_, err := tn.runAction(ctx, tn.model.actions[i], &pred, tn.copy())
	return err
}

const minute = 60 // seconds

// expired reports whether the last user message that counts is older than sessions may be.
func (tn *turn) expired() bool {
	limit := tn.model.Domain.Session.ExpirationTime
	if limit <= 0 {
		return false
	}
	for a := tn.tracker.Applied(); a != nil; a = a.Prev {
		if u, ok := a.Event.(*tracker.UserUttered); ok {
			return (tn.env.Now()-u.Timestamp)/minute > limit
		}
	}
	return false
}

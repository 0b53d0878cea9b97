package dialogue

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// Processor handles messages and whatever else changes conversations. It is safe for concurrent use: what happens to
// one conversation is serialised by its lock.
type Processor struct {
	cfg    Config
	model  atomic.Pointer[Model]
	timers *timers
	now    func() float64
	// waiting holds the conversations with a turn that waits for the tracker store.
	waiting sync.Map
}

// New returns a Processor. It has no model until SetModel is called.
func New(cfg Config) *Processor {
	p := &Processor{cfg: cfg.withDefaults()}
	clock := p.cfg.Now
	p.now = func() float64 { return seconds(clock()) }
	p.timers = newTimers(p)
	return p
}

// Start runs what earlier processes left to do: reminders that are due. Call it when there is a model and an Outbox.
func (p *Processor) Start() { p.timers.start() }

// SetModel makes m the model of all turns that begin from now on; turns under way keep theirs. nil unloads the model.
func (p *Processor) SetModel(m *Model) { p.model.Store(m) }

// Model returns the current model, nil when there is none.
func (p *Processor) Model() *Model { return p.model.Load() }

// Close stops looking for reminders and waits for those that run. Store, locks and timers stay open: they belong to whoever
// opened them.
func (p *Processor) Close() { p.timers.close() }

// Handle answers one user message: the bot's messages go to msg.Output. It returns when the turn is stored and what it
// said was sent. Without a model the message is ignored, as in Rasa.
//
// A message with a MessageID that the conversation has already is not handled again: what was said to it then is sent once
// more, with the same ids. The error wraps stores.ErrUnavailable or stores.ErrLockNotAcquired when nothing happened and
// the message may be given again later.
func (p *Processor) Handle(ctx context.Context, msg *channels.UserMessage) error {
	m := p.model.Load()
	if m == nil {
		p.cfg.Logger.InfoContext(ctx, "ignoring message as no model is loaded", "sender_id", msg.SenderID)
		return nil
	}
	// A repeated run must know the message again, whoever gave it its id.
	given, repeated := msg.MessageID != "", false
	id := msg.MessageID
	if !given {
		id = p.cfg.NewID()
	}
	err := p.lockedOn(ctx, m, msg.SenderID, func(tn *turn) error {
		tn.out, tn.id, tn.input = msg.Output, messageCommit(tn.tracker.SenderID, msg.MessageID, id), msg
		if given || repeated {
			if done, err := p.repeat(ctx, tn, id); done || err != nil {
				return err
			}
		}
		repeated = true
		if err := tn.handle(ctx, msg, id); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		return p.save(ctx, tn)
	})
	if err != nil {
		return fmt.Errorf("handling a message of %q: %w", senderOf(msg.SenderID), err)
	}
	return nil
}

// Parse returns the parse data of a text without touching any conversation (Agent.parse_message).
func (p *Processor) Parse(ctx context.Context, text string) (*value.Map, error) {
	m := p.model.Load()
	if m == nil {
		return nil, ErrNoModel
	}
	return m.parse(ctx, p.cfg.Logger, text)
}

func senderOf(id string) string {
	if id == "" {
		return channels.DefaultSenderID
	}
	return id
}

package dialogue

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// Processor handles messages and whatever else changes conversations. It is safe for concurrent use: what happens to
// one conversation is serialised by its lock.
type Processor struct {
	cfg    Config
	model  atomic.Pointer[Model]
	timers *timers
	now    func() float64
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

// Settle returns when the reminders that became due so far have run: for whoever tells the time.
func (p *Processor) Settle() { p.timers.running.Wait() }

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
	err := p.lockedOn(ctx, m, msg.SenderID, p.answer(ctx, msg))
	if err != nil {
		return fmt.Errorf("handling a message of %q: %w", senderOf(msg.SenderID), err)
	}
	return nil
}

// answer returns what answers a message in a turn, any number of times.
func (p *Processor) answer(ctx context.Context, msg *channels.UserMessage) func(tn *turn) error {
	again, commitID := msg.MessageID != "", ""
	if !again {
		named := *msg
		named.MessageID = p.cfg.NewID()
		msg, commitID = &named, named.MessageID
	} else {
		commitID = messageCommit(senderOf(msg.SenderID), msg.MessageID)
	}
	same := func(u *tracker.UserUttered) bool { return u.MessageID == msg.MessageID }
	return func(tn *turn) error {
		if msg.Output != nil {
			tn.out = msg.Output
		}
		tn.id, tn.input = commitID, msg
		if again || tn.rerun {
			if done, err := p.repeat(ctx, tn, same); done || err != nil {
				return err
			}
		}
		if err := tn.handle(ctx, msg); err != nil {
			return p.giveUp(ctx, tn, err)
		}
		return p.save(ctx, tn)
	}
}

// Rerun answers a message again whose turn was accepted and could not be stored, because the conversation went on
// meanwhile. What the bot says is stored, not sent. held tells that the conversation's lock is held for it already.
func (p *Processor) Rerun(ctx context.Context, message *value.Map, held bool) error {
	m, msg := p.model.Load(), channels.Unpack(message)
	if m == nil {
		return ErrNoModel
	}
	if held {
		return p.runOn(ctx, m, senderOf(msg.SenderID), p.answer(ctx, msg))
	}
	return p.lockedOn(ctx, m, msg.SenderID, p.answer(ctx, msg))
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

package dialogue

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// Processor handles messages and whatever else changes conversations. It is safe for concurrent use: what happens to
// one conversation is serialised by its lock.
type Processor struct {
	cfg       Config
	model     atomic.Pointer[Model]
	reminders *reminders
	now       func() float64
}

// New returns a Processor. It has no model until SetModel is called.
func New(cfg Config) *Processor {
	p := &Processor{cfg: cfg.withDefaults()}
	clock := p.cfg.Now
	p.now = func() float64 { return seconds(clock()) }
	p.reminders = newReminders(p)
	return p
}

// SetModel makes m the model of all turns that begin from now on; turns under way keep theirs. nil unloads the model.
func (p *Processor) SetModel(m *Model) { p.model.Store(m) }

// Model returns the current model, nil when there is none.
func (p *Processor) Model() *Model { return p.model.Load() }

// Close cancels all reminders and waits for those that run. Store, locks and brokers stay open: they belong to whoever
// opened them.
func (p *Processor) Close() { p.reminders.close() }

// Handle answers one user message: the bot's messages go to msg.Output. It returns when the turn is stored and
// published. Without a model the message is ignored, as in Rasa.
func (p *Processor) Handle(ctx context.Context, msg *channels.UserMessage) error {
	m := p.model.Load()
	if m == nil {
		p.cfg.Logger.InfoContext(ctx, "ignoring message as no model is loaded", "sender_id", msg.SenderID)
		return nil
	}
	sender := senderOf(msg.SenderID)
	unlock, err := p.cfg.Locks.Lock(ctx, sender)
	if err != nil {
		return fmt.Errorf("handling a message of %q: %w", sender, err)
	}
	defer unlock()
	tn, err := p.load(ctx, m, sender, msg.Output)
	if err != nil {
		return err
	}
	if err := tn.handle(ctx, msg); err != nil {
		p.keepNew(ctx, tn)
		return fmt.Errorf("handling a message of %q: %w", sender, err)
	}
	return p.save(ctx, tn)
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

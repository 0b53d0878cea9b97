package channels

import (
	"context"
	"strings"
	"sync"

	"github.com/parleybot/parley/internal/value"
)

// Collector is an Output that keeps the messages, each as the REST channel shows it (CollectingOutputChannel). It
// serves one request and is safe for concurrent use: a reminder may send to it when the request is over.
type Collector struct {
	name string
	sink func(ctx context.Context, message *value.Map) error

	mu       sync.Mutex
	messages []any
	ended    bool
}

// NewCollector returns a collector under Rasa's name "collector".
func NewCollector() *Collector { return &Collector{name: "collector"} }

// NewForwarder returns an output of another name that hands each message to sink as well.
func NewForwarder(name string, sink func(ctx context.Context, message *value.Map) error) *Collector {
	return &Collector{name: name, sink: sink}
}

// Collects reports whether an output keeps what is sent until the end, so that nobody gains when it is sent early.
func Collects(out Output) bool {
	c, ok := out.(*Collector)
	return ok && c.sink == nil
}

// End returns what was sent, each a *value.Map. What is sent from now on is dropped, since nobody waits for it.
func (c *Collector) End() []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.messages == nil {
		return []any{}
	}
	return c.messages
}

// Name returns the collector's name.
func (c *Collector) Name() string { return c.name }

// Send keeps the parts of a message. The sink finds an id of its own for each in its context.
func (c *Collector) Send(ctx context.Context, recipientID string, message *value.Map) error {
	if c.sink != nil {
		ctx = &parts{Context: ctx}
	}
	return Dispatch(ctx, c, recipientID, message)
}

// Text keeps a text, one message a paragraph: it is stripped and split at blank lines.
func (c *Collector) Text(ctx context.Context, recipientID, text string) error {
	for rest, more := value.Strip(text), true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "\n\n")
		if err := c.keep(ctx, value.NewMap("recipient_id", recipientID, "text", part)); err != nil {
			return err
		}
	}
	return nil
}

// Buttons keeps a text with buttons as one message.
func (c *Collector) Buttons(ctx context.Context, recipientID string, text any, buttons []any) error {
	m := value.NewMap("recipient_id", recipientID)
	if text != nil {
		m.Set("text", text)
	}
	if buttons != nil {
		m.Set("buttons", buttons)
	}
	return c.keep(ctx, m)
}

// Image keeps an image.
func (c *Collector) Image(ctx context.Context, recipientID string, image any) error {
	return c.keep(ctx, value.NewMap("recipient_id", recipientID, "image", image))
}

// Attachment keeps an attachment.
func (c *Collector) Attachment(ctx context.Context, recipientID string, attachment any) error {
	return c.keep(ctx, value.NewMap("recipient_id", recipientID, "attachment", attachment))
}

// Elements keeps each element as a text with buttons.
func (c *Collector) Elements(ctx context.Context, recipientID string, elements []any) error {
	return ElementsAsButtons(ctx, c, recipientID, elements)
}

// Custom keeps a custom payload.
func (c *Collector) Custom(ctx context.Context, recipientID string, custom any) error {
	return c.keep(ctx, value.NewMap("recipient_id", recipientID, "custom", custom))
}

func (c *Collector) keep(ctx context.Context, message *value.Map) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	c.messages = append(c.messages, message)
	if c.sink == nil {
		return nil
	}
	if p, ok := ctx.(*parts); ok {
		p.n++
	}
	return c.sink(ctx, message)
}

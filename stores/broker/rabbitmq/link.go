package rabbitmq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// connectLimit bounds connecting, whatever the caller's context says.
	connectLimit = 30 * time.Second
	// closeLimit bounds the farewell.
	closeLimit = 3 * time.Second
	// window is how many messages may be on their way without a confirmation.
	window = 512
)

// link is a connection with a channel in confirm mode whose exchange and queues are declared. When anything goes wrong with
// it, it is given up and a new one is made: what was under way on it is published again.
type link struct {
	socket net.Conn
	conn   *amqp.Connection
	ch     *amqp.Channel
	// Both get the reason when the server closes the connection or the channel.
	connClosed, chClosed chan *amqp.Error
	// returned gets messages that went into no queue, before their confirmations. It holds a window of them.
	returned chan amqp.Return
}

// connect makes a link. It ends with ctx.
func (s *server) connect(ctx context.Context, exchange string, queues []string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	socket, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	// The library's calls know no context, but they all end with the socket.
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	l, err := s.login(ctx, socket)
	if err == nil {
		err = l.declare(exchange, queues)
	}
	if !stop() {
		err = context.Cause(ctx)
	}
	switch {
	case err == nil:
		return l, nil
	case l != nil:
		l.close(false)
	default:
		_ = socket.Close()
	}
	return nil, err
}

func (s *server) login(ctx context.Context, socket net.Conn) (*link, error) {
	if s.tls != nil {
		secure := tls.Client(socket, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		socket = secure
	}
	properties := amqp.Table{"product": "parley"}
	if s.name != "" {
		properties.SetClientConnectionName(s.name)
	}
	var auth amqp.Authentication = &amqp.PlainAuth{Username: s.username, Password: s.password}
	if s.external {
		auth = &amqp.ExternalAuth{}
	}
	conn, err := amqp.Open(socket, amqp.Config{
		SASL: []amqp.Authentication{auth}, Vhost: s.vhost, Heartbeat: s.heartbeat, Properties: properties, Locale: "en_US",
	})
	if err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	l := &link{socket: socket, conn: conn, connClosed: conn.NotifyClose(make(chan *amqp.Error, 1))}
	if l.ch, err = conn.Channel(); err != nil {
		return l, fmt.Errorf("opening a channel: %w", err)
	}
	l.chClosed = l.ch.NotifyClose(make(chan *amqp.Error, 1))
	l.returned = l.ch.NotifyReturn(make(chan amqp.Return, window))
	if err := l.ch.Confirm(false); err != nil {
		return l, fmt.Errorf("asking for confirmations: %w", err)
	}
	return l, nil
}

// declare makes the exchange and the queues as Rasa does. The exchange does not outlive the server, so this is done anew
// for every connection.
func (l *link) declare(exchange string, queues []string) error {
	if err := l.ch.ExchangeDeclare(exchange, amqp.ExchangeFanout, false, false, false, false, nil); err != nil {
		return fmt.Errorf("declaring the exchange %q: %w", exchange, err)
	}
	for _, q := range queues {
		if _, err := l.ch.QueueDeclare(q, true, false, false, false, nil); err != nil {
			return fmt.Errorf("declaring the queue %q: %w", q, err)
		}
		if err := l.ch.QueueBind(q, "", exchange, false, nil); err != nil {
			return fmt.Errorf("binding the queue %q: %w", q, err)
		}
	}
	return nil
}

// broken reports whether the server or the network ended the link.
func (l *link) broken() bool { return l.conn.IsClosed() || l.ch.IsClosed() }

// publish sends messages and returns when all are confirmed. After an error the link is of no use.
func (l *link) publish(ctx context.Context, exchange string, messages []amqp.Publishing) error {
	stop := context.AfterFunc(ctx, func() { _ = l.socket.Close() })
	defer stop()
	for len(messages) > 0 {
		n := min(window, len(messages))
		if err := l.publishWindow(exchange, messages[:n]); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		messages = messages[n:]
	}
	return nil
}

func (l *link) publishWindow(exchange string, messages []amqp.Publishing) error {
	confirmations := make([]*amqp.DeferredConfirmation, len(messages))
	for i := range messages {
		c, err := l.ch.PublishWithDeferredConfirm(exchange, "", true, false, messages[i])
		if err != nil {
			return fmt.Errorf("%w: %w", err, l.reason())
		}
		confirmations[i] = c
	}
	for _, c := range confirmations {
		if c.Wait() {
			continue
		}
		if l.broken() {
			return l.reason()
		}
		return errors.New("a message was refused")
	}
	select {
	case <-l.returned:
		return errors.New("the exchange has no queue any more")
	default:
		return nil
	}
}

// reason returns why the link broke.
func (l *link) reason() error {
	for _, closed := range []chan *amqp.Error{l.chClosed, l.connClosed} {
		select {
		case err := <-closed:
			if err != nil {
				return err
			}
		case <-time.After(closeLimit): // the library is about to tell, or it will not
		}
	}
	return amqp.ErrClosed
}

// close ends the link, with a farewell if the server is there to hear it.
func (l *link) close(farewell bool) {
	if !farewell {
		_ = l.socket.Close()
	}
	_ = l.conn.CloseDeadline(time.Now().Add(closeLimit)) // the connection is given up, whatever it says
}

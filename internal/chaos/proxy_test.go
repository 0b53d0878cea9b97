package chaos

import (
	"io"
	"net"
	"sync"
	"time"
)

// weather is how a proxy treats its connections.
type weather int

const (
	fine    weather = iota
	slow            // each piece of data is late
	silent          // nothing gets through, connections stay open
	refused         // connections are closed, and no new ones taken
)

// lateness is how late data is in slow weather.
const lateness = 300 * time.Millisecond

// proxy passes TCP connections to a server, in any weather.
type proxy struct {
	target string
	l      net.Listener

	mu      sync.Mutex
	now     weather
	changed chan struct{}
	conns   map[net.Conn]bool
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{target: target, l: l, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

func (p *proxy) addr() string { return p.l.Addr().String() }

// set changes the weather.
func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = w
	close(p.changed)
	p.changed = make(chan struct{})
	if w == refused {
		for c := range p.conns {
			_ = c.Close()
		}
	}
}

func (p *proxy) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	if !p.keep(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(server) {
		return
	}
	defer p.forget(client, server)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			p.pass(way[1], way[0])
			done <- struct{}{}
		}()
	}
	<-done
}

func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == refused {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

func (p *proxy) pass(to io.Writer, from io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.wait()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait holds data back as the weather wants.
func (p *proxy) wait() {
	for {
		p.mu.Lock()
		now, changed := p.now, p.changed
		p.mu.Unlock()
		switch now {
		case silent:
			<-changed
		case slow:
			time.Sleep(lateness)
			return
		default:
			return
		}
	}
}

func (p *proxy) close() {
	_ = p.l.Close()
	p.set(refused)
}

package testservers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

var ports struct {
	sync.Mutex
	given map[int]bool
}

// freePort returns a port on which nobody listens and that was not given to another server of this process. It lies below
// those that the system gives to outgoing connections: a server that is started again would find its port taken by a
// client, even by one that tries to reach it and is connected to itself.
func freePort() (int, error) {
	const lowest = 10000
	limit := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if first, err := strconv.Atoi(strings.Fields(string(text))[0]); err == nil && first > lowest+1000 {
			limit = first
		}
	}
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[int]bool{}
	}
	for range 1000 {
		port := lowest + rand.IntN(limit-lowest)
		if ports.given[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)) //nolint:noctx // whether anybody listens anywhere
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			continue
		}
		ports.given[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("no free port was found between %d and %d", lowest, limit)
}

package testservers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var sharedRedis shared

// Redis returns the address of the shared redis-server. It has 16 databases and keeps nothing on disk.
func Redis(tb testing.TB) string {
	tb.Helper()
	return sharedRedis.get(tb, func() (spec, error) { return redis("redis", nil, "--save", "") }).Addr
}

// RedisWith starts a redis-server with more arguments, as on its command line: "--requirepass", "secret".
func RedisWith(tb testing.TB, args ...string) *Server {
	tb.Helper()
	sp, err := redis("redis", nil, append([]string{"--save", ""}, args...)...)
	return own(tb, sp, err)
}

// redis returns how to start one; more, if any, returns arguments that depend on port and directory.
func redis(name string, more func(port int, dir string) []string, args ...string) (spec, error) {
	path, err := program("redis-server")
	return spec{
		name: name,
		argv: func(port int, dir string) []string {
			argv := append([]string{path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir}, args...)
			if more != nil {
				argv = append(argv, more(port, dir)...)
			}
			return argv
		},
		ready: "Ready to accept connections",
		alive: redisPing,
	}, err
}

// redisPing asks for any answer: one that asks for a password will do.
func redisPing(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second) //nolint:noctx // it has a time limit
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is left to send
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}

// Certificates are files in PEM: an authority and what it signed for 127.0.0.1 and localhost.
type Certificates struct{ CA, ServerCert, ServerKey, ClientCert, ClientKey string }

// RedisTLS starts a redis-server that speaks TLS only and wants a certificate of its clients.
func RedisTLS(tb testing.TB, args ...string) (*Server, Certificates) {
	tb.Helper()
	certs, err := NewCertificates(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	path, err := program("redis-server")
	s := own(tb, spec{
		name: "redis-tls",
		argv: func(port int, dir string) []string {
			return append([]string{path, "--port", "0", "--tls-port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
				"--tls-cert-file", certs.ServerCert, "--tls-key-file", certs.ServerKey, "--tls-ca-cert-file", certs.CA}, args...)
		},
		ready: "Ready to accept connections",
	}, err)
	return s, certs
}

// NewCertificates writes an authority, a server's and a client's certificate to dir.
func NewCertificates(dir string) (Certificates, error) {
	c := Certificates{
		CA:         filepath.Join(dir, "ca.pem"),
		ServerCert: filepath.Join(dir, "server.pem"), ServerKey: filepath.Join(dir, "server.key"),
		ClientCert: filepath.Join(dir, "client.pem"), ClientKey: filepath.Join(dir, "client.key"),
	}
	return c, writeCertificates(c)
}

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct {
	Addrs   []string
	Servers []*Server
}

// RedisCluster starts a cluster of three masters that has all slots assigned.
func RedisCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{}
	for range 3 {
		bus, err := freePort()
		if err != nil {
			tb.Fatal(err)
		}
		sp, err := redis("redis-cluster", nil, "--save", "", "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
			"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
		s := own(tb, sp, err)
		c.Servers, c.Addrs = append(c.Servers, s), append(c.Addrs, s.Addr)
	}
	cli, err := program("redis-cli")
	if err != nil {
		tb.Fatal(err)
	}
	args := append([]string{"--cluster", "create"}, c.Addrs...)
	out, err := exec.Command(cli, append(args, "--cluster-yes")...).CombinedOutput() //nolint:noctx // a command of our own
	if err != nil {
		tb.Fatalf("making the cluster: %v\n%s", err, out)
	}
	waitUntil(tb, "the cluster to be complete", func() error {
		for _, addr := range c.Addrs {
			if err := clusterOK(addr); err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

func clusterOK(addr string) error {
	out, err := redisCLI(addr, "cluster", "info")
	if err == nil && !strings.Contains(out, "cluster_state:ok") {
		err = errors.New(out)
	}
	return err
}

// redisCLI returns what redis-cli prints: the answer to a command.
func redisCLI(addr string, command ...string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	out, err := exec.Command("redis-cli", append([]string{"-h", host, "-p", port}, command...)...).Output() //nolint:noctx // a command of our own
	return strings.TrimSpace(string(out)), err
}

// SentinelSet is a master, its replica and three Sentinels that take a master for dead after a second.
type SentinelSet struct {
	// Name is what Sentinels call the master.
	Name string
	// Addrs are those of the Sentinels.
	Addrs     []string
	Sentinels []*Server

	tb     testing.TB
	master *Server
	slave  *Server
}

// Sentinel starts a redis-server, a replica of it and three Sentinels over them.
func Sentinel(tb testing.TB) *SentinelSet {
	tb.Helper()
	set := &SentinelSet{Name: "mymaster", tb: tb}
	persist := []string{"--save", "", "--appendonly", "yes", "--repl-diskless-sync-delay", "0"}
	sp, err := redis("redis-master", nil, persist...)
	set.master = own(tb, sp, err)
	sp, err = redis("redis-replica", nil, append(persist, "--replicaof", "127.0.0.1", strconv.Itoa(set.master.Port()))...)
	set.slave = own(tb, sp, err)
	path, err := program("redis-server")
	for range 3 {
		s := own(tb, sentinelSpec(path, set.Name, set.master.Port()), err)
		set.Sentinels, set.Addrs = append(set.Sentinels, s), append(set.Addrs, s.Addr)
	}
	waitUntil(tb, "Sentinels to know the replica and each other", func() error {
		for _, s := range set.Sentinels {
			text, err := os.ReadFile(filepath.Join(s.Dir, "sentinel.conf"))
			if err != nil {
				return err
			}
			if n := strings.Count(string(text), "known-sentinel"); n != 2 || !strings.Contains(string(text), "known-replica") {
				return fmt.Errorf("%s knows %d others", s.Addr, n)
			}
		}
		return nil
	})
	return set
}

func sentinelSpec(path, name string, master int) spec {
	return spec{
		name: "redis-sentinel",
		argv: func(_ int, dir string) []string {
			return []string{path, filepath.Join(dir, "sentinel.conf"), "--sentinel"}
		},
		prepare: func(port int, dir string) error {
			text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 2\n"+
				"sentinel down-after-milliseconds %[3]s 1000\nsentinel failover-timeout %[3]s 3000\n", port, dir, name, master)
			return os.WriteFile(filepath.Join(dir, "sentinel.conf"), []byte(text), 0o600)
		},
		alive: redisPing,
	}
}

// Master returns the server that Sentinels take for the master now, and the other one.
func (set *SentinelSet) Master() (master, replica *Server) {
	set.tb.Helper()
	var port int
	waitUntil(set.tb, "a Sentinel to name the master", func() error {
		out, err := redisCLI(set.Addrs[0], "sentinel", "get-master-addr-by-name", set.Name)
		if err != nil {
			return err
		}
		lines := strings.Fields(out)
		if len(lines) != 2 {
			return errors.New(out)
		}
		port, err = strconv.Atoi(lines[1])
		return err
	})
	if set.slave.Port() == port {
		return set.slave, set.master
	}
	return set.master, set.slave
}

// KillMaster kills the present master and returns it, for Restart: it comes back as the replica of the new one.
func (set *SentinelSet) KillMaster() *Server {
	set.tb.Helper()
	master, _ := set.Master()
	master.Kill()
	return master
}

// Stop halts the present master and returns it, for Cont.
func (set *SentinelSet) Stop() *Server {
	set.tb.Helper()
	master, _ := set.Master()
	master.Stop()
	return master
}

// Cont lets both servers and all Sentinels that run go on.
func (set *SentinelSet) Cont() {
	for _, s := range append([]*Server{set.master, set.slave}, set.Sentinels...) {
		if s.Running() {
			s.Cont()
		}
	}
}

// waitUntil asks again until f returns nil.
func waitUntil(tb testing.TB, what string, f func() error) {
	tb.Helper()
	var err error
	for limit := time.Now().Add(startLimit); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	tb.Fatalf("waiting for %s: %v", what, err)
}

package testservers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var sharedRabbitMQ shared

// RabbitMQ returns the URL of the shared broker, amqp://guest:guest@host:port/.
func RabbitMQ(tb testing.TB) string {
	tb.Helper()
	return sharedRabbitMQ.get(tb, func() (spec, error) { return rabbitMQ("") }).URL
}

// RabbitMQServer starts a broker; config is added to its rabbitmq.conf.
func RabbitMQServer(tb testing.TB, config string) *Server {
	tb.Helper()
	sp, err := rabbitMQ(config)
	return own(tb, sp, err)
}

func rabbitMQ(config string) (spec, error) {
	// The one in /usr/sbin changes the user and keeps only some of the environment.
	script := "/usr/lib/rabbitmq/bin/rabbitmq-server"
	if _, err := os.Stat(script); err != nil {
		if script, err = program("rabbitmq-server"); err != nil {
			return spec{}, err
		}
	}
	as, err := systemUser("rabbitmq")
	if err != nil {
		return spec{}, err
	}
	// Erlang's name server runs in the process beside the broker: nobody finds a node but by its port, and none is left.
	dist, err := freePort()
	if err != nil {
		return spec{}, err
	}
	names, err := freePort()
	return spec{
		name: "rabbitmq", user: as,
		prepare: func(port int, dir string) error {
			text := fmt.Sprintf("listeners.tcp.default = 127.0.0.1:%d\nlog.console = true\nlog.console.level = info\nloopback_users = none\n"+
				"disk_free_limit.absolute = 1MB\n%s\n", port, config)
			for name, content := range map[string]string{"rabbitmq.conf": text, "enabled_plugins": "[].\n", "rabbitmq-env.conf": ""} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		argv: func(int, string) []string {
			return []string{"/bin/sh", "-c", `"$0" -port "$ERL_EPMD_PORT" & exec "$1"`, epmd(), script}
		},
		env: func(port int, dir string) []string {
			return []string{
				"HOME=" + dir, "RABBITMQ_NODENAME=n" + strconv.Itoa(port) + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
				"RABBITMQ_NODE_PORT=" + strconv.Itoa(port), "RABBITMQ_DIST_PORT=" + strconv.Itoa(dist),
				"ERL_EPMD_PORT=" + strconv.Itoa(names), "ERL_EPMD_ADDRESS=127.0.0.1",
				"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE=" + dir, "RABBITMQ_LOGS=-",
				"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE=" + filepath.Join(dir, "rabbitmq-env.conf"),
				"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"), "RABBITMQ_PID_FILE=" + filepath.Join(dir, "pid"),
				"RABBITMQ_ALLOW_INPUT=1", "RABBITMQ_SERVER_START_ARGS=-noshell -noinput",
			}
		},
		ready: "Server startup complete",
		url:   func(addr string) string { return "amqp://guest:guest@" + addr + "/" },
	}, err
}

// epmd returns the path of Erlang's name server.
func epmd() string {
	path, err := program("epmd", "/usr/lib/erlang/bin/epmd")
	if err != nil {
		return "epmd" // it comes with RabbitMQ; the shell says what is wrong
	}
	return path
}

package testservers

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{
		"redis":    func(tb testing.TB) *Server { return RedisWith(tb, "--appendonly", "yes") },
		"postgres": PostgresServer,
		"mariadb":  MariaDBServer,
		"rabbitmq": func(tb testing.TB) *Server { return RabbitMQServer(tb, "") },
		"kafka":    KafkaServer,
		"dynamodb": DynamoDBServer,
		"mongo":    MongoServer,
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			s := start(t)
			t.Logf("%s is ready after %s", name, time.Since(begin).Round(time.Millisecond))
			pid := s.PID()
			all := family(pid)
			require.NoError(t, s.isReady())

			s.Stop()
			s.Cont()
			require.NoError(t, s.isReady())

			begin = time.Now()
			s.Kill()
			require.False(t, s.Running())
			require.False(t, anyRuns(all))
			require.Error(t, dial(s.Addr))
			t.Logf("%s is gone after %s", name, time.Since(begin).Round(time.Millisecond))

			begin = time.Now()
			s.Restart()
			require.NoError(t, s.isReady())
			t.Logf("%s is back after %s", name, time.Since(begin).Round(time.Millisecond))
		})
	}
}
